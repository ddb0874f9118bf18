#![expect(clippy::disallowed_methods, reason = "`serde_json::json!` unwraps inside")]

use serde_json::{Map, json};

use super::*;

/// The pointers of what is refused.
fn refused(schema: &Value) -> Vec<String> {
    check(schema).expect_err("not bounded").into_iter().map(|unbounded| unbounded.pointer).collect()
}

/// The one problem of a schema.
fn problem(schema: &Value) -> String {
    match check(schema).expect_err("not bounded").as_slice() {
        [one] => format!("{} {}", one.pointer, one.problem),
        several => panic!("{several:?}"),
    }
}

/// `count` definitions, each made of its number and the pointer to the next.
fn chain(count: usize, link: impl Fn(&str) -> Value) -> Value {
    let definitions: Map<String, Value> =
        (0..count).map(|i| (format!("d{i}"), link(&format!("#/$defs/d{}", i + 1)))).collect();
    let mut schema = json!({"$ref": "#/$defs/d0", "$defs": definitions});
    schema["$defs"][format!("d{count}")] = json!({"type": "string"});
    schema
}

#[test]
fn what_configs_need_is_taken() {
    let schema = json!({
        "$schema": DIALECT,
        "type": "object",
        "required": ["architecture", "rootfs"],
        "properties": {
            "architecture": {"type": "string", "minLength": 1, "description": "Such as amd64."},
            "created": {"type": "string", "format": "date-time"},
            "rootfs": {"$ref": "#/$defs/rootfs"},
            "$id": {"description": "A field of that name is no keyword."},
        },
        "$defs": {
            "rootfs": {
                "type": "object",
                "properties": {"diff_ids": {"type": "array", "items": {"type": "string", "pattern": "^sha256:[a-f0-9]{64}$"}}},
            },
        },
    });
    assert_eq!(check(&schema), Ok(()));
    let expanded = expand(&schema).expect("bounded");
    assert_eq!((expanded.subschemas, expanded.values), (8, 2));
    let used =
        Used { times: 1, first: "/properties/rootfs/$ref/properties/diff_ids/items/pattern".to_owned() };
    assert_eq!(expanded.patterns, BTreeMap::from([("^sha256:[a-f0-9]{64}$", used)]));
    assert_eq!(check(&json!({})), Ok(()));
}

#[test]
fn nothing_refers_outside() {
    for reference in [
        "https://example.com/schema.json",
        "file:///etc/passwd",
        "/etc/passwd",
        "other.json#/a",
        "//example.com/#/a",
        "#",
        "#anchor",
        "#/%24defs/a",
        "",
    ] {
        assert_eq!(refused(&json!({"items": {"$ref": reference}})), ["/items/$ref"], "{reference}");
    }
    assert_eq!(refused(&json!({"$ref": 7})), ["/$ref"]);
    // Not only where it would be looked at.
    assert_eq!(refused(&json!({"$defs": {"a": {"$ref": "https://example.com"}}})), ["/$defs/a/$ref"]);
    for keyword in
        ["$id", "$anchor", "$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor", "id"]
    {
        assert_eq!(refused(&json!({"items": {keyword: "#/x"}})), [format!("/items/{keyword}")]);
    }
    for dialect in
        ["http://json-schema.org/draft-07/schema#", "https://example.com/meta", "file:///etc/passwd"]
    {
        assert_eq!(refused(&json!({"$schema": dialect})), ["/$schema"]);
    }
    assert_eq!(refused(&json!({"items": {"$schema": DIALECT}})), ["/items/$schema"]);
}

#[test]
fn the_compiler_would_fetch_nothing_either() {
    let directory = samples();
    let file =
        format!("file://{}", directory.canonicalize().expect("the samples").join("oci-image.json").display());
    for reference in [file.as_str(), "http://127.0.0.1:9/schema.json", "https://example.com/schema.json"] {
        let error = compile(&json!({"$ref": reference})).expect_err("it is not there");
        assert!(matches!(error.kind(), jsonschema::error::ValidationErrorKind::Referencing(_)), "{error}");
    }
}

