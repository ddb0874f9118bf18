//! What one name may hold, as far as the clients know: a value that is known, and writes since.

use crate::content::Digest;

/// The digest that a name points to; none where there is nothing. A blob or manifest that is there points
/// to itself.
pub type Value = Option<Digest>;

/// A moment of the clients' common clock, which only ever goes on.
pub type Moment = u64;

#[derive(Clone, Debug, Default)]
pub struct Register {
    settled: Value,
    /// What made it so, for whoever reads of a loss.
    settled_by: String,
    writes: Vec<Write>,
    /// Whether a request was about it since it was looked at.
    touched: bool,
}

#[derive(Clone, Debug)]
struct Write {
    begun: Moment,
    /// When it can no longer take effect; none while nobody knows.
    ended: Option<Moment>,
    acknowledged: bool,
    value: Value,
    how: &'static str,
}

impl Register {
    pub fn begin(&mut self, begun: Moment, value: Value, how: &'static str) {
        self.touched = true;
        self.writes.push(Write { begun, ended: None, acknowledged: false, value, how });
    }

    pub fn acknowledge(&mut self, begun: Moment, now: Moment) {
        for write in self.writes.iter_mut().filter(|write| write.begun == begun) {
            (write.ended, write.acknowledged) = (Some(now), true);
        }
    }

    /// The write was refused: it has no effect.
    pub fn refuse(&mut self, begun: Moment) {
        self.writes.retain(|write| write.begun != begun);
    }

    /// The server is gone: what was not answered took effect by now, or never will.
    pub fn server_gone(&mut self, now: Moment) {
        for write in self.writes.iter_mut().filter(|write| write.ended.is_none()) {
            write.ended = Some(now);
        }
    }

    /// Every value that it may have when nothing is under way: that of a write which no acknowledged one
    /// followed, and the settled one if no write was acknowledged.
    pub fn possible(&self) -> Vec<Value> {
        let last_begun = self.writes.iter().filter(|write| write.acknowledged).map(|write| write.begun).max();
        let mut possible: Vec<Value> = self
            .writes
            .iter()
            .filter(|write| write.ended.is_none_or(|ended| last_begun.is_none_or(|last| ended >= last)))
            .map(|write| write.value.clone())
            .collect();
        if last_begun.is_none() {
            possible.push(self.settled.clone());
        }
        possible.sort();
        possible.dedup();
        possible
    }

    /// Its value, where only one is possible.
    pub fn certain(&self) -> Option<Value> {
        if self.writes.is_empty() {
            return Some(self.settled.clone());
        }
        let mut possible = self.possible();
        if possible.len() == 1 { possible.pop() } else { None }
    }

    pub fn is_touched(&self) -> bool {
        self.touched
    }

    /// It was seen to have this value while nothing was under way.
    pub fn settle(&mut self, seen: Value, when: &str) {
        if !self.writes.is_empty() {
            self.settled_by = format!("{}; seen {when}", self.history());
        }
        self.settled = seen;
        self.writes.clear();
        self.touched = false;
    }

    /// What was asked, and of that what was answered.
    pub fn history(&self) -> String {
        if self.writes.is_empty() {
            return self.settled_by.clone();
        }
        let writes: Vec<String> = self
            .writes
            .iter()
            .map(|write| {
                let what = write.value.as_ref().map_or("gone", |digest| digest);
                let answered = if write.acknowledged { "acknowledged" } else { "not answered" };
                let ended = write.ended.map_or("?".to_owned(), |ended| ended.to_string());
                format!("{} -> {what} {answered} at {}..{ended}", write.how, write.begun)
            })
            .collect();
        writes.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::Register;

    fn values(register: &Register) -> Vec<String> {
        register.possible().iter().map(|value| value.as_deref().unwrap_or("-").to_owned()).collect()
    }

    fn written(writes: &[(u64, Option<u64>, &str)]) -> Register {
        let mut register = Register::default();
        for (begun, ended, value) in writes {
            register.begin(*begun, Some((*value).into()), "test");
            if let Some(ended) = ended {
                register.acknowledge(*begun, *ended);
            }
        }
        register
    }

    #[test]
    fn the_last_acknowledged_write_counts() {
        assert_eq!(values(&written(&[(1, Some(2), "a"), (3, Some(4), "b")])), ["b"]);
        assert_eq!(values(&written(&[])), ["-"]);
    }

    #[test]
    fn writes_at_the_same_time_may_come_in_any_order() {
        assert_eq!(values(&written(&[(1, Some(4), "a"), (2, Some(3), "b")])), ["a", "b"]);
    }

    #[test]
    fn what_was_not_answered_is_there_or_not() {
        assert_eq!(values(&written(&[(1, Some(2), "a"), (3, None, "b")])), ["a", "b"]);
        assert_eq!(values(&written(&[(3, None, "b")])), ["-", "b"]);
    }

    #[test]
    fn what_died_with_the_server_comes_before_what_followed() {
        let mut register = written(&[(1, None, "a")]);
        register.server_gone(2);
        register.begin(3, Some("b".into()), "test");
        register.acknowledge(3, 4);
        assert_eq!(values(&register), ["b"]);
    }

    #[test]
    fn a_refused_write_leaves_nothing() {
        let mut register = written(&[(1, Some(2), "a"), (3, None, "b")]);
        register.refuse(3);
        assert_eq!(values(&register), ["a"]);
    }
}
