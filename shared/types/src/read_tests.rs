#![expect(clippy::disallowed_methods, reason = "`serde_json::json!` unwraps inside")]

use proptest::prelude::*;
use serde_json::json;

use super::*;

const HELM: &str = r#"{
  "$schema": "../artifact-type.schema.json",
  "type": "application/vnd.example.chart.v1+json",
  "also": ["application/vnd.example.chart.v0+json"],
  "kind": "manifest",
  "version": "1.2.0-rc.1",
  "title": {"en": "Chart", "de-AT": "Karte"},
  "description": {"en": "A chart."},
  "recognizedBy": [{"insteadOf": ["application/vnd.oci.image.config.v1+json"], "layerTypes": ["application/vnd.example.*"]}],
  "config": {
    "mediaTypes": ["application/vnd.example.chart.v1+json"],
    "presence": "required",
    "schema": {"type": "object", "required": ["name"]}
  },
  "layers": {
    "of": [
      {"mediaTypes": ["application/vnd.example.chart.content.*"], "min": 1, "max": 1, "title": {"en": "The chart"}},
      {"mediaTypes": ["application/vnd.example.chart.provenance.*"], "max": 1}
    ],
    "others": true
  },
  "subject": "absent",
  "logo": "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'><rect width='9' height='9'/></svg>",
  "get": "example pull {registry}/{repository}:{tag}",
  "links": {"specification": "https://example.com/spec", "tools": ["https://example.com"], "client": "https://example.com/get"}
}"#;

/// `HELM` with one piece of text in the place of another.
fn changed(from: &str, to: &str) -> String {
    assert_eq!(HELM.matches(from).count(), 1, "{from}");
    HELM.replace(from, to)
}

fn faults(text: &str) -> Vec<String> {
    read(text.as_bytes()).expect_err(text).iter().map(ToString::to_string).collect()
}

