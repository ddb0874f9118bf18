//! The table's stream, as its mapping in the template says.

use super::support::Door;
use serde_json::{Value, json};

#[test]
fn the_stream_is_in_order_for_one_item_and_retries_are_bounded() {
    let door = Door::start(&["--events", "rough", "--seed", "5"]);
    let record = |item: u64, sequence: &str| {
        format!(r#"{{"dynamodb":{{"Keys":{{"PK":{{"S":"{item}"}}}},"SequenceNumber":"{sequence}"}}}}"#)
    };
    for step in 0..20 {
        let records: Vec<_> = (0..8).map(|item| record(item, &format!("{step}"))).collect();
        door.tell("/events/stream", &format!(r#"{{"Records":[{}]}}"#, records.join(",")));
    }
    let state = door.until(|state| state["events"]["pending"] == 0);
    assert_eq!(state["events"]["delivered"], 160);
    let batches = door.events();
    for item in 0..8 {
        let (name, mut seen) = (format!("{item}"), Vec::new());
        for record in batches.iter().flat_map(|batch| batch["Records"].as_array().expect("records")) {
            if record["dynamodb"]["Keys"]["PK"]["S"].as_str() == Some(name.as_str()) {
                let sequence = record["dynamodb"]["SequenceNumber"].as_str().expect("a text");
                seen.push(sequence.parse::<u64>().expect("a number"));
            }
        }
        // A batch that comes twice goes back, but never over one that has not come.
        let mut highest = None;
        for sequence in seen {
            assert!(highest.map_or(sequence == 0, |highest| sequence <= highest + 1), "item {item}");
            highest = highest.max(Some(sequence));
        }
        assert_eq!(highest, Some(19));
    }
    // One that fails for ever: tried 1 + 2 times (the template's retries), then given up.
    door.tell("/events/stream", &format!("[{}]", record(1, "bad")));
    let state = door.until(|state| state["events"]["pending"] == 0);
    assert_eq!((&state["events"]["failed"], &state["events"]["delivered"]), (&1.into(), &160.into()));
}

/// A front door whose mapping also says this: properties of YAML, separated by `; `.
fn whose_mapping(says: &str, more: &[&str]) -> Door {
    let lines = says.split("; ").map(|line| format!("            {line}\n")).collect::<String>();
    Door::with_template(|template| template.replace("            # MORE OF THE MAPPING\n", &lines), more)
}

/// A change of one item, so all of these are in one shard, and in order.
fn change(sequence: &str) -> Value {
    json!({ "dynamodb": { "Keys": { "PK": { "S": "one" } }, "SequenceNumber": sequence } })
}

fn tell(door: &Door, records: &[Value]) {
    door.tell("/events/stream", &json!({ "Records": records }).to_string());
}

/// The batches that the function got, each record by its sequence number.
fn batches(door: &Door) -> Vec<Vec<String>> {
    let number = |record: &Value| record["dynamodb"]["SequenceNumber"].as_str().expect("a text").to_owned();
    let of = |event: &Value| event["Records"].as_array().expect("records").iter().map(number).collect();
    door.events().iter().map(of).collect()
}

#[test]
fn what_the_filter_keeps_back_never_comes() {
    let pattern = r#"{"dynamodb":{"Keys":{"PK":{"S":[{"anything-but":["review#1","review#2"]}]}}}}"#;
    let door = whose_mapping(&format!("FilterCriteria: {{ Filters: [{{ Pattern: '{pattern}' }}] }}"), &[]);
    let of = |item: &str| json!({ "dynamodb": { "Keys": { "PK": { "S": item } }, "SequenceNumber": item } });
    tell(&door, &[of("review#1"), of("catalog"), of("review#2")]);
    let state = door.until(|state| state["events"]["pending"] == 0 && state["events"]["delivered"] != 0);
    assert_eq!((&state["events"]["filtered"], &state["events"]["delivered"]), (&2.into(), &1.into()));
    assert_eq!(batches(&door), [["catalog"]]);
}

#[test]
fn what_is_too_old_is_given_up_untried() {
    let door = whose_mapping("MaximumRecordAgeInSeconds: 60", &[]);
    let mut old = change("old");
    old["dynamodb"]["ApproximateCreationDateTime"] = json!(1_583_348_638);
    tell(&door, &[old, change("new")]);
    let state = door.until(|state| state["events"]["pending"] == 0);
    let counts = ["delivered", "failed", "too_old"].map(|name| state["events"][name].as_u64());
    assert_eq!(counts, [Some(1); 3]);
    assert_eq!(batches(&door), [["new"]]);
}

#[test]
fn a_batch_is_full_or_its_window_ends() {
    // Far longer than the test: only what fills a batch comes.
    let door = whose_mapping("MaximumBatchingWindowInSeconds: 300", &[]);
    for number in 1..=6 {
        tell(&door, &[change(&number.to_string())]);
    }
    door.until(|state| state["events"]["delivered"] == 5);
    assert_eq!(batches(&door), [["1", "2", "3", "4", "5"]]);
    assert_eq!(door.state()["events"]["pending"], 1);

    let door = whose_mapping("MaximumBatchingWindowInSeconds: 1", &[]);
    for number in 1..=2 {
        tell(&door, &[change(&number.to_string())]);
    }
    door.until(|state| state["events"]["delivered"] == 2);
    assert_eq!(batches(&door), [["1", "2"]]);
}

#[test]
fn a_batch_has_six_megabytes_at_most() {
    let door = whose_mapping("MaximumBatchingWindowInSeconds: 300", &[]);
    for number in 1..=2 {
        let mut long = change(&number.to_string());
        long["dynamodb"]["NewImage"] = json!({ "text": { "S": "x".repeat(4_000_000) } });
        tell(&door, &[long]);
    }
    door.until(|state| state["events"]["delivered"] == 1);
    assert_eq!(
        (batches(&door), door.state()["events"]["pending"].as_u64()),
        (vec![vec!["1".to_owned()]], Some(1))
    );
}

/// Four records at once: the batch has to wait until it has them all.
const OF_FOUR: &str = "BatchSize: 4; MaximumBatchingWindowInSeconds: 300";

/// A front door with batches of four, where these four came; and its counts of those delivered and given up.
fn after_four(mapping: &str, sequence: [&str; 4]) -> (Vec<Vec<String>>, [u64; 2]) {
    let door = Door::with_template(
        |template| {
            template
                .replace("            BatchSize: 5\n            BisectBatchOnFunctionError: true\n", "")
                .replace(
                    "            # MORE OF THE MAPPING\n",
                    &format!("{OF_FOUR}; {mapping}")
                        .split("; ")
                        .map(|line| format!("            {line}\n"))
                        .collect::<String>(),
                )
        },
        &[],
    );
    tell(&door, &sequence.map(change));
    let state = door.until(|state| state["events"]["pending"] == 0);
    let counts = ["delivered", "failed"].map(|name| state["events"][name].as_u64().expect("a number"));
    (batches(&door), counts)
}

/// A split is no retry: the record that fails alone is tried as often as any.
#[test]
fn a_batch_that_fails_whole_is_split_until_the_bad_record_is_alone() {
    let (batches, counts) = after_four("BisectBatchOnFunctionError: true", ["1", "2", "poison", "4"]);
    let expected: [&[&str]; 7] = [
        &["1", "2", "poison", "4"],
        &["1", "2"],
        &["poison", "4"],
        &["poison"],
        &["poison"],
        &["poison"],
        &["4"],
    ];
    assert_eq!(batches, expected);
    assert_eq!(counts, [3, 1]);
}

#[test]
fn without_it_the_batch_is_given_up_whole() {
    let (batches, counts) = after_four("BisectBatchOnFunctionError: false", ["1", "2", "poison", "4"]);
    assert_eq!(batches, [["1", "2", "poison", "4"]; 3]);
    assert_eq!(counts, [0, 4]);
}

/// One try, and two again. "The batch is bisected at the returned sequence number, and Lambda retries only the remaining
/// records": those behind it share its fate.
#[test]
fn a_record_that_is_named_splits_the_batch_there_and_nowhere_else() {
    let (batches, counts) = after_four("BisectBatchOnFunctionError: true", ["1", "2", "bad", "4"]);
    let expected: [&[&str]; 3] = [&["1", "2", "bad", "4"], &["bad", "4"], &["bad", "4"]];
    assert_eq!(
        (batches, counts),
        (expected.map(|batch| batch.iter().map(|one| (*one).to_owned()).collect()).to_vec(), [2, 2])
    );
}
