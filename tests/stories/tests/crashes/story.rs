//! The story: every way to push, and what can be undone.

use std::collections::{BTreeMap, BTreeSet};

use crate::contents::{Contents, Sizes};
use crate::step::{Looks, Step, Thing};

pub(crate) const REPOSITORIES: [&str; 2] = ["app", "team/copy"];

/// The uploads, and the blobs that their bytes are.
pub(crate) const UPLOADS: [(&str, &str); 4] =
    [("whole", "whole"), ("chunked", "chunked"), ("given-up", "given-up"), ("unfinished", "unfinished")];

pub(crate) struct Story {
    pub(crate) contents: Contents,
    pub(crate) steps: Vec<Step>,
    /// Every thing that some step makes.
    pub(crate) things: BTreeSet<Thing>,
}

impl Story {
    pub(crate) fn new(sizes: Sizes) -> Self {
        let mut story = Self { contents: Contents::new(sizes), steps: Vec::new(), things: BTreeSet::new() };
        story.pushes(sizes);
        story.deletes(sizes);
        story.things =
            story.steps.iter().flat_map(|step| &step.makes).map(|(thing, _)| thing.clone()).collect();
        story
    }

    /// The steps that are asked all at once, each with its number; none once the story has ended.
    pub(crate) fn moment(&self, moment: usize) -> Vec<(usize, &Step)> {
        self.steps.iter().enumerate().filter(|(_, step)| step.moment == moment).collect()
    }

    /// What may be seen once these steps were answered. Those that may be on their way may have happened too.
    pub(crate) fn expected(&self, answered: &BTreeSet<usize>) -> BTreeMap<&Thing, Looks> {
        let mut expected: BTreeMap<&Thing, Looks> =
            self.things.iter().map(|thing| (thing, Looks::from([thing.at_first()]))).collect();
        let is_answered = |(at, _): &(usize, &Step)| answered.contains(at);
        for moment in 0.. {
            let (answered, on_their_way): (Vec<_>, Vec<_>) =
                self.moment(moment).into_iter().partition(is_answered);
            for (_, step) in answered {
                expected.extend(step.makes.iter().map(|(thing, looks)| (thing, looks.clone())));
            }
            for (thing, looks) in on_their_way.iter().flat_map(|(_, step)| &step.makes) {
                expected.entry(thing).or_default().extend(looks.iter().cloned());
            }
            if !on_their_way.is_empty() || self.moment(moment + 1).is_empty() {
                break;
            }
        }
        expected
    }

    /// The number of the moment that ends with this step.
    fn at_once(&mut self, steps: impl IntoIterator<Item = Step>) {
        let moment = self.steps.last().map_or(0, |last| last.moment + 1);
        self.steps.extend(steps.into_iter().map(|step| Step { moment, ..step }));
    }

    fn then(&mut self, step: Step) {
        self.at_once([step]);
    }

    fn pushes(&mut self, sizes: Sizes) {
        self.at_once([self.puts("app", "empty"), self.puts("app", "small")]);
        self.then(opens("app", "whole"));
        self.then(self.closes("app", "whole", 0));
        self.then(self.puts("app", "large"));
        self.then(opens("app", "chunked"));
        let [first, second, _] = sizes.chunks;
        self.then(self.adds("chunked", 0, first));
        self.then(self.adds("chunked", first, second));
        self.then(self.closes("app", "chunked", first + second));
        self.then(self.tags("app", "v1", "image"));
        self.at_once([
            self.pushes_with_tags("app", "second", &["v2", "latest"]),
            self.pushes_with_tags("app", "long", &[]),
            self.tags("app", "passing", "passing"),
        ]);
        self.then(self.tags("app", "latest", "image"));
        self.then(self.tags("app", "multi", "index"));
        self.then(self.pushes_referrer("app", "signature", "image"));
        self.then(self.mounts("team/copy", "large", "app"));
        self.then(self.puts("team/copy", "small"));
        self.then(self.tags("team/copy", "v1", "copy"));
        self.then(self.tags("team/copy", "v1", "copy"));
    }

    /// Nothing is pushed again right after it was deleted: a power cut that brings it back would not be noticed.
    fn deletes(&mut self, sizes: Sizes) {
        self.then(Step::new("DELETE /v2/app/blobs/<small>", 405));
        self.then(Step::new("DELETE /v2/app/manifests/<second>", 405));
        self.then(untags("app", "v2", Step::new("DELETE /v2/app/manifests/v2", 202)).again(&[404]));
        self.then(self.puts("app", "spare"));
        self.then(untags("app", "passing", deletes_manifest("app", "passing")));
        self.then(deletes_blob("app", "spare"));
        self.then(self.tags("app", "back", "passing"));

        // Refused for want of a layer, then taken; then both are deleted, and the layer comes back.
        let refused = Step::new("PUT /v2/app/manifests/<early>", 404).manifest(self.contents.get("early"));
        self.then(refused.again(&[201]));
        self.then(self.puts("app", "late"));
        self.then(self.tags("app", "early", "early"));
        self.then(untags("app", "early", deletes_manifest("app", "early")));
        self.then(deletes_blob("app", "late"));
        let signature = self.contents.get("signature").digest.clone();
        let unsigns = deletes_manifest("app", "signature");
        self.then(unsigns.unlists("/v2/app/referrers/<image>", signature.as_str()));
        self.then(self.puts("app", "late"));
        self.then(self.pushes_referrer("app", "signature", "image"));

        self.then(opens("app", "given-up"));
        self.then(self.adds("given-up", 0, sizes.small));
        self.then(Step::new("DELETE {given-up}", 204).makes("{given-up}", "404").again(&[404]));
        self.then(opens("app", "unfinished"));
        self.then(self.adds("unfinished", 0, sizes.small));
        self.then(self.adds("unfinished", sizes.small, sizes.small));
    }

