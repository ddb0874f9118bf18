//! How often each kind of operation was asked for, and what became of it.

use std::collections::BTreeMap;

#[derive(Clone, Debug, Default)]
pub struct Tally(BTreeMap<&'static str, Counts>);

#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub asked: u64,
    pub acknowledged: u64,
    /// Refused, as it had to be.
    pub refused: u64,
}

impl Tally {
    pub fn asked(&mut self, how: &'static str) {
        self.0.entry(how).or_default().asked += 1;
    }

    pub fn acknowledged(&mut self, how: &'static str) {
        self.0.entry(how).or_default().acknowledged += 1;
    }

    pub fn refused(&mut self, how: &'static str) {
        self.0.entry(how).or_default().refused += 1;
    }

    pub fn iter(&self) -> impl Iterator<Item = (&'static str, Counts)> {
        self.0.iter().map(|(how, counts)| (*how, *counts))
    }

    pub fn total(&self) -> Counts {
        self.0.values().fold(Counts::default(), |sum, counts| Counts {
            asked: sum.asked + counts.asked,
            acknowledged: sum.acknowledged + counts.acknowledged,
            refused: sum.refused + counts.refused,
        })
    }
}
