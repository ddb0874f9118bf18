//! infra/template.yaml itself.

use serde_json::json;
use std::path::PathBuf;

#[test]
fn the_real_template_is_read() {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "../../infra/template.yaml"].iter().collect();
    let text = std::fs::read_to_string(path).expect("the template");
    let values = moorage_front_door::template::Values {
        bucket: "bytes".to_owned(),
        table: "facts".to_owned(),
        parameters: [("Anonymous".to_owned(), "push".to_owned())].into(),
    };
    let mut specs = moorage_front_door::template::read(&text, &values).expect("it is understood");
    specs.sort_by(|a, b| a.name.cmp(&b.name));
    let names: Vec<_> = specs.iter().map(|spec| (spec.name.as_str(), spec.binary.as_str())).collect();
    assert_eq!(names, [("Collect", "collect"), ("Ingest", "ingest"), ("Pull", "pull"), ("Push", "push")]);
    for spec in &specs {
        assert_eq!(spec.environment["MOORAGE_BUCKET"], "bytes");
        assert_eq!(spec.environment["MOORAGE_TABLE"], "facts");
        assert_eq!(spec.environment["MOORAGE_ANONYMOUS"], "push");
        assert_eq!(spec.environment["MOORAGE_SEARCH"], "on");
        // Only one is to tell what happens, and none that is not told whom.
        let bus = spec.environment.get("MOORAGE_EVENTS_BUS").map(String::as_str);
        assert_eq!(bus, (spec.name == "Collect").then_some(""));
        assert!(spec.timeout_seconds >= 10 && spec.memory_mb >= 128);
    }
    let [collect, ingest, pull, push] = specs.as_slice() else { panic!("four functions") };
    let stream = collect.stream.as_ref().expect("the table's stream");
    assert!(collect.scheduled && stream.partial && stream.bisect);
    assert_eq!((stream.batch_size, stream.window_ms, stream.retries), (100, 1000, 20));
    assert_eq!(stream.record_age_ms_max, Some(6 * 3_600_000));
    for (partition, sort, is_wanted) in [
        ("catalog", "app", false),
        ("manifest#app#sha256:00", "0#self", true),
        ("manifest#app#sha256:00", "held#tag#v1#00", true),
        ("blob#sha256:00", "held#app#sha256:00#00", true),
        ("upload#00", "self", true),
        ("trash#uploads/00", "self", true),
        ("repo#app", "policy", true),
        ("repo#app", "tag#v1", true),
        ("repo#app", "tag-history#v1#00", false),
        ("repo#app", "manifest#sha256:00", false),
        ("manifest#app#sha256:00", "0#body", false),
        ("review#07", "0000#blob", false),
        ("search#3#type#application/spdx+json", "98235841599999#app#sha256:00", false),
        ("search-in#app#all", "98235841599999#app#sha256:00", false),
        ("searched#app#sha256:00", "self", false),
        ("events", "01764158400000#app@sha256:00#00#pushed", false),
    ] {
        let record = json!({ "dynamodb": { "Keys": { "PK": { "S": partition }, "SK": { "S": sort } } } });
        assert_eq!(stream.filter.accepts(&record), is_wanted, "{partition} / {sort}");
    }
    assert!(!ingest.objects.is_empty());
    assert!(pull.routes.contains(&("HEAD".to_owned(), "/v2/{proxy+}".to_owned())));
    assert!(push.routes.contains(&("PATCH".to_owned(), "/v2/{proxy+}".to_owned())));
}
