//! Functions that fail: before their first invocation, in it, and in the middle of their result.

use super::support::Door;

#[test]
fn a_function_that_fails_ends_or_is_late() {
    let door = Door::start(&[]);
    let error = br#"{"message":"Internal Server Error"}"#.to_vec();
    assert_eq!(door.get("/v2/a?fail").2, error);
    let (status, _, body) = door.get("/v2/a?exit");
    assert_eq!((status, body), (502, error));
    let (status, _, body) = door.get("/v2/a?wait=60000");
    assert_eq!((status, body.as_slice()), (504, br#"{"message":"Gateway Timeout"}"#.as_slice()));
    assert_eq!(door.get("/v2/a").0, 200, "the next one gets a new instance");
    assert_eq!(door.state()["functions"]["Echo"]["timeouts"], 1);
}

/// A front door whose function begins in this way.
fn whose_init(does: &str, more: &[&str]) -> Door {
    Door::with_template(|template| template.replace("ECHO_INIT: works", &format!("ECHO_INIT: {does}")), more)
}

#[test]
fn a_function_that_does_not_come_to_its_first_invocation() {
    for (does, more) in [("reports", &[][..]), ("exits", &[]), ("hangs", &["--init-ms-max", "200"])] {
        let door = whose_init(does, more);
        for requests in 1..=2_u64 {
            let (status, _, body) = door.get("/v2/a");
            assert_eq!(
                (status, body.as_slice()),
                (502, br#"{"message":"Internal Server Error"}"#.as_slice()),
                "{does}"
            );
            let state = door.until(|state| state["functions"]["Echo"]["errors"] == requests);
            let state = &state["functions"]["Echo"];
            assert_eq!(state["cold_starts"], requests, "{does}");
            assert_eq!(state["instances"].as_array().map(Vec::len), Some(0), "{does}: it is ended");
        }
    }
}

#[test]
fn half_a_result_is_none() {
    let door = Door::start(&[]);
    let (status, _, body) = door.get("/v2/a?half");
    assert_eq!((status, body.as_slice()), (502, br#"{"message":"Internal Server Error"}"#.as_slice()));
    door.until(|state| state["functions"]["Echo"]["errors"] == 1);
    assert_eq!(door.get("/v2/a").0, 200);
    // Nor is an event delivered by it, which has no result that anybody reads: it is tried three times.
    door.tell("/events/s3", r#"{"key":"sha256:half","size":1}"#);
    let state = door.until(|state| state["events"]["pending"] == 0);
    assert_eq!((&state["events"]["delivered"], &state["events"]["failed"]), (&0.into(), &1.into()));
    assert_eq!(door.events().len(), 3);
}

/// The front door has buffered results only, as an HTTP API has: a function that streams learns it at once, in the
/// middle of its result, and one that dies there is only gone.
#[test]
fn a_streamed_result_is_refused_while_it_is_under_way() {
    let door = Door::start(&[]);
    for (number, query) in [(0_u64, "stream"), (1, "stream-half")] {
        let (status, _, body) = door.get(&format!("/v2/a?{query}"));
        assert_eq!(
            (status, body.as_slice()),
            (502, br#"{"message":"Internal Server Error"}"#.as_slice()),
            "{query}"
        );
        door.until(|state| state["functions"]["Echo"]["errors"] == number + 1);
        assert_eq!(door.get("/v2/a").0, 200, "{query}: the next one gets an instance");
    }
    assert_eq!(door.events(), ["HTTP/1.1 400 Bad Request"], "what the function that waited for it was told");
}
