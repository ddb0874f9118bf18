//! Reads a JSON document in one pass, keeping only what a reader asks for, and refuses what readers
//! disagree on: a key twice in one object, wherever it stands, also in parts that nobody asked for.
//!
//! A document is walked by [`Read`]ers, one for each shape that is wanted; what is not wanted is walked by
//! [`Skip`], which remembers only the keys of the objects it is in. So memory follows what is kept, not
//! what was sent, and time is `n log n` at worst (checking the keys of one huge object).

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Objects and lists within one another, at most. Manifests need 5; serde_json itself would stop at 127,
/// but cannot say where.
pub(crate) const DEPTH_MAX: usize = 100;

/// Up to so many keys of an object are compared one by one; more go into a sorted set.
const KEYS_COMPARED_ONE_BY_ONE: usize = 16;

/// Why a text is not taken as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// What serde_json says, with line and column.
    Syntax(String),
    /// In the object at this pointer.
    DuplicateKey { pointer: String, key: String },
    /// At this pointer.
    TooDeep { pointer: String },
}

/// A value that is no container, or the bare fact that it is one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Leaf<'a> {
    Null,
    Bool(bool),
    /// A whole number, not negative, written without point or exponent.
    Whole(u64),
    OtherNumber,
    Text(Cow<'a, str>),
    List,
    Object,
}

/// What to do with a value, whatever its shape turns out to be.
pub(crate) trait Read<'a>: Sized {
    type Out;

    /// Not a container, or one whose inside this reader did not ask for.
    fn leaf(self, at: &Path<'_>, leaf: Leaf<'a>) -> Self::Out;

    /// Must read all items, with [`next_item`].
    fn list<A: SeqAccess<'a>>(self, at: &Path<'_>, mut items: A) -> Result<Self::Out, A::Error> {
        let mut index = 0;
        while next_item(&mut items, at, &mut index, Skip)?.is_some() {}
        Ok(self.leaf(at, Leaf::List))
    }

    /// Must read all fields, with [`Fields`].
    fn object<A: MapAccess<'a>>(self, at: &Path<'_>, fields: A) -> Result<Self::Out, A::Error> {
        let mut fields = Fields::new(at, fields);
        while let Some(key) = fields.key()? {
            fields.value(&key, Skip)?;
        }
        Ok(self.leaf(at, Leaf::Object))
    }
}

/// Reads the whole text, which must be one value and nothing more.
pub(crate) fn read<'a, R: Read<'a>>(text: &'a str, reader: R) -> Result<R::Out, Refusal> {
    let refusal = Cell::new(None);
    let root = Path { parent: None, step: Step::Root, depth: 0, quiet: false, refusal: &refusal };
    let mut json = serde_json::Deserializer::from_str(text);
    let read = At { path: &root, reader }.deserialize(&mut json).and_then(|out| json.end().map(|()| out));
    read.map_err(|error| refusal.take().unwrap_or_else(|| Refusal::Syntax(error.to_string())))
}

/// Where in the document we are: a list up to the root, on the stack.
pub(crate) struct Path<'p> {
    parent: Option<&'p Path<'p>>,
    step: Step<'p>,
    depth: usize,
    /// Nobody will read what is said about this place: it need not be put into words.
    quiet: bool,
    /// Carries a refusal of ours past serde, whose errors are only text.
    refusal: &'p Cell<Option<Refusal>>,
}

#[derive(Clone, Copy)]
enum Step<'p> {
    Root,
    Key(&'p str),
    Index(usize),
}

impl Path<'_> {
    fn then<'p>(&'p self, step: Step<'p>) -> Path<'p> {
        Path { parent: Some(self), step, depth: self.depth + 1, quiet: self.quiet, refusal: self.refusal }
    }

    /// The same place, where one flaw more makes no difference. A list of a million wrong items would
    /// otherwise cost a million sentences.
    pub(crate) fn quiet(&self) -> Path<'_> {
        Path { parent: self.parent, step: self.step, depth: self.depth, quiet: true, refusal: self.refusal }
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// As a JSON pointer (RFC 6901): empty for the document itself, else like `/layers/0/digest`.
    pub(crate) fn pointer(&self) -> String {
        let mut pointer = String::with_capacity(32);
        self.write_pointer(&mut pointer);
        pointer
    }

    fn write_pointer(&self, pointer: &mut String) {
        let Some(parent) = self.parent else { return };
        parent.write_pointer(pointer);
        pointer.push('/');
        match self.step {
            Step::Root => {}
            Step::Key(key) => pointer.push_str(&key.replace('~', "~0").replace('/', "~1")),
            Step::Index(index) => pointer.push_str(&index.to_string()),
        }
    }

    fn refuse<E: Error>(&self, refusal: Refusal) -> E {
        self.refusal.set(Some(refusal));
        E::custom("refused")
    }
}

