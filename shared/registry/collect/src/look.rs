//! Looking for what holds a node.

use moorage_oci::{Digest, RepositoryName};
use moorage_ports::facts::{ManifestRecord, Policy};
use moorage_ports::limits::BATCH_GET_ITEMS_MAX;
use moorage_ports::{Action, Expect, Fact, Holder, Item, Key, PortError, Query, ReadTable, Reviewed};

use crate::real::{Held, is_held_by_subject, is_real};
use crate::steps::Steps;

/// Holds read in one page: with what else is read along with their holders, one batch.
const HOLDS_IN_PAGE_MAX: usize = BATCH_GET_ITEMS_MAX - 3;

/// What a look found.
#[derive(Clone, PartialEq, Debug)]
pub struct Look {
    /// The first thing that really holds the node.
    pub by: Option<By>,
    /// Holds that nobody has.
    pub dead: Vec<Key>,
    /// What else the look read of a manifest.
    pub around: Around,
}

/// What holds a node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum By {
    Holder(Holder),
    Subject(Digest),
}

/// What is known of a manifest's surroundings.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Around {
    pub policy: Policy,
    /// An index held it at some time.
    pub was_held: bool,
    /// Its subject is there.
    pub subject_is_there: bool,
}

impl Steps {
    /// Looks for what holds a node; changes nothing. `record` is the node's, as it was read; without one, no
    /// hold of the policy is real. Stops at the first real hold.
    ///
    /// # Errors
    /// Those of the table; `Misuse` where nothing can hold `of`.
    pub async fn look(&self, of: &Reviewed, record: Option<&Item>) -> Result<Look, PortError> {
        look(&*self.table, of, record).await
    }

    /// Removes holds that nobody has.
    pub(crate) async fn remove_dead(&self, dead: Vec<Key>) -> Result<(), PortError> {
        self.write_all(dead.into_iter().map(|key| Action::Delete(key, Expect::Anything)).collect()).await
    }
}

/// As [`Steps::look`]: for those who may only read, and say what the collector would find.
///
/// # Errors
/// Those of the table; `Misuse` where nothing can hold `of`.
pub async fn look<T>(table: &T, of: &Reviewed, record: Option<&Item>) -> Result<Look, PortError>
where
    T: ReadTable + ?Sized,
{
    let Some(mut range) = of.holds() else {
        return Err(PortError::Misuse(format!("{of} is not a node")));
    };
    let mut look = Look { by: None, dead: Vec::new(), around: Around::default() };
    let mut first = true;
    loop {
        let page = table.query_keys(&Query { range: range.clone(), limit: HOLDS_IN_PAGE_MAX }).await?;
        let holders = page.items.iter().map(holder).collect::<Result<Vec<_>, _>>()?;
        let mut keys: Vec<Key> = holders.iter().filter_map(|holder| record_of(of, holder)).collect();
        let beside = if first { beside(of, record) } else { Beside::default() };
        keys.extend(beside.keys());
        // The policy's hold is of the node's own record, and as it is now: who read `record` may have slept since.
        let is_kept = holders.iter().any(|holder| matches!(holder, Holder::Kept(_)));
        keys.extend(is_kept.then(|| of.key()));
        keys.sort();
        keys.dedup();
        let found = if keys.is_empty() { Vec::new() } else { table.batch_get(&keys).await? };
        let read = |key: &Key| keys.binary_search(key).ok().and_then(|at| found[at].as_ref());
        if first {
            look.around = beside.around(read);
        }
        first = false;
        if let Some((referrer, subject, digest)) = &beside.subject
            && is_held_by_subject(referrer, read(subject))
        {
            look.by = Some(By::Subject(digest.clone()));
            return Ok(look);
        }
        let mut held = held(of, record, &look.around)?;
        if is_kept {
            held.incarnation = read(&of.key()).and_then(|now| now.fact.node()).map(|node| node.incarnation);
        }
        for (key, holder) in page.items.iter().zip(holders) {
            if is_real(&holder, held, record_of(of, &holder).as_ref().and_then(read)) {
                look.by = Some(By::Holder(holder));
                return Ok(look);
            }
            // One that only the policy does not heed now has the same key when it does again.
            let is_of_this_life =
                matches!(&holder, Holder::Kept(incarnation) if held.incarnation == Some(*incarnation));
            if !is_of_this_life {
                look.dead.push(key.clone());
            }
        }
        match page.rest(range) {
            Some(rest) => range = rest,
            None => return Ok(look),
        }
    }
}

