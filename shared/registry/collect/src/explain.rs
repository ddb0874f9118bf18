//! Why something is kept, or when and by what it goes: what the collector would find, told to people. Reads only, by
//! the same look and the same decisions.

use std::fmt;

use moorage_ports::facts::State;
use moorage_ports::{Holder, Item, Key, PortError, Query, ReadTable, Reviewed, SortRange, Timestamp};

use crate::look::{By, Look, look, record_of};
use crate::outlook::{Outlook, outlook};
use crate::real::{Held, is_real};
use crate::times::Times;

/// Links of a chain that are followed: three calls each. Deeper than any real nesting of indexes and referrers.
const LINKS_MAX: usize = 32;
/// Holds of tags that are read to find one that is real: few are not.
const TAGS_LOOKED_AT_MAX: usize = 8;

/// What is known of something that the collector looks at.
#[derive(Clone, PartialEq, Debug)]
pub struct Explanation {
    pub of: Reviewed,
    /// `None` where it is no node.
    pub state: Option<State>,
    /// Not before this time, whether something holds it or not.
    pub keep_until: Option<Timestamp>,
    /// What holds it; what holds that; and so on, to a tag or to what nothing holds. The first hold that the
    /// collector finds: there may be others beside each.
    pub kept_by: Vec<KeptBy>,
    /// The chain was not followed to its end.
    pub more: bool,
    pub outlook: Outlook,
}

/// One link of the chain.
#[derive(Clone, PartialEq, Debug)]
pub struct KeptBy {
    pub holder: By,
    /// Of the holder; `None` for a tag and for the policy.
    pub state: Option<State>,
    /// Nothing holds the holder itself: this is what becomes of it.
    pub outlook: Option<Outlook>,
}

/// Explains one thing; `None` where it is not there.
///
/// # Errors
/// Those of the table.
pub async fn explain<T>(
    table: &T,
    of: &Reviewed,
    now: Timestamp,
    times: &Times,
) -> Result<Option<Explanation>, PortError>
where
    T: ReadTable + ?Sized,
{
    let Some(item) = table.get(&of.key()).await? else { return Ok(None) };
    explain_item(table, of, &item, now, times).await.map(Some)
}

/// The same of a record that was read.
///
/// # Errors
/// Those of the table.
pub async fn explain_item<T>(
    table: &T,
    of: &Reviewed,
    item: &Item,
    now: Timestamp,
    times: &Times,
) -> Result<Explanation, PortError>
where
    T: ReadTable + ?Sized,
{
    let node = item.fact.node();
    let found = looked(table, of, item).await?;
    let mut explanation = Explanation {
        of: of.clone(),
        state: node.map(|node| node.state),
        keep_until: node.map(|node| node.keep_until),
        kept_by: Vec::new(),
        more: false,
        outlook: outlook(of, item, found.as_ref(), now, times)?,
    };
    let (mut at, mut by) = (of.clone(), found.and_then(|found| found.by));
    while let Some(holder) = by.take() {
        let holder = tag_beside(table, &at, &holder).await?.unwrap_or(holder);
        if explanation.kept_by.len() == LINKS_MAX {
            explanation.more = true;
            break;
        }
        let next = node_of_holder(&at, &holder);
        let mut link = KeptBy { holder, state: None, outlook: None };
        // One that is gone since it was seen ends the chain.
        if let Some(next) = next
            && let Some(item) = table.get(&next.key()).await?
        {
            link.state = item.fact.node().map(|node| node.state);
            let found = looked(table, &next, &item).await?;
            by = found.as_ref().and_then(|found| found.by.clone());
            if by.is_none() {
                link.outlook = Some(outlook(&next, &item, found.as_ref(), now, times)?);
            }
            at = next;
        }
        explanation.kept_by.push(link);
    }
    Ok(explanation)
}

/// What holds a node, where its state leaves it to that.
async fn looked<T>(table: &T, of: &Reviewed, item: &Item) -> Result<Option<Look>, PortError>
where
    T: ReadTable + ?Sized,
{
    match item.fact.node().map(|node| node.state) {
        Some(State::Live | State::Condemned | State::Recycled) => look(table, of, Some(item)).await.map(Some),
        Some(State::Pending | State::Deleting) | None => Ok(None),
    }
}

/// The policy holds every manifest that ever had a tag: where a tag still does, that says more.
async fn tag_beside<T>(table: &T, of: &Reviewed, by: &By) -> Result<Option<By>, PortError>
where
    T: ReadTable + ?Sized,
{
    let (By::Holder(Holder::Kept(incarnation)), Reviewed::Manifest(repository, digest)) = (by, of) else {
        return Ok(None);
    };
    let kept = Key::held_by_policy(repository, digest, *incarnation);
    let range = SortRange::holds_of_manifest(repository, digest).after_key(&kept);
    let page = table.query_keys(&Query { range, limit: TAGS_LOOKED_AT_MAX }).await?;
    for holder in page.items.iter().filter_map(Key::holder) {
        let Some(key) = record_of(of, &holder) else { continue };
        let held = Held { digest, state: None, incarnation: Some(*incarnation), policy_keeps: true };
        if is_real(&holder, held, table.get(&key).await?.as_ref()) {
            return Ok(Some(By::Holder(holder)));
        }
    }
    Ok(None)
}

/// The node that a holder is; a tag and the policy are none.
fn node_of_holder(held: &Reviewed, by: &By) -> Option<Reviewed> {
    match (by, held) {
        (By::Holder(Holder::Manifest(repository, digest, _)), _) => {
            Some(Reviewed::Manifest(repository.clone(), digest.clone()))
        }
        (By::Holder(Holder::Index(digest, _)) | By::Subject(digest), Reviewed::Manifest(repository, _)) => {
            Some(Reviewed::Manifest(repository.clone(), digest.clone()))
        }
        (By::Holder(Holder::Grant(repository, _)), Reviewed::Content(digest)) => {
            Some(Reviewed::Grant(repository.clone(), digest.clone()))
        }
        _ => None,
    }
}

/// `tag v1`, `index sha256:9f86…`.
impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Subject(digest) => write!(f, "its subject {digest}"),
            Self::Holder(Holder::Tag(tag, _)) => write!(f, "tag {tag}"),
            Self::Holder(Holder::Index(digest, _)) => write!(f, "index {digest}"),
            Self::Holder(Holder::Kept(_)) => f.write_str("the policy of its repository"),
            Self::Holder(Holder::Manifest(_, digest, _)) => write!(f, "manifest {digest}"),
            Self::Holder(Holder::Grant(repository, _)) => write!(f, "the grant of {repository}"),
        }
    }
}

impl Explanation {
    /// Why, in a sentence, without times: `manifest sha256:9f86… holds it, which tag v1 holds`.
    #[must_use]
    pub fn reason(&self) -> String {
        let mut links = self.kept_by.iter();
        let Some(first) = links.next() else { return self.outlook.reason().to_owned() };
        let mut reason = format!("{} holds it", first.holder);
        for link in links {
            reason += &format!(", which {} holds", link.holder);
        }
        if self.more {
            reason += ", and so on";
        }
        if let Some(outlook) = self.kept_by.last().and_then(|last| last.outlook.as_ref()) {
            reason += &format!("; of that: {}", outlook.reason());
        }
        reason
    }
}