/// Reads the item of a list at `index`, which counts on; `None` after the last.
pub(crate) fn next_item<'a, A: SeqAccess<'a>, R: Read<'a>>(
    items: &mut A,
    at: &Path<'_>,
    index: &mut usize,
    reader: R,
) -> Result<Option<R::Out>, A::Error> {
    let path = at.then(Step::Index(*index));
    let item = items.next_element_seed(At { path: &path, reader })?;
    *index += usize::from(item.is_some());
    Ok(item)
}

/// The fields of an object, each key once.
pub(crate) struct Fields<'p, 'a, A> {
    at: &'p Path<'p>,
    access: A,
    few: Vec<Cow<'a, str>>,
    many: BTreeSet<Cow<'a, str>>,
}

impl<'p, 'a, A: MapAccess<'a>> Fields<'p, 'a, A> {
    pub(crate) fn new(at: &'p Path<'p>, access: A) -> Self {
        Fields { at, access, few: Vec::new(), many: BTreeSet::new() }
    }

    /// The next key; its value must be read before the next one.
    pub(crate) fn key(&mut self) -> Result<Option<Cow<'a, str>>, A::Error> {
        let Some(key) = self.access.next_key_seed(Key)? else { return Ok(None) };
        let twice = if self.few.len() < KEYS_COMPARED_ONE_BY_ONE {
            let twice = self.few.contains(&key);
            self.few.push(key.clone());
            twice
        } else {
            if self.many.is_empty() {
                self.many.extend(self.few.iter().cloned());
            }
            !self.many.insert(key.clone())
        };
        if twice {
            let pointer = self.at.pointer();
            return Err(self.at.refuse(Refusal::DuplicateKey { pointer, key: key.into_owned() }));
        }
        Ok(Some(key))
    }

    /// The value of the key that [`key`](Fields::key) gave.
    pub(crate) fn value<R: Read<'a>>(&mut self, key: &str, reader: R) -> Result<R::Out, A::Error> {
        let path = self.at.then(Step::Key(key));
        self.access.next_value_seed(At { path: &path, reader })
    }
}

/// Walks and forgets.
pub(crate) struct Skip;

impl Read<'_> for Skip {
    type Out = ();

    fn leaf(self, _: &Path<'_>, _: Leaf<'_>) {}
}

/// The value itself where it is no container.
pub(crate) struct Scalar;

impl<'a> Read<'a> for Scalar {
    type Out = Leaf<'a>;

    fn leaf(self, _: &Path<'_>, leaf: Leaf<'a>) -> Leaf<'a> {
        leaf
    }
}

/// A reader with its place: what serde calls.
struct At<'p, R> {
    path: &'p Path<'p>,
    reader: R,
}

impl<R> At<'_, R> {
    fn enter<E: Error>(&self) -> Result<(), E> {
        if self.path.depth < DEPTH_MAX {
            return Ok(());
        }
        Err(self.path.refuse(Refusal::TooDeep { pointer: self.path.pointer() }))
    }
}