    /// A blob in one request.
    fn puts(&self, repository: &str, blob: &str) -> Step {
        Step::new(format!("POST /v2/{repository}/blobs/uploads/?digest=<{blob}>"), 201)
            .body(self.contents.get(blob))
            .makes(format!("/v2/{repository}/blobs/<{blob}>"), blob)
    }

    fn mounts(&self, repository: &str, blob: &str, from: &str) -> Step {
        Step::new(format!("POST /v2/{repository}/blobs/uploads/?mount=<{blob}>&from={from}"), 201)
            .makes(format!("/v2/{repository}/blobs/<{blob}>"), blob)
    }

    /// A chunk of the blob that has the upload's name.
    fn adds(&self, upload: &str, from: usize, bytes: usize) -> Step {
        let end = from + bytes;
        Step::new(format!("PATCH {{{upload}}}"), 202)
            .header("content-range", &format!("{from}-{}", end - 1))
            .body(self.contents.get(upload).bytes.slice(from..end))
            .makes(format!("{{{upload}}}"), &format!("0-{}", end - 1))
            .again(&[416])
    }

    /// The closing request, with what is left of the blob that has the upload's name.
    pub(crate) fn closes(&self, repository: &str, upload: &str, from: usize) -> Step {
        let end = self.contents.get(upload).bytes.len();
        // That the session is closed is told to nobody; and while it is being closed it has all of its bytes.
        let before = format!("0-{}", from.saturating_sub(1));
        let all = format!("0-{}", end.saturating_sub(1));
        let step = Step::new(format!("PUT {{{upload}}}?digest=<{upload}>"), 201)
            .body(self.contents.get(upload).bytes.slice(from..))
            .makes(format!("/v2/{repository}/blobs/<{upload}>"), upload)
            .makes_either(format!("{{{upload}}}"), ["404", &before, &all]);
        if from == end { step } else { step.header("content-range", &format!("{from}-{}", end - 1)) }
    }

    fn tags(&self, repository: &str, tag: &str, manifest: &str) -> Step {
        let step = Step::new(format!("PUT /v2/{repository}/manifests/{tag}"), 201);
        tagged(repository, tag, manifest, self.pushes_manifest(step, repository, manifest))
    }

    /// A manifest by its digest.
    fn pushes_with_tags(&self, repository: &str, manifest: &str, tags: &[&str]) -> Step {
        let query: Vec<String> = tags.iter().map(|tag| format!("tag={tag}")).collect();
        let line = format!("PUT /v2/{repository}/manifests/<{manifest}>?{}", query.join("&"));
        let step = self.pushes_manifest(Step::new(line, 201), repository, manifest);
        tags.iter().fold(step, |step, tag| tagged(repository, tag, manifest, step))
    }

    fn pushes_referrer(&self, repository: &str, referrer: &str, subject: &str) -> Step {
        let digest = &self.contents.get(referrer).digest;
        self.pushes_with_tags(repository, referrer, &[])
            .lists(format!("/v2/{repository}/referrers/<{subject}>"), digest.as_str())
    }

    fn pushes_manifest(&self, step: Step, repository: &str, manifest: &str) -> Step {
        step.manifest(self.contents.get(manifest))
            .makes(format!("/v2/{repository}/manifests/<{manifest}>"), manifest)
            .lists("/v2/_catalog", repository)
    }
}

fn opens(repository: &str, upload: &'static str) -> Step {
    Step::new(format!("POST /v2/{repository}/blobs/uploads/"), 202)
        .opens(upload)
        .makes(format!("{{{upload}}}"), "0-0")
}

fn tagged(repository: &str, tag: &str, manifest: &str, step: Step) -> Step {
    step.makes(format!("/v2/{repository}/manifests/{tag}"), manifest)
        .lists(format!("/v2/{repository}/tags/list"), tag)
}

fn untags(repository: &str, tag: &str, step: Step) -> Step {
    step.makes(format!("/v2/{repository}/manifests/{tag}"), "404")
        .unlists(format!("/v2/{repository}/tags/list"), tag)
}

fn deletes_manifest(repository: &str, manifest: &str) -> Step {
    let path = format!("/v2/{repository}/manifests/<{manifest}>");
    Step::new(format!("DELETE {path}"), 202).makes(path, "404").again(&[404])
}

fn deletes_blob(repository: &str, blob: &str) -> Step {
    let path = format!("/v2/{repository}/blobs/<{blob}>");
    Step::new(format!("DELETE {path}"), 202).makes(path, "404").again(&[404])
}
