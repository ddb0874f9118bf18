//! Whether what is seen is what was promised.

use std::collections::BTreeSet;

use crate::look::Seen;
use crate::pusher::Locations;
use crate::story::Story;

/// What a client knows when all breaks off.
#[derive(Clone, Default, Debug)]
pub(crate) struct Told {
    /// The numbers of the steps that were answered.
    pub(crate) answered: BTreeSet<usize>,
    /// The uploads that were opened.
    pub(crate) locations: Locations,
}

impl Told {
    pub(crate) fn answer(&mut self, story: &Story, step: usize, location: &str) {
        self.answered.insert(step);
        if let Some(upload) = story.steps[step].opens {
            self.locations.insert(upload.to_owned(), location.to_owned());
        }
    }
}

/// # Errors
/// What is lost, or wrong.
pub(crate) fn judge(story: &Story, told: &Told, seen: &Seen) -> Result<(), String> {
    let mut wrong = seen.wrong.clone();
    for (thing, looks) in story.expected(&told.answered) {
        // Nobody knows of an upload before it is opened.
        let known = thing.upload().is_none_or(|upload| told.locations.contains_key(upload));
        if let Some(look) = seen.looks.get(thing).filter(|look| known && !looks.contains(*look)) {
            wrong.push(format!("{thing:?} is {look}, and may be {looks:?}"));
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    let last = told.answered.last().map_or("nothing", |step| &story.steps[*step].line);
    Err(format!("{} (answered last: {last})", wrong.join("; ")))
}
