//! A function for the tests: on the bare Runtime API, over one socket, without any library.
//!
//! It answers with the event it got. A query `wait=MS` makes it wait, `exit` makes it end, `fail` makes it report an
//! error, `size=N` gives a body of N bytes, `length=N` a Content-Length; `say` makes it print. `half` makes it end in
//! the middle of its result, as does an object whose key ends so; `stream` makes it stream a result and note what it
//! was told of that, `stream-half` end in the middle of it. Of stream records it fails the one whose SequenceNumber is
//! `bad`, and the whole batch where one is `poison`. Events that are no requests are appended to the file
//! `ECHO_EVENTS`. `ECHO_INIT` is how it begins: `works`, `reports` an error, `exits`, or `hangs`.
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
    begin(&mut reader)?;
    loop {
        let (id, body) = call(&mut reader, "GET", "invocation/next", "")?;
        let event: Value = serde_json::from_slice(&body)?;
        let response = format!("invocation/{id}/response");
        let query = event["rawQueryString"].as_str().unwrap_or_default();
        let value = |name: &str| {
            query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')?.parse::<u64>().ok())
        };
        if let Some(ms) = value("wait") {
            std::thread::sleep(std::time::Duration::from_millis(ms));
        }
        match query {
            "exit" => std::process::exit(3),
            "say" => {
                println!("on standard output");
                eprintln!("on standard error");
            }
            "fail" => {
                report(&mut reader, &id)?;
                continue;
            }
            "half" => break_off(&mut reader, &response, "content-length: 1000", r#"{"statusCode":200"#)?,
            "stream" | "stream-half" => stream(&mut reader, &response, query == "stream-half")?,
            _ => {}
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
            note(&event)?;
            let key = event["Records"][0]["s3"]["object"]["key"].as_str().unwrap_or_default();
            if key.ends_with("half") {
                break_off(&mut reader, &response, "content-length: 1000", "{")?;
            }
            let records = event["Records"].as_array().map_or(&[][..], Vec::as_slice);
            let has =
                |number: &str| records.iter().any(|record| record["dynamodb"]["SequenceNumber"] == number);
            if has("poison") {
                report(&mut reader, &id)?;
                continue;
            }
            if has("bad") { json!({ "batchItemFailures": [{ "itemIdentifier": "bad" }] }) } else { json!({}) }
        };
        call(&mut reader, "POST", &response, &answer.to_string())?;
    }
}

fn begin(reader: &mut BufReader<TcpStream>) -> std::io::Result<()> {
    match std::env::var("ECHO_INIT").as_deref() {
        Ok("reports") => {
            call(reader, "POST", "init/error", r#"{"errorMessage":"asked to","errorType":"Echo.Init"}"#)?;
            std::process::exit(1)
        }
        Ok("exits") => std::process::exit(1),
        Ok("hangs") => {
            std::thread::sleep(std::time::Duration::from_secs(60));
            std::process::exit(1)
        }
        _ => Ok(()),
    }
}

fn report(reader: &mut BufReader<TcpStream>, id: &str) -> std::io::Result<()> {
    call(reader, "POST", &format!("invocation/{id}/error"), r#"{"errorMessage":"asked to"}"#).map(|_| ())
}

fn note(event: &Value) -> std::io::Result<()> {
    let Ok(path) = std::env::var("ECHO_EVENTS") else { return Ok(()) };
    let mut file = std::fs::File::options().create(true).append(true).open(path)?;
    file.write_all(format!("{event}\n").as_bytes())
}

/// Sends the beginning of a result.
fn begin_result(
    reader: &mut BufReader<TcpStream>,
    path: &str,
    header: &str,
    body: &str,
) -> std::io::Result<()> {
    let head = format!("POST /2018-06-01/runtime/{path} HTTP/1.1\r\nhost: runtime\r\n{header}\r\n\r\n");
    reader.get_mut().write_all(head.as_bytes())?;
    reader.get_mut().write_all(body.as_bytes())
}

fn break_off(reader: &mut BufReader<TcpStream>, path: &str, header: &str, body: &str) -> std::io::Result<()> {
    begin_result(reader, path, header, body)?;
    std::process::exit(3)
}

/// A streamed result, of which there is only the beginning: a prelude in JSON, eight zeros, and some of the body.
fn stream(reader: &mut BufReader<TcpStream>, path: &str, breaks_off: bool) -> std::io::Result<()> {
    let headers = "lambda-runtime-function-response-mode: streaming\r\n\
                   content-type: application/vnd.awslambda.http-integration-response\r\ntransfer-encoding: chunked";
    begin_result(reader, path, headers, "1d\r\n{\"statusCode\":200}\0\0\0\0\0\0\0\0abc\r\n")?;
    if !breaks_off {
        let mut told = String::new();
        reader.read_line(&mut told)?;
        note(&json!(told.trim_end()))?;
    }
    std::process::exit(3)
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
