//! A look at a registry from outside.

use std::collections::BTreeMap;

use moorage_stories::{Answer, Client};

use crate::contents::Contents;
use crate::pusher::{Locations, fill};
use crate::step::{Look, Thing};
use crate::story::{REPOSITORIES, Story};

/// What was seen.
pub(crate) struct Seen {
    /// Uploads that were not opened are left out.
    pub(crate) looks: BTreeMap<Thing, Look>,
    /// What no registry may show, whatever was asked before.
    pub(crate) wrong: Vec<String>,
}

/// Looks at all things of the story, and at what they lead to.
pub(crate) async fn look(story: &Story, client: &Client, locations: &Locations) -> Seen {
    let mut looker = Looker { story, client, answers: BTreeMap::new() };
    let mut seen = Seen { looks: BTreeMap::new(), wrong: Vec::new() };
    for thing in &story.things {
        if let Some(look) = looker.at(thing, locations).await {
            seen.looks.insert(thing.clone(), look);
        }
    }
    seen.wrong.extend(looker.children_are_there(&seen.looks).await);
    seen.wrong.extend(looker.what_is_listed_is_there(&seen.looks).await);
    let failed = looker.answers.iter().filter(|(_, got)| got.status >= 500 || got.look == OTHER);
    seen.wrong.extend(failed.map(|(path, got)| format!("GET {path}: {} {}", got.status, got.look)));
    seen
}

/// The look of bytes that nobody pushed.
const OTHER: &str = "other bytes";

/// An answer, as far as it matters.
struct Got {
    status: u16,
    look: Look,
    /// Of a list.
    text: String,
}

struct Looker<'s> {
    story: &'s Story,
    client: &'s Client,
    /// Each path is asked once.
    answers: BTreeMap<String, Got>,
}

impl Looker<'_> {
    async fn at(&mut self, thing: &Thing, locations: &Locations) -> Option<Look> {
        Some(match thing {
            Thing::At(path) => self.get(&fill(path, locations)?).await.look.clone(),
            Thing::Entry { list, entry } => {
                let is_listed = self.get(list).await.text.contains(&format!("\"{entry}\""));
                if is_listed { "listed" } else { "not listed" }.to_owned()
            }
        })
    }

    async fn get(&mut self, path: &str) -> &Got {
        let path = self.story.contents.fill(path);
        if !self.answers.contains_key(&path) {
            let answer = self.client.ask(format!("GET {path}")).await;
            self.answers.insert(path.clone(), self.got(&answer));
        }
        &self.answers[&path]
    }

    fn got(&self, answer: &Answer) -> Got {
        let is_list = answer.header("docker-content-digest").is_empty();
        let look = match answer.status() {
            200 if is_list => "a list".to_owned(),
            200 => self.story.contents.name_of(&answer.body).unwrap_or(OTHER).to_owned(),
            204 => answer.header("range").to_owned(),
            404 => "404".to_owned(),
            _ => answer.outline(),
        };
        let text = if is_list { String::from_utf8_lossy(&answer.body).into_owned() } else { String::new() };
        Got { status: answer.status(), look, text }
    }

    /// Whatever manifest is seen has all that it needs, with the right bytes.
    async fn children_are_there(&mut self, looks: &BTreeMap<Thing, Look>) -> Vec<String> {
        let mut wrong = Vec::new();
        for (repository, manifest) in manifests(looks) {
            for (kind, name) in Contents::children(manifest) {
                let got = self.get(&format!("/v2/{repository}/{kind}/<{name}>")).await;
                if got.look != name {
                    wrong.push(format!(
                        "<{manifest}> of {repository} is there without <{name}>: {}",
                        got.look
                    ));
                }
            }
        }
        wrong
    }

    /// Every tag and every referrer that is listed can be had.
    async fn what_is_listed_is_there(&mut self, looks: &BTreeMap<Thing, Look>) -> Vec<String> {
        let mut listed = Vec::new();
        for repository in REPOSITORIES {
            let tags = self.get(&format!("/v2/{repository}/tags/list")).await;
            listed.extend(entries(&tags.text, "tags", "").into_iter().map(|tag| (repository, tag)));
        }
        for (repository, manifest) in manifests(looks) {
            let subject = self.story.contents.get(manifest).digest.clone();
            let referrers = self.get(&format!("/v2/{repository}/referrers/{subject}")).await;
            listed.extend(
                entries(&referrers.text, "manifests", "/digest").into_iter().map(|it| (repository, it)),
            );
        }
        let mut wrong = Vec::new();
        for (repository, entry) in listed {
            let got = self.get(&format!("/v2/{repository}/manifests/{entry}")).await;
            if got.status != 200 {
                wrong.push(format!("{entry} of {repository} is listed: {}", got.look));
            }
        }
        wrong
    }
}

/// The manifests that are seen: repository and name.
fn manifests(looks: &BTreeMap<Thing, Look>) -> impl Iterator<Item = (&'static str, &str)> {
    looks.iter().filter_map(|(thing, look)| {
        let Thing::At(path) = thing else { return None };
        let (repository, _) = path.strip_prefix("/v2/")?.split_once("/manifests/")?;
        let repository = REPOSITORIES.into_iter().find(|known| *known == repository)?;
        (look != "404").then_some((repository, look.as_str()))
    })
}

/// Texts of a list in an answer.
fn entries(text: &str, list: &str, pointer: &str) -> Vec<String> {
    let document: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let entries = document[list].as_array().cloned().unwrap_or_default();
    entries.iter().filter_map(|entry| entry.pointer(pointer)?.as_str().map(str::to_owned)).collect()
}