/// What is read beside the holders of a manifest.
#[derive(Default)]
struct Beside<'a> {
    policy: Option<Key>,
    was_held: Option<Key>,
    subject: Option<(&'a ManifestRecord, Key, Digest)>,
}

fn beside<'a>(of: &Reviewed, record: Option<&'a Item>) -> Beside<'a> {
    let (Reviewed::Manifest(repository, digest), Some(Item { fact: Fact::Manifest(manifest), .. })) =
        (of, record)
    else {
        return Beside::default();
    };
    let subject = |subject: &Digest| (manifest, Key::manifest(repository, subject), subject.clone());
    Beside {
        policy: Some(Key::policy(repository)),
        was_held: Some(Key::was_held(repository, digest)),
        subject: manifest.subject.as_ref().map(|s| subject(&s.digest)),
    }
}

impl Beside<'_> {
    fn keys(&self) -> impl Iterator<Item = Key> {
        let subject = self.subject.as_ref().map(|(_, key, _)| key);
        self.policy.iter().chain(self.was_held.iter()).chain(subject).cloned()
    }

    fn around<'r>(&self, read: impl Fn(&Key) -> Option<&'r Item>) -> Around {
        let policy = match self.policy.as_ref().and_then(&read) {
            Some(Item { fact: Fact::Policy(policy), .. }) => policy.clone(),
            _ => Policy::default(),
        };
        let subject =
            self.subject.as_ref().and_then(|(_, key, _)| read(key)).and_then(|item| item.fact.node());
        Around {
            policy,
            was_held: self.was_held.as_ref().and_then(&read).is_some(),
            subject_is_there: subject.is_some_and(|node| node.state.is_readable()),
        }
    }
}

fn held<'a>(of: &'a Reviewed, record: Option<&Item>, around: &Around) -> Result<Held<'a>, PortError> {
    let (Reviewed::Manifest(_, digest) | Reviewed::Grant(_, digest) | Reviewed::Content(digest)) = of else {
        return Err(PortError::Misuse(format!("{of} is not a node")));
    };
    let node = record.and_then(|record| record.fact.node());
    Ok(Held {
        digest,
        state: node.map(|node| node.state),
        incarnation: node.map(|node| node.incarnation),
        policy_keeps: around.policy.untagged.is_keep(),
    })
}

fn holder(key: &Key) -> Result<Holder, PortError> {
    key.holder().ok_or_else(|| PortError::Corrupt(format!("{key:?} is not a hold of ours")))
}

/// The record of a holder; the policy has none of its own.
pub(crate) fn record_of(held: &Reviewed, holder: &Holder) -> Option<Key> {
    let in_repository = |key: fn(&RepositoryName, &Digest) -> Key, digest: &Digest| match held {
        Reviewed::Manifest(repository, _) | Reviewed::Grant(repository, _) => Some(key(repository, digest)),
        _ => None,
    };
    match (holder, held) {
        (Holder::Tag(tag, _), Reviewed::Manifest(repository, _)) => Some(Key::tag(repository, tag)),
        (Holder::Index(digest, _) | Holder::Manifest(_, digest, _), _) => {
            in_repository(Key::manifest, digest)
        }
        (Holder::Grant(repository, _), Reviewed::Content(digest)) => Some(Key::grant(repository, digest)),
        (Holder::Tag(..) | Holder::Kept(_) | Holder::Grant(..), _) => None,
    }
}