#[test]
fn keywords_are_a_closed_list() {
    for keyword in [
        "unevaluatedProperties",
        "unevaluatedItems",
        "contentSchema",
        "dependencies",
        "definitions",
        "additionalItems",
        "discriminator",
        "propertiess",
        "$vocabulary",
    ] {
        assert_eq!(
            refused(&json!({"properties": {"a/b": {keyword: {}}}})),
            [format!("/properties/a~1b/{keyword}")]
        );
    }
    assert_eq!(
        refused(&json!({"foo": 1, "items": {"bar": 1}, "allOf": [{"baz": 1}, 7]})).len(),
        4,
        "all at once"
    );
}

#[test]
fn references_that_go_round_are_refused() {
    for schema in [
        json!({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}),
        json!({"$ref": "#/$defs/a", "$defs": {"a": {"items": {"$ref": "#/$defs/b"}}, "b": {"allOf": [{"$ref": "#/$defs/a"}]}}}),
        // Back to a schema that it is in, without a reference to it before.
        json!({"properties": {"child": {"properties": {"child": {"$ref": "#/properties/child"}}}}}),
    ] {
        assert!(problem(&schema).contains("round in a circle"), "{schema}");
    }
    // One that is not used is never looked at.
    assert_eq!(check(&json!({"$defs": {"a": {"$ref": "#/$defs/a"}}})), Ok(()));
    for nowhere in ["#/$defs/none", "#/$defs", "#/properties", "#/required/0", "#/title"] {
        let schema = json!({"items": {"$ref": nowhere}, "properties": {}, "required": ["x"], "title": "x"});
        assert!(problem(&schema).contains("where no schema is"), "{nowhere}");
    }
}

#[test]
fn what_doubles_with_each_level_is_refused_after_so_many_steps() {
    for keyword in ["allOf", "anyOf", "oneOf", "prefixItems"] {
        let schema = chain(12, |next| json!({keyword: [{"$ref": next}, {"$ref": next}]}));
        assert!(problem(&schema).contains("one subschema too many"), "{keyword}");
    }
    let schema = chain(12, |next| json!({"properties": {"a": {"$ref": next}, "b": {"$ref": next}}}));
    assert!(problem(&schema).contains("one subschema too many"));
    // The walk itself ends: what it has counted is what it has done.
    let mut written = Written { root: &schema, subschemas: BTreeSet::new(), problems: Vec::new() };
    written.walk(&schema, "", 1);
    let mut walk = Walk { written: &written, expanded: Expanded::default(), within: Vec::new() };
    assert!(walk.expand(&schema, "", 1).is_err());
    assert_eq!(walk.expanded.subschemas, SUBSCHEMAS_MAX + 1);
}

#[test]
fn the_number_of_subschemas_and_their_depth_are_bounded() {
    let wide = |count: usize| {
        let fields: Map<String, Value> = (0..count).map(|i| (format!("f{i}"), json!({}))).collect();
        json!({"properties": fields})
    };
    assert_eq!(check(&wide(SUBSCHEMAS_MAX - 1)), Ok(()));
    assert!(problem(&wide(SUBSCHEMAS_MAX)).contains("one subschema too many"));

    let deep = |depth: usize| (1..depth).fold(json!({"type": "string"}), |inner, _| json!({"items": inner}));
    assert_eq!(check(&deep(DEPTH_MAX)), Ok(()));
    assert!(problem(&deep(DEPTH_MAX + 1)).contains("too deep"));
    // By references too: each counts twice, itself and what it points to.
    assert_eq!(check(&chain(DEPTH_MAX / 2 - 2, |next| json!({"items": {"$ref": next}}))), Ok(()));
    assert!(problem(&chain(DEPTH_MAX, |next| json!({"$ref": next}))).contains("too deep"));
}

#[test]
fn what_content_is_compared_with_is_bounded() {
    let values = |count: usize| (0..count).collect::<Vec<_>>();
    assert_eq!(check(&json!({"enum": values(VALUES_MAX)})), Ok(()));
    assert_eq!(refused(&json!({"enum": values(VALUES_MAX + 1)})), ["/enum"]);
    assert_eq!(refused(&json!({"const": {"a": [values(VALUES_MAX)]}})), ["/const"]);
    // Once written and used many times.
    let used: Vec<_> = (0..100).map(|_| json!({"$ref": "#/$defs/a"})).collect();
    let many = json!({"anyOf": used, "$defs": {"a": {"enum": values(100)}}});
    assert!(problem(&many).contains("too much to compare with"));
    let long = json!({"description": "x".repeat(SCHEMA_BYTES_MAX)});
    assert!(problem(&long).contains("at most 65536"));
}

