//! A function for the tests: on the bare Runtime API, over one socket, without any library.
//!
//! It answers with the event it got. A query `wait=MS` makes it wait, `exit` makes it end, `fail` makes it report an
//! error, `size=N` gives a body of N bytes, `length=N` a Content-Length; of stream records it fails the one whose
//! SequenceNumber is `bad`. Events that are no requests are appended to the file `ECHO_EVENTS`.
#![expect(
    clippy::disallowed_methods,
    reason = "serde_json's `json!` has an `unwrap` that cannot fail; a slow function sleeps"
)]

use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

fn main() -> std::io::Result<()> {
    let address = std::env::var("AWS_LAMBDA_RUNTIME_API").map_err(std::io::Error::other)?;
    let mut reader = BufReader::new(TcpStream::connect(&address)?);
    loop {
        let (id, body) = call(&mut reader, "GET", "invocation/next", "")?;
        let event: Value = serde_json::from_slice(&body)?;
        let query = event["rawQueryString"].as_str().unwrap_or_default();
        let value = |name: &str| {
            query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')?.parse::<u64>().ok())
        };
        if query == "exit" {
            std::process::exit(3);
        }
        if let Some(ms) = value("wait") {
            std::thread::sleep(std::time::Duration::from_millis(ms));
        }
        if query == "fail" {
            call(&mut reader, "POST", &format!("invocation/{id}/error"), r#"{"errorMessage":"asked to"}"#)?;
            continue;
        }
        let answer = if event.get("requestContext").is_some() {
            let body = value("size").map_or_else(|| event.to_string(), |size| "x".repeat(size as usize));
            let mut headers =
                json!({ "content-type": "application/json", "x-pid": std::process::id().to_string() });
            if let Some(length) = value("length") {
                headers["content-length"] = json!(length.to_string());
            }
            json!({ "statusCode": 200, "headers": headers, "body": body, "cookies": ["a=1", "b=2"] })
        } else {
            seen(&event)?
        };
        call(&mut reader, "POST", &format!("invocation/{id}/response"), &answer.to_string())?;
    }
}

fn seen(event: &Value) -> std::io::Result<Value> {
    if let Ok(path) = std::env::var("ECHO_EVENTS") {
        let mut file = std::fs::File::options().create(true).append(true).open(path)?;
        file.write_all(format!("{event}\n").as_bytes())?;
    }
    let records = event["Records"].as_array().cloned().unwrap_or_default();
    let bad = records.iter().any(|record| record["dynamodb"]["SequenceNumber"] == "bad");
    Ok(if bad { json!({ "batchItemFailures": [{ "itemIdentifier": "bad" }] }) } else { json!({}) })
}

/// One call; the request id and the body of the answer.
fn call(
    reader: &mut BufReader<TcpStream>,
    method: &str,
    path: &str,
    body: &str,
) -> std::io::Result<(String, Vec<u8>)> {
    let head = format!(
        "{method} /2018-06-01/runtime/{path} HTTP/1.1\r\nhost: runtime\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    reader.get_mut().write_all(head.as_bytes())?;
    reader.get_mut().write_all(body.as_bytes())?;
    let (mut id, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(std::io::Error::other("the Runtime API is gone"));
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        match line.split_once(": ") {
            Some(("content-length", value)) => length = value.parse().map_err(std::io::Error::other)?,
            Some(("lambda-runtime-aws-request-id", value)) => id = value.to_owned(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok((id, body))
}
