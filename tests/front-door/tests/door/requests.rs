//! What a request becomes, and what is refused before a function sees it.

use super::support::{Door, exchange, json};
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

#[test]
fn a_request_becomes_an_event_of_format_2() {
    let door = Door::start(&[]);
    let head = "GET /v2/a%2Fb/my%20tag?x=1&x=2&y=%20 HTTP/1.1\r\nHost: a.example\r\nconnection: close\r\n\
                Accept: one\r\nAccept: two\r\nCookie: c=1; d=2\r\nUser-Agent: test\r\n\r\n";
    let (status, answered, body) = exchange(&door.front, head, b"");
    let event = json(&body);
    assert_eq!(status, 200);
    assert_eq!(answered.matches("set-cookie: ").count(), 2, "{answered}");
    // The members of the example in "Create AWS Lambda proxy integrations for HTTP APIs".
    let expected = serde_json::json!({
        "version": "2.0", "routeKey": "GET /v2/{proxy+}", "rawPath": "/v2/a/b/my tag",
        "rawQueryString": "x=1&x=2&y=%20", "cookies": ["c=1", "d=2"], "isBase64Encoded": false,
        "queryStringParameters": { "x": "1,2", "y": " " }, "pathParameters": { "proxy": "a/b/my tag" },
    });
    for (name, value) in expected.as_object().expect("an object") {
        assert_eq!(&event[name], value, "{name}");
    }
    assert_eq!(event["headers"]["accept"], "one,two");
    assert_eq!(event["headers"]["cookie"], Value::Null);
    let context = &event["requestContext"];
    assert_eq!(context["http"]["method"], "GET");
    assert_eq!(context["http"]["path"], "/v2/a/b/my tag");
    assert_eq!(context["http"]["sourceIp"], "127.0.0.1");
    assert_eq!(context["http"]["userAgent"], "test");
    assert!(context["requestId"].is_string() && context["timeEpoch"].is_u64());
}

#[test]
fn bodies_are_text_or_base64() {
    let door = Door::start(&[]);
    let seen = |kind: &str, body: &[u8]| {
        let event = json(&door.put(&format!("content-type: {kind}\r\n"), body).2);
        (event["body"].clone(), event["isBase64Encoded"].clone())
    };
    for kind in
        ["text/plain", "application/json", "application/vnd.oci.image.manifest.v1+json; charset=utf-8"]
    {
        assert_eq!(seen(kind, b"\xef\xbb\xbf{}"), ("\u{feff}{}".into(), false.into()), "{kind}");
    }
    assert_eq!(seen("application/octet-stream", b"{}"), ("e30=".into(), true.into()));
    // What AWS does with a text that is not UTF-8 is not known; here it is base64, so that no byte is lost.
    assert_eq!(seen("text/plain", b"\xff\xfe"), ("//4=".into(), true.into()));
}

#[test]
fn routes_are_those_of_the_template() {
    let door = Door::start(&[]);
    for path in ["/", "/v2", "/v3/a"] {
        let (status, _, body) = door.get(path);
        assert_eq!((status, body.as_slice()), (404, br#"{"message":"Not Found"}"#.as_slice()), "{path}");
    }
    assert_eq!(json(&door.get("/v2/").2)["routeKey"], "GET /v2/");
}

#[test]
fn six_megabytes_and_no_more_both_ways() {
    let door = Door::start(&[]);
    let words =
        br#"{"Message":"Request must be smaller than 6291456 bytes for the InvokeFunction operation"}"#;
    // Too long as it is, and too long in base64 only; written whole before anything is read.
    for bytes in [7_000_000, 4_800_000] {
        let (status, head, body) = door.put("", &vec![b'x'; bytes]);
        assert_eq!((status, body.as_slice()), (413, words.as_slice()), "{bytes}");
        assert!(head.contains("x-amzn-errortype: RequestEntityTooLargeException"), "{head}");
    }
    let chunked = "PUT /v2/a HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
    let mut body = b"700000\r\n".to_vec();
    body.extend(vec![b'x'; 0x70_0000]);
    body.extend(b"\r\n0\r\n\r\n");
    assert_eq!(exchange(&door.front, chunked, &body).0, 413);
    assert_eq!(door.state()["functions"]["Echo"]["invocations"], 0, "no function was started for them");
    assert_eq!(door.put("", &vec![b'x'; 4_600_000]).0, 200);

    assert_eq!(door.get("/v2/a?size=6000000").2.len(), 6_000_000);
    let (status, _, body) = door.get("/v2/a?size=6300000");
    assert_eq!((status, body.as_slice()), (502, br#"{"message":"Internal Server Error"}"#.as_slice()));
}

#[test]
fn a_head_keeps_its_length_and_has_no_body() {
    let door = Door::start(&[]);
    let head = "HEAD /v2/a?length=12345 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let (status, head, body) = exchange(&door.front, head, b"");
    assert_eq!((status, body.len()), (200, 0));
    assert!(head.contains("content-length: 12345"), "{head}");
}

/// A client that asks before it sends a long body, as curl does.
fn asked(door: &Door, bytes: usize) -> (TcpStream, String) {
    let mut socket = TcpStream::connect(&door.front).expect("it listens");
    socket.set_read_timeout(Some(Duration::from_secs(30))).expect("a time-out");
    let head = format!(
        "PUT /v2/a HTTP/1.1\r\nhost: a\r\nconnection: close\r\nexpect: 100-continue\r\ncontent-length: {bytes}\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).expect("the head is taken");
    let mut answered = Vec::new();
    while !answered.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte).expect("an answer to the head alone");
        answered.push(byte[0]);
    }
    (socket, String::from_utf8(answered).expect("text"))
}

#[test]
fn a_client_that_asks_first_is_told_to_go_on_or_not() {
    let door = Door::start(&[]);
    let (mut socket, answered) = asked(&door, 2_000_000);
    assert_eq!(answered, "HTTP/1.1 100 Continue\r\n\r\n");
    socket.write_all(&vec![b'x'; 2_000_000]).expect("the body is taken");
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).expect("an answer");
    assert!(answer.starts_with(b"HTTP/1.1 200 "));
    let body = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head") + 4;
    let event = json(&answer[body..]);
    assert_eq!(event["body"].as_str().map(str::len), Some(2_666_668), "all of it in base64");
    assert_eq!(event["headers"]["expect"], Value::Null, "what is between two hops is not passed on");

    let (mut socket, answered) = asked(&door, 7_000_000);
    assert!(answered.starts_with("HTTP/1.1 413 "), "{answered}");
    let mut rest = Vec::new();
    socket.read_to_end(&mut rest).expect("the connection ends with it");
    assert!(rest.starts_with(br#"{"Message":"Request must be smaller"#));
    assert_eq!(door.state()["functions"]["Echo"]["invocations"], 1, "no function was started for the second");
}

#[test]
fn half_a_request_is_none() {
    let door = Door::start(&[]);
    let mut socket = TcpStream::connect(&door.front).expect("it listens");
    socket.set_read_timeout(Some(Duration::from_secs(30))).expect("a time-out");
    socket
        .write_all(b"PUT /v2/a HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nfive!")
        .expect("it is taken");
    socket.shutdown(Shutdown::Write).expect("it is half closed");
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).expect("an answer");
    assert!(answer.starts_with(b"HTTP/1.1 400 "), "{}", String::from_utf8_lossy(&answer));
    assert_eq!(door.state()["functions"]["Echo"]["invocations"], 0);
}