#[test]
fn a_keyword_that_looks_again_weighs_more() {
    let weight = |schema: Value| expand(&schema).expect("bounded").weight;
    assert_eq!(weight(json!({"allOf": [{}, {}]})), 1 + 2);
    assert_eq!(weight(json!({"anyOf": [{}, {}]})), 1 + 2 * 2);
    assert_eq!(weight(json!({"not": {"anyOf": [{"enum": [1, 2]}]}})), 1 + 2 + 3 + 3 * 2);
}

#[test]
fn patterns_are_linear_and_small() {
    for backtracking in ["(?=a)b", "(a)\\1", "(?<!a)b", "^(?!a)"] {
        assert!(check(&json!({"pattern": backtracking})).is_err(), "{backtracking}");
    }
    // What would take other engines longer than the world is old.
    for once_deadly in ["(a+)+$", "^(a|a)*$", "(.*)*x", "(a|b|ab)*c"] {
        let schema = json!({"pattern": once_deadly});
        assert_eq!(check(&schema), Ok(()), "{once_deadly}");
        let validator = compile(&schema).expect("a pattern");
        assert!(!validator.is_valid(&json!(format!("{}!", "a".repeat(100_000)))), "{once_deadly}");
    }
    assert!(check(&json!({"pattern": "((((a{0,99}){0,99}){0,99}){0,99}){0,99}"})).is_err());
    assert!(check(&json!({"pattern": "("})).is_err());
    assert!(check(&json!({"patternProperties": {"(a{0,999}){0,999}": {}}})).is_err());

    // Many of middle size, or one that is used again and again.
    let middle = json!({"pattern": "^([a-f0-9]{60}|[g-z]{60}x)$"});
    assert_eq!(check(&middle), Ok(()));
    let used: Vec<_> = (0..200).map(|_| json!({"$ref": "#/$defs/a"})).collect();
    assert!(problem(&json!({"allOf": used, "$defs": {"a": middle}})).contains("a pattern too much"));
}

#[test]
fn what_is_no_schema_is_told_where() {
    assert_eq!(refused(&json!({"properties": {"a": {"type": "text"}}})), ["/properties/a/type"]);
    assert!(problem(&json!({"type": "text"})).contains("there are array, boolean"));
    assert_eq!(refused(&json!({"items": 7})), ["/items"]);
    assert_eq!(refused(&json!({"required": "a"})), ["/required"]);
}

#[test]
fn a_list_of_unique_items_is_checked_by_hashes() {
    let schema = json!({"uniqueItems": true});
    let items: Vec<String> = (0..40_000).map(|i| i.to_string()).collect();
    assert!(compile(&schema).expect("a schema").is_valid(&json!(items)));
}

proptest::proptest! {
    #![proptest_config(crate::tests::quick())]

    /// Keywords of every kind with values of every shape: refused or taken, and what is taken checks any content.
    #[test]
    fn no_schema_makes_it_panic(schema in any_schema(), content in any_schema()) {
        if check(&schema).is_ok() {
            let validator = compile(&schema).expect("it was checked");
            proptest::prop_assert_eq!(validator.is_valid(&content), validator.iter_errors(&content).next().is_none());
        }
    }
}

fn any_schema() -> impl proptest::strategy::Strategy<Value = Value> {
    use proptest::prelude::*;
    let words = || {
        prop::sample::select(vec![
            "type",
            "properties",
            "items",
            "allOf",
            "anyOf",
            "oneOf",
            "not",
            "if",
            "then",
            "else",
            "contains",
            "enum",
            "const",
            "required",
            "$ref",
            "$defs",
            "pattern",
            "patternProperties",
            "propertyNames",
            "minimum",
            "multipleOf",
            "maxLength",
            "uniqueItems",
            "additionalProperties",
            "dependentSchemas",
            "prefixItems",
            "a",
        ])
    };
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        any::<i16>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        words().prop_map(Value::from),
        prop::sample::select(vec!["string", "object", "#/$defs/a", "#/items", "#/not", "[a-", "^a*$", "~"])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            3 => prop::collection::btree_map(words().prop_map(str::to_owned), inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn samples() -> std::path::PathBuf {
    crate::testing::samples()
}
