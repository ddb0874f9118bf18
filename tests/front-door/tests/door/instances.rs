//! Instances of a function: started, frozen, killed, gone.

use super::support::{Door, at, exists, process_state};
use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

#[test]
fn it_is_frozen_between_invocations() {
    let door = Door::start(&[]);
    for round in 1..=3_u64 {
        assert_eq!(door.get("/v2/a").0, 200);
        let state = door.until(|state| state["functions"]["Echo"]["freezes"] == round);
        let pid = state["functions"]["Echo"]["instances"][0].as_u64().expect("one instance");
        assert_eq!(process_state(pid), "T");
        assert_eq!(state["functions"]["Echo"]["cold_starts"], 1);
    }
}

#[test]
fn several_instances_at_once_and_no_more_than_told() {
    let door = Door::start(&["--instances", "3"]);
    std::thread::scope(|scope| {
        for _ in 0..9 {
            scope.spawn(|| assert_eq!(door.get("/v2/a?wait=50").0, 200));
        }
    });
    let state = door.until(|state| state["functions"]["Echo"]["freezes"] == 9);
    assert_eq!(state["functions"]["Echo"]["instances"].as_array().map(Vec::len), Some(3));
}

#[test]
fn kills_come_now_and_then_and_from_the_seed() {
    let run = |seed: &str| {
        let door = Door::start(&["--kill-every", "3", "--seed", seed]);
        let statuses: Vec<_> = (0..24).map(|_| door.get("/v2/a?wait=40").0).collect();
        let kills = door.until(|state| state["functions"]["Echo"]["invocations"] == 24)["functions"]["Echo"]
            ["kills"]
            .as_u64()
            .expect("a number");
        (statuses, kills)
    };
    let (statuses, kills) = run("7");
    let lost = statuses.iter().filter(|status| **status == 502).count() as u64;
    assert!(statuses.iter().all(|status| matches!(status, 200 | 502)), "{statuses:?}");
    assert!(lost > 0 && lost < kills, "some while they work, some between: {lost} of {kills}");
    assert_eq!(run("7").0, statuses);
}

#[test]
fn nothing_is_left_behind_even_in_the_middle_of_an_invocation() {
    for signal in ["TERM", "KILL"] {
        let mut door = Door::start(&[]);
        std::thread::scope(|scope| {
            let both =
                [scope.spawn(|| door.get("/v2/a?wait=100")), scope.spawn(|| door.get("/v2/a?wait=100"))];
            for one in both {
                assert_eq!(one.join().expect("an answer").0, 200);
            }
        });
        // One works, one is frozen.
        let mut busy = TcpStream::connect(&door.front).expect("it listens");
        busy.write_all(b"GET /v2/a?wait=1500 HTTP/1.1\r\nhost: a\r\n\r\n").expect("a request");
        let state = door.until(|state| state["functions"]["Echo"]["invocations"] == 3);
        let pids: Vec<_> = state["functions"]["Echo"]["instances"]
            .as_array()
            .expect("instances")
            .iter()
            .map(|pid| pid.as_u64().expect("a number"))
            .collect();
        assert_eq!(pids.len(), 2);
        if signal == "TERM" {
            door.terminate();
            assert!(!pids.iter().any(|pid| exists(*pid)));
        } else {
            door.child.kill().expect("it is killed");
            door.child.wait().expect("it is gone");
            let started = Instant::now();
            while pids.iter().any(|pid| exists(*pid)) {
                assert!(started.elapsed() < Duration::from_secs(10), "left behind: {pids:?}");
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }
}

#[test]
fn what_instances_print_is_in_the_functions_log() {
    let logs = tempfile::tempdir().expect("a folder");
    // The front door makes the folder.
    let door = Door::start(&["--logs", &at(&logs, "of/functions")]);
    for _ in 0..2 {
        assert_eq!(door.get("/v2/a?say").0, 200);
        assert_eq!(door.get("/v2/a?exit").0, 502, "the next is another instance");
    }
    let log = std::fs::read_to_string(at(&logs, "of/functions/Echo.log")).expect("a log of the function");
    assert_eq!(log, "on standard output\non standard error\n".repeat(2));
}
