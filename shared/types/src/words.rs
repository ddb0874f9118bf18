//! How findings and faults quote and point.

/// What is quoted of a document is cut after this many characters.
const EXCERPT_CHARS_MAX: usize = 120;

/// What a finding says it found where nothing is.
pub(crate) const NOTHING: &str = "nothing";

/// The beginning of a text.
pub(crate) fn excerpt(text: &str) -> String {
    match text.char_indices().nth(EXCERPT_CHARS_MAX) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// The beginning of a text, or that there is none.
pub(crate) fn excerpt_or_nothing(text: Option<&str>) -> String {
    text.filter(|text| !text.is_empty()).map_or_else(|| NOTHING.to_owned(), excerpt)
}

/// `1 layer`, `2 layers`.
pub(crate) fn counted(count: usize, one: &str, many: &str) -> String {
    match count {
        0 => NOTHING.to_owned(),
        1 => format!("1 {one}"),
        _ => format!("{count} {many}"),
    }
}

/// `a`, `a or b`, `a, b or c`.
pub(crate) fn either(choices: &[String]) -> String {
    match choices {
        [] => NOTHING.to_owned(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// The pointer to a member of what `pointer` points to (RFC 6901).
pub(crate) fn member(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// The key that one step of a pointer stands for.
pub(crate) fn unescaped(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_cut_between_characters() {
        let exact = "é".repeat(EXCERPT_CHARS_MAX);
        assert_eq!(excerpt(&exact), exact);
        assert_eq!(excerpt(&(exact.clone() + "é")), exact + "…");
        assert_eq!(
            (excerpt_or_nothing(None), excerpt_or_nothing(Some(""))),
            (NOTHING.into(), NOTHING.into())
        );
    }

    #[test]
    fn a_step_of_a_pointer_is_read_back() {
        for key in ["", "a", "a/b", "~1", "~0~", "/"] {
            let pointer = member("/x", key);
            assert_eq!(unescaped(pointer.strip_prefix("/x/").expect("a step")), key);
        }
    }

    #[test]
    fn lists_and_counts_are_words() {
        let list = |choices: &[&str]| either(&choices.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(
            (list(&["a"]), list(&["a", "b"]), list(&["a", "b", "c"])),
            ("a".into(), "a or b".into(), "a, b or c".into())
        );
        assert_eq!(
            counted(1, "layer", "layers") + " " + &counted(2, "entry", "entries"),
            "1 layer 2 entries"
        );
    }
}