#[test]
fn a_definition_is_read_and_kept() {
    let definition = read(HELM.as_bytes()).expect("a definition");
    assert_eq!(definition.artifact_type, "application/vnd.example.chart.v1+json");
    assert_eq!(definition.layers.as_ref().map(|layers| (layers.of.len(), layers.others)), Some((2, true)));
    assert!(definition.logo.as_ref().is_some_and(|logo| logo.starts_with("<svg viewBox=")), "it is cleaned");
    assert_eq!(stored(&definition.to_json()), Some(definition.clone()));
    assert_eq!(
        read(definition.to_json().as_bytes()),
        Ok(definition.clone()),
        "what is kept can be sent again"
    );
    assert_eq!(read(format!("\u{feff}{HELM}").as_bytes()), Ok(definition));
    assert_eq!(stored("{}"), None);
    assert!(read(br#"{"type":"a/b","kind":"index","version":"0.0.1","title":{"en":"x"}}"#).is_ok());
}

#[test]
fn everything_that_is_wrong_is_told_with_its_place() {
    let text = "{\n  \"type\": \"no type\",\n  \"kind\": \"list\",\n  \"title\": {\"de\": \"\"},\n  \"layer\": {},\n  \"layers\": {\"of\": [{}]}\n}";
    let mut said = faults(text);
    let pattern = said
        .iter()
        .position(|fault| fault.starts_with("2:11: /type: is \"no type\": it must be a text that fits"));
    said.remove(pattern.expect("the type"));
    assert_eq!(
        said,
        [
            "1:1: : has no `version`: it must be there",
            "3:11: /kind: is \"list\": it must be \"manifest\" or \"index\"",
            "4:12: /title: has no `en`: it must be there",
            "4:19: /title/de: is \"\": it must be at least 1 characters",
            "5:12: /layer: is no field of the format: remove it, or correct its name",
            "6:21: /layers/of/0: has no `mediaTypes`: it must be there",
        ]
    );
}

#[test]
fn what_is_no_json_or_too_long_is_told() {
    assert!(faults("{\n \"type\" 1}")[0].starts_with("2:9: : this is not JSON: expected `:`"));
    assert_eq!(
        read(b"\xff").expect_err("no text")[0].problem,
        "this is not UTF-8 from byte 0 on: write it in UTF-8"
    );
    let long = " ".repeat(DEFINITION_BYTES_MAX + 1);
    let fault = read(long.as_bytes()).expect_err("too long").remove(0);
    assert_eq!((fault.line, fault.problem.as_str()), (0, "this has 131073 bytes: at most 131072 are taken"));
    assert!(faults("[]")[0].starts_with("1:1: : is a list of 0 items: it must be a value of type object"));
    assert!(faults(&"[".repeat(10_000))[0].contains("this is not JSON"));
}

#[test]
fn a_key_twice_is_told() {
    let twice = changed("\"min\": 1", "\"min\": 1, \"min\": 1");
    assert_eq!(faults(&twice), ["17:84: /layers/of/0/min: is there twice in one object: remove one of them"]);
}

#[test]
fn what_is_meant_must_make_sense() {
    for (from, to, pointer, problem) in [
        ("\"max\": 1, \"title\"", "\"max\": 0, \"title\"", "/layers/of/0/max", "less than `min`, 1"),
        ("chart.v0+json", "chart.v1+json", "/also/0", "the type itself"),
        ("\"kind\": \"manifest\"", "\"kind\": \"index\"", "/layers", "is for a manifest"),
        ("{tag}", "{version}", "/get", "`{version}`"),
        ("{tag}", "{tag", "/get", "`{tag}`"),
        (
            ", \"layerTypes\": [\"application/vnd.example.*\"]",
            "",
            "/recognizedBy/0",
            "nothing to recognise by",
        ),
        ("vnd.oci.image.config", "vnd.example.chart", "/recognizedBy/0/insteadOf/0", "the type itself"),
        (
            "\"required\": [\"name\"]",
            "\"$ref\": \"https://example.com\"",
            "/config/schema/$ref",
            "only `#/…`",
        ),
        ("\"type\": \"object\"", "\"type\": \"thing\"", "/config/schema/type", "thing"),
        ("<rect", "<script", "/logo", "<script>"),
        ("1.2.0-rc.1", "1.2", "/version", "\"1.2\""),
        ("1.2.0-rc.1", "01.2.3", "/version", "\"01.2.3\""),
        ("\"de-AT\"", "\"d_e\"", "/title/d_e", "another name"),
        ("https://example.com/spec", "javascript:alert(1)", "/links/specification", "javascript:"),
        ("https://example.com/spec", "https://example.com/\\\"><script>", "/links/specification", "fits"),
        ("\"subject\": \"absent\"", "\"subject\": \"never\"", "/subject", "\"never\""),
        ("chart.v0+json", "chart#v0", "/also/0", "fits"),
        ("example pull", "example\\u0000pull", "/get", "fits"),
        ("chart.content.*", "chart content", "/layers/of/0/mediaTypes/0", "fits"),
        ("\"min\": 1", "\"min\": -1", "/layers/of/0/min", "from 0 on"),
        ("\"min\": 1", "\"min\": 1.5", "/layers/of/0/min", "integer"),
    ] {
        let faults = read(changed(from, to).as_bytes()).expect_err(to);
        let found = faults.iter().find(|fault| fault.pointer == pointer && fault.problem.contains(problem));
        let fault = found.unwrap_or_else(|| panic!("{pointer} {problem}: {faults:#?}"));
        assert!(fault.line > 1 && fault.column > 0, "{fault}");
    }
}

#[test]
fn an_index_has_entries_and_a_manifest_has_none() {
    let entries = |kind: &str, entries: &Value| {
        json!({"type": "a/b", "kind": kind, "version": "1.0.0", "title": {"en": "x"}, "entries": entries})
            .to_string()
    };
    let of = json!({"of": [
        {"role": "a", "mediaTypes": ["a/*"], "artifactTypes": ["b/*"], "annotations": {"k": "v*"}, "min": 1, "platform": "required", "location": "local"},
        {"role": "b", "location": "remote"},
    ], "ordered": true, "others": true});
    assert!(read(entries("index", &of).as_bytes()).is_ok());
    assert!(faults(&entries("manifest", &of))[0].contains("/entries: is for an index"));
    let twice = json!({"of": [{"role": "a"}, {"role": "a"}]});
    assert!(faults(&entries("index", &twice))[0].contains("/entries/of/1/role: is `a`, which another has"));
}

#[test]
fn patterns_are_few() {
    let rule = |count: usize| json!({"mediaTypes": (0..count).map(|i| format!("a/{i}")).collect::<Vec<_>>()});
    let text = |rules: Vec<Value>| {
        json!({"type": "a/b", "kind": "manifest", "version": "1.0.0", "title": {"en": "x"}, "layers": {"of": rules}}).to_string()
    };
    assert!(read(text(vec![rule(32); 4]).as_bytes()).is_ok());
    assert!(
        faults(&text(vec![rule(32), rule(32), rule(32), rule(32), rule(1)]))[0].contains("has 129 patterns")
    );
    assert!(!faults(&text(vec![rule(33)])).is_empty());
}

#[test]
fn the_number_of_faults_is_bounded() {
    let many: Vec<Value> = (0..1000).map(|i| json!({"bad": i})).collect();
    let text = json!({"type": "a/b", "kind": "manifest", "version": "1.0.0", "title": {"en": "x"}, "layers": {"of": many}});
    assert_eq!(faults(&text.to_string()).len(), FAULTS_MAX);
}

/// The format and its schema are written twice, and say the same.
#[test]
fn the_schema_has_every_field_of_the_format_and_describes_it() {
    let schema: Value = serde_json::from_str(SCHEMA).expect("JSON");
    let whole = serde_json::to_value(read(HELM.as_bytes()).expect("a definition")).expect("JSON");
    let described = |properties: &Value, found: &Value| {
        for name in found.as_object().expect("an object").keys() {
            assert!(properties[name]["description"].is_string(), "{name} is described in {properties}");
        }
    };
    described(&schema["properties"], &whole);
    described(&schema["properties"]["config"]["properties"], &whole["config"]);
    described(&schema["properties"]["layers"]["properties"], &whole["layers"]);
    described(&schema["properties"]["links"]["properties"], &whole["links"]);
    described(&schema["$defs"]["layer"]["properties"], &whole["layers"]["of"][0]);
    described(&schema["$defs"]["recognition"]["properties"], &whole["recognizedBy"][0]);
    jsonschema::meta::validate(&schema).unwrap_or_else(|error| panic!("{error}"));
}

/// What authors are shown is right.
#[test]
fn the_page_that_explains_the_format_has_definitions_that_are_read() {
    let page = include_str!("../../../samples/types/README.md");
    let blocks: Vec<_> = page.split("```json").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(blocks.len(), 3);
    for block in blocks {
        read(block.as_bytes()).unwrap_or_else(|faults| panic!("{block}: {faults:#?}"));
    }
    let schema: Value = serde_json::from_str(SCHEMA).expect("JSON");
    for of in
        ["/properties", "/$defs/entry/properties", "/$defs/recognition/properties", "/$defs/layer/properties"]
    {
        for field in schema.pointer(of).and_then(Value::as_object).expect("fields").keys() {
            assert!(page.contains(&format!("`{field}`")), "{of}/{field} is explained");
        }
    }
}

proptest! {
    #![proptest_config(crate::tests::quick())]

    #[test]
    fn a_damaged_file_is_taken_or_told(at: prop::sample::Index, new in "[\\PC\"{}\\[\\],:0a]", cut: prop::sample::Index) {
        let chars: Vec<char> = HELM.chars().collect();
        let at = at.index(chars.len());
        let damaged: String = chars.iter().enumerate().map(|(i, c)| if i == at { new.clone() } else { c.to_string() }).collect();
        for text in [damaged.as_str(), &HELM[..cut.index(HELM.len())]] {
            if let Err(faults) = read(text.as_bytes()) {
                prop_assert!(!faults.is_empty() && faults.iter().all(|fault| !fault.problem.is_empty()));
            }
        }
    }

    #[test]
    fn any_field_of_any_shape_is_taken_or_told(
        pointer in prop::sample::select(vec![
            "/type", "/also", "/kind", "/version", "/title", "/description", "/recognizedBy", "/recognizedBy/0/layerTypes",
            "/config", "/config/schema", "/config/schema/type", "/layers/of", "/layers/of/0", "/layers/of/0/min", "/logo",
            "/get", "/links", "/links/tools", "/subject",
        ]),
        value in prop_oneof![
            Just(json!(null)), Just(json!(true)), Just(json!([])), Just(json!({})), Just(json!(-1)), Just(json!(4294967296u64)),
            Just(json!(1.0)), "\\PC{0,10}".prop_map(Value::from), Just(json!([["x"]])), Just(json!({"en": 1})),
        ],
    ) {
        let mut document: Value = serde_json::from_str(HELM).expect("JSON");
        *document.pointer_mut(pointer).expect("it is there") = value;
        match read(document.to_string().as_bytes()) {
            Ok(definition) => prop_assert_eq!(stored(&definition.to_json()), Some(definition)),
            Err(faults) => prop_assert!(faults.iter().all(|fault| fault.line > 0)),
        }
    }
}
