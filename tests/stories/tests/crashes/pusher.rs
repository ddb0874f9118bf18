//! Who tells the story.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use moorage_stories::{Answer, Client};

use crate::step::Step;
use crate::story::Story;

/// Where the uploads that were opened are.
pub(crate) type Locations = BTreeMap<String, String>;

/// A client, and what it has to remember.
pub(crate) struct Pusher {
    pub(crate) client: Client,
    pub(crate) locations: Locations,
}

impl Pusher {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, locations: Locations::new() }
    }

    /// Asks for the steps of a moment, all at once. `answered` is called when one is answered, with its number.
    ///
    /// # Errors
    /// Which step was answered otherwise than it is told.
    pub(crate) async fn tell(
        &mut self,
        story: &Story,
        moment: usize,
        answered: impl Fn(usize, &Answer),
    ) -> Result<(), String> {
        let asked = story.moment(moment).into_iter().map(async |(at, step)| {
            let answer = self.ask(step).await;
            let outcome = holds(step, &answer, &[]);
            if outcome.is_ok() {
                answered(at, &answer);
            }
            (step, answer, outcome)
        });
        for (step, answer, outcome) in join_all(asked).await {
            outcome?;
            self.learn(step, &answer);
        }
        Ok(())
    }

    pub(crate) async fn ask(&self, step: &Step) -> Answer {
        let line = fill(&step.line, &self.locations).expect("the upload was opened");
        let ask = self.client.ask(line).body(step.body.clone());
        step.headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value)).await
    }

    pub(crate) fn learn(&mut self, step: &Step, answer: &Answer) {
        if let Some(upload) = step.opens {
            self.locations.insert(upload.to_owned(), answer.header("location").to_owned());
        }
    }
}

/// Whether a step was answered as it is told, or with one of `others`.
pub(crate) fn holds(step: &Step, answer: &Answer, others: &[u16]) -> Result<(), String> {
    let status = answer.status();
    if status == step.status || others.contains(&status) {
        return Ok(());
    }
    Err(format!("{} was answered {}, not {}", step.line, answer.outline(), step.status))
}

/// A path with Locations for the names of uploads; `None` where one was not opened.
pub(crate) fn fill(path: &str, locations: &Locations) -> Option<String> {
    let Some((before, rest)) = path.split_once('{') else { return Some(path.to_owned()) };
    let (upload, after) = rest.split_once('}')?;
    locations.get(upload).map(|location| format!("{before}{location}{after}"))
}