impl<'a, R: Read<'a>> DeserializeSeed<'a> for At<'_, R> {
    type Value = R::Out;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<R::Out, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a, R: Read<'a>> Visitor<'a> for At<'_, R> {
    type Value = R::Out;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<R::Out, E> {
        Ok(self.reader.leaf(self.path, Leaf::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<R::Out, E> {
        Ok(self.reader.leaf(self.path, Leaf::Bool(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<R::Out, E> {
        Ok(self.reader.leaf(self.path, Leaf::Whole(value)))
    }

    fn visit_i64<E>(self, _: i64) -> Result<R::Out, E> {
        Ok(self.reader.leaf(self.path, Leaf::OtherNumber)) // serde_json: negative only.
    }

    fn visit_f64<E>(self, _: f64) -> Result<R::Out, E> {
        Ok(self.reader.leaf(self.path, Leaf::OtherNumber))
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<R::Out, E> {
        Ok(self.reader.leaf(self.path, Leaf::Text(Cow::Borrowed(text))))
    }

    fn visit_str<E>(self, text: &str) -> Result<R::Out, E> {
        Ok(self.reader.leaf(self.path, Leaf::Text(Cow::Owned(text.to_owned()))))
    }

    fn visit_seq<A: SeqAccess<'a>>(self, items: A) -> Result<R::Out, A::Error> {
        self.enter()?;
        self.reader.list(self.path, items)
    }

    fn visit_map<A: MapAccess<'a>>(self, fields: A) -> Result<R::Out, A::Error> {
        self.enter()?;
        self.reader.object(self.path, fields)
    }
}

/// A key, borrowed from the text where it has no escapes.
struct Key;

impl<'a> DeserializeSeed<'a> for Key {
    type Value = Cow<'a, str>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Cow<'a, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'a> Visitor<'a> for Key {
    type Value = Cow<'a, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'a str) -> Result<Cow<'a, str>, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E>(self, key: &str) -> Result<Cow<'a, str>, E> {
        Ok(Cow::Owned(key.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn twice(pointer: &str, key: &str) -> Result<(), Refusal> {
        Err(Refusal::DuplicateKey { pointer: pointer.into(), key: key.into() })
    }

    #[test]
    fn a_key_twice_is_found_at_any_depth_and_place() {
        assert_eq!(read(r#"{"a":1,"b":{"a":1}}"#, Skip), Ok(()));
        assert_eq!(read(r#"{"a":1,"a":1}"#, Skip), twice("", "a"));
        assert_eq!(read(r#"{"a":[0,{"b":{},"c":0,"b":0}]}"#, Skip), twice("/a/1", "b"));
        // The same key, once with an escape.
        assert_eq!(read(r#"{"a":1,"\u0061":1}"#, Skip), twice("", "a"));
        assert_eq!(read(r#"{"a/b~":{"":0,"":0}}"#, Skip), twice("/a~1b~0", ""));
    }

    #[test]
    fn a_key_twice_is_found_among_many() {
        for count in [15, 16, 17, 18, 1000] {
            let keys: Vec<String> = (0..count).map(|i| format!("\"{i}\":0")).collect();
            assert_eq!(read(&format!("{{{}}}", keys.join(",")), Skip), Ok(()));
            for again in [0, 1, count - 1] {
                let text = format!("{{{},\"{again}\":0}}", keys.join(","));
                assert_eq!(read(&text, Skip), twice("", &again.to_string()), "{again} again of {count}");
            }
        }
    }

    #[test]
    fn depth_is_bounded_and_says_where() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(read(&nested(DEPTH_MAX), Skip), Ok(()));
        let pointer = "/0".repeat(DEPTH_MAX);
        assert_eq!(read(&nested(DEPTH_MAX + 1), Skip), Err(Refusal::TooDeep { pointer }));
        assert!(matches!(read(&"[".repeat(1_000_000), Skip), Err(Refusal::TooDeep { .. })));
    }

    #[test]
    fn a_scalar_is_read_as_it_is_written() {
        let cases = [
            ("null", Leaf::Null),
            ("true", Leaf::Bool(true)),
            ("7", Leaf::Whole(7)),
            ("-7", Leaf::OtherNumber),
            ("7.0", Leaf::OtherNumber),
            ("7e0", Leaf::OtherNumber),
            ("18446744073709551616", Leaf::OtherNumber),
            (r#""a\n""#, Leaf::Text("a\n".into())),
            ("[{}]", Leaf::List),
            (r#"{"a":[]}"#, Leaf::Object),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text, Scalar), Ok(expected), "{text}");
        }
        assert!(matches!(read("{} {}", Skip), Err(Refusal::Syntax(_))));
        assert!(matches!(read("", Skip), Err(Refusal::Syntax(_))));
    }

    proptest! {
        #![proptest_config(crate::tests::quick())]

        #[test]
        fn it_takes_what_serde_json_takes_but_for_duplicates_and_depth(text in r#"[\[\]{},:"a\\0-9.e ntrufals]{0,24}"#) {
            let strict = serde_json::from_str::<serde_json::Value>(&text);
            match read(&text, Skip) {
                Ok(()) => prop_assert!(strict.is_ok()),
                Err(Refusal::DuplicateKey { .. } | Refusal::TooDeep { .. }) => {}
                Err(Refusal::Syntax(_)) => prop_assert!(strict.is_err()),
            }
        }
    }
}
