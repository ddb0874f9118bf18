//! Several lists, each in order and read bit by bit, as one list in order.
//!
//! Something is certain to be the next as long as each list either has something that was read and not taken, or is
//! read to its end.

use std::collections::VecDeque;

/// The lists, and what was read of them and not taken.
pub(super) struct Merge<T> {
    lists: Vec<List<T>>,
}

struct List<T> {
    read: VecDeque<T>,
    /// What was read last.
    last: Option<T>,
    more: bool,
}

/// Some items of one list, to be read next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Part<T> {
    pub(super) list: usize,
    /// `None`: from where the search begins.
    pub(super) after: Option<T>,
    pub(super) limit: usize,
}

impl<T: Ord + Clone> Merge<T> {
    /// So many lists, of which nothing was read.
    pub(super) fn of(lists: usize) -> Self {
        let list = || List { read: VecDeque::new(), last: None, more: true };
        Self { lists: (0..lists).map(|_| list()).collect() }
    }

    /// Whether nothing follows.
    pub(super) fn is_over(&self) -> bool {
        self.lists.iter().all(|list| list.read.is_empty() && !list.more)
    }

    /// The next, if it is certain.
    pub(super) fn next(&mut self) -> Option<T> {
        if self.lists.iter().any(|list| list.read.is_empty() && list.more) {
            return None;
        }
        let first = self.lists.iter_mut().filter(|list| !list.read.is_empty()).min_by(|one, other| {
            // Neither is empty.
            one.read.front().cmp(&other.read.front())
        })?;
        first.read.pop_front()
    }

    /// What to read so that `wanted` more are likely to be certain: of each list that may soon be used up its share and
    /// a few, because what is wanted is not spread evenly. At least one of each list that holds up the next.
    pub(super) fn parts(&self, wanted: usize) -> Vec<Part<T>> {
        let even = wanted / self.lists.len();
        // Twice the deviation of a share by chance, and then some: mostly enough for one round.
        let share = if self.lists.len() == 1 { wanted } else { (even + 2 * even.isqrt() + 4).min(wanted) };
        let is_soon_used_up =
            |list: &List<T>| list.more && list.read.len() <= even.min(share.saturating_sub(1));
        let lists = self.lists.iter().enumerate().filter(|(_, list)| is_soon_used_up(list));
        lists
            .map(|(at, list)| Part { list: at, after: list.last.clone(), limit: share - list.read.len() })
            .collect()
    }

    /// What was read of a list; `more` says whether anything may follow there.
    pub(super) fn add(&mut self, list: usize, items: Vec<T>, more: bool) {
        let list = &mut self.lists[list];
        // Beside nothing there is no place to go on from.
        list.more = more && !items.is_empty();
        list.last = items.last().cloned().or(list.last.take());
        list.read.extend(items);
    }
}
