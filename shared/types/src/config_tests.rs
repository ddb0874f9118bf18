#![expect(clippy::disallowed_methods, reason = "`serde_json::json!` unwraps inside")]

use serde_json::json;

use super::*;
use crate::tests::definition;

fn findings(schema: &Value, content: &str) -> Vec<(String, String, String)> {
    let definition = definition(&json!({"type": "a/b", "config": {"schema": schema}}).to_string());
    check_config(&definition, content.as_bytes())
        .into_iter()
        .map(|finding| {
            assert_eq!((finding.within, finding.rule), (Within::Config, Rule::ConfigContent));
            (finding.pointer, finding.found, finding.expected)
        })
        .collect()
}

fn at(pointer: &str, found: &str, expected: &str) -> (String, String, String) {
    (pointer.to_owned(), found.to_owned(), expected.to_owned())
}

#[test]
fn each_place_that_is_wrong_is_told() {
    let schema = json!({
        "type": "object", "additionalProperties": false, "required": ["os", "a/b"],
        "properties": {
            "os": {"enum": ["linux", "windows"]}, "a/b": {}, "size": {"type": "integer", "maximum": 7},
            "id": {"pattern": "^[a-z]+$"}, "list": {"items": {"type": ["string", "null"]}, "uniqueItems": true},
            "one": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        },
    });
    assert_eq!(
        findings(&schema, r#"{"os":"linux","a/b":0,"size":7,"id":"x","list":["a",null],"one":1}"#),
        []
    );
    let mut wrong =
        findings(&schema, r#"{"os":"plan9","more":[],"size":8,"id":"A","list":[7,"a","a"],"one":[]}"#);
    wrong.sort();
    assert_eq!(
        wrong,
        [
            at("/a~1b", "nothing", "`a/b`, which must be there"),
            at("/id", "\"A\"", "a text that fits `^[a-z]+$`"),
            at("/list", "a list of 3 items", "no item twice"),
            at("/list/0", "7", "a value of type null or string"),
            at("/more", "a list of 0 items", "nothing: there is no such field"),
            at("/one", "a list of 0 items", "one of several shapes, of which it has none"),
            at("/os", "\"plan9\"", "\"linux\" or \"windows\""),
            at("/size", "8", "a number up to 7"),
        ]
    );
}

#[test]
fn without_a_schema_anything_goes() {
    let without = definition(r#"{"type":"a/b","config":{"mediaTypes":["a/b"]}}"#);
    assert_eq!(check_config(&without, b"\xff not JSON"), []);
    assert_eq!(check_config(&definition(r#"{"type":"a/b"}"#), b""), []);
}

#[test]
fn what_is_no_json_or_too_long_is_one_finding() {
    let any = json!({});
    let (pointer, found, expected) = findings(&any, "{").remove(0);
    assert_eq!((pointer.as_str(), expected.as_str()), ("", "JSON"));
    assert!(found.starts_with("EOF"), "{found}");
    assert_eq!(findings(&any, "\u{feff}{}"), []);
    let long = |bytes: usize| format!("\"{}\"", "x".repeat(bytes - 2));
    assert_eq!(findings(&any, &long(CONFIG_BYTES_MAX)), []);
    assert_eq!(
        findings(&any, &long(CONFIG_BYTES_MAX + 1)),
        [at("", "262145 bytes", "at most 262144 bytes: a longer config is not looked at")]
    );
    assert_eq!(findings(&any, &"[".repeat(1000)).len(), 1);
}

#[test]
fn no_more_than_so_many_are_told() {
    let schema = json!({"items": {"type": "string"}});
    let content = json!(vec![1; 1000]).to_string();
    let found = findings(&schema, &content);
    assert_eq!((found.len(), found[19].0.as_str()), (FINDINGS_MAX, "/19"));
}

#[test]
fn what_would_be_too_much_work_is_not_begun() {
    // As many alternatives as there may be, for as many values as there may be.
    let alternatives: Vec<_> = (0..900).map(|i| json!({"const": i})).collect();
    let schema = json!({"items": {"anyOf": alternatives}});
    let weight = bounds::expand(&schema).expect("bounded").weight;
    assert_eq!(weight, 2 + 2 * 900);
    let values = LOOKS_MAX / weight;
    let list = |values: u64| json!(vec![899; usize::try_from(values).expect("few") - 1]).to_string();
    assert_eq!(findings(&schema, &list(values)), []);
    assert_eq!(
        findings(&schema, &list(values + 1)),
        [at("", &format!("{} values", values + 1), &format!("at most {values}, by the size of the schema"))]
    );
    // It is looked at, but what is wrong would take too much memory to say.
    let wrong = findings(&schema, &json!(vec![900; 5000]).to_string());
    assert_eq!(wrong.len(), 1);
    assert!(wrong[0].2.contains("too large to say where"), "{wrong:?}");
    assert_eq!(findings(&schema, "[900]").len(), 1);
}

#[test]
fn a_schema_is_made_ready_once_for_all_clones_of_its_definition() {
    let definition = definition(r#"{"type":"a/b","config":{"schema":{"type":"object"}}}"#);
    let clone = definition.clone();
    assert_eq!(check_config(&definition, b"{}"), []);
    let ready = |of: &Definition| {
        let schema = of.config.as_ref().and_then(|config| config.schema.as_ref()).expect("it has a schema");
        std::ptr::from_ref(schema.ready().expect("it is bounded"))
    };
    assert_eq!(ready(&definition), ready(&clone));
    assert_eq!(definition, clone);
}

#[test]
fn a_schema_that_is_not_bounded_is_not_used() {
    // As if the table had been written by someone else.
    let mut from_elsewhere = definition(r#"{"type":"a/b","config":{"schema":{}}}"#);
    let rule = from_elsewhere.config.as_mut().expect("it has a rule");
    rule.schema = Some(json!({"$ref": "https://example.com/schema.json"}).into());
    let found = check_config(&from_elsewhere, b"{}");
    assert_eq!(found.len(), 1);
    assert!(found[0].expected.contains("another version of the type's definition"));
}

#[test]
fn a_config_is_checked_where_there_is_one_of_the_type() {
    let manifest = |config: &str| {
        let text = format!(
            r#"{{"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"a/b","config":{config},"layers":[]}}"#
        );
        Manifest::parse(text.as_bytes(), None).expect("a manifest")
    };
    let config = |media_type: &str| {
        format!(
            r#"{{"mediaType":"{media_type}","digest":"{}","size":2}}"#,
            moorage_oci::Digest::sha256(b"{}")
        )
    };
    let with_types = definition(r#"{"type":"a/b","config":{"mediaTypes":["a/c*"],"schema":{}}}"#);
    let any_type = definition(r#"{"type":"a/b","config":{"schema":{}}}"#);
    let no_schema = definition(r#"{"type":"a/b","config":{"mediaTypes":["a/c*"]}}"#);
    let empty = "application/vnd.oci.empty.v1+json";
    for (config, expected) in [
        (config("a/c1"), (true, true)),
        (config("a/d"), (false, true)),
        (config(empty), (false, false)),
        (r#"{"mediaType":"a/c1"}"#.to_owned(), (false, false)),
        ("null".to_owned(), (false, false)),
    ] {
        let manifest = manifest(&config);
        let checked = (is_config_checked(&with_types, &manifest), is_config_checked(&any_type, &manifest));
        assert_eq!(checked, expected, "{config}");
        assert!(!is_config_checked(&no_schema, &manifest));
    }
}
