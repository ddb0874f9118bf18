//! A table that takes no more: what a client is told. Between the process and the DynamoDB of the tests stands a
//! proxy that can answer in its place.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::gateway::{Aws, push};
use crate::{Moorage, read_all};

const REFUSAL: &str = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"The level of configured provisioned throughput for the table was exceeded."}"#;

/// Hands each request on, or refuses it as a table over its limit does.
struct Proxy {
    address: SocketAddr,
    throttled: Arc<AtomicBool>,
}

impl Proxy {
    fn start(to: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let throttled = Arc::new(AtomicBool::new(false));
        let flag = throttled.clone();
        // Ends with the test's process; its connections end when those who made them do.
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (to, flag) = (to.clone(), flag.clone());
                std::thread::spawn(move || serve(stream, &to, &flag));
            }
        });
        Self { address, throttled }
    }
}

/// Requests of one connection, one after the other. A connection that breaks is over.
fn serve(stream: TcpStream, to: &str, throttled: &AtomicBool) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut stream = stream;
    loop {
        let request = read_request(&mut reader)?;
        let answer = if throttled.load(Ordering::SeqCst) {
            let length = REFUSAL.len();
            format!("HTTP/1.1 400 Bad Request\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: {length}\r\n\r\n{REFUSAL}")
                .into_bytes()
        } else {
            let mut engine = TcpStream::connect(to).ok()?;
            engine.write_all(&request).ok()?;
            let mut answer = Vec::new();
            engine.read_to_end(&mut answer).ok()?;
            answer
        };
        stream.write_all(&answer).ok()?;
        if !throttled.load(Ordering::SeqCst) {
            // The engine said that its connection ends here, and so does ours.
            return Some(());
        }
    }
}

/// A whole request, changed to ask that the connection be closed after it. The SDK always says a length here.
fn read_request(reader: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let mut request = Vec::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line == "\r\n" {
            request.extend(b"connection: close\r\n\r\n");
            break;
        }
        request.extend(line.as_bytes());
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    request.extend(body);
    Some(request)
}

#[test]
fn a_table_that_takes_no_more_is_503_and_come_back() {
    let aws = Aws::start();
    let engine = aws.served.url().replace("http://", "");
    let proxy = Proxy::start(engine);
    let mut command = aws.command(&["--bucket", "blobs", "--table", "references", "--create"]);
    command.env("AWS_ENDPOINT_URL_DYNAMODB", format!("http://{}", proxy.address));
    let moorage = Moorage::spawn(&mut command);
    push(&moorage);

    proxy.throttled.store(true, Ordering::SeqCst);
    let mut stream = moorage.connect();
    write!(stream, "GET /v2/a/manifests/v1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").expect("sent");
    let refused = read_all(&mut stream);
    assert!(refused.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{refused}");
    for said in ["retry-after: 1\r\n", r#""code":"TOOMANYREQUESTS""#, "try again"] {
        assert!(refused.contains(said), "{said} is not in:\n{refused}");
    }
    // What the table said is the owner's business.
    assert!(!refused.contains("provisioned"), "{refused}");

    proxy.throttled.store(false, Ordering::SeqCst);
    let answer = moorage.ask("GET /v2/a/manifests/v1", "");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");

    moorage.signal("TERM");
    let (_, log) = moorage.wait();
    let line = log.lines().find(|line| line.contains(r#""status":503"#)).expect("a line for the refusal");
    assert!(line.contains(r#""retries":2"#), "{line}");
    assert!(log.contains("ProvisionedThroughputExceeded"), "the log says what the table said");
}
