//! What the collector will make of something, as a pure function of what it reads.

use moorage_ports::facts::State;
use moorage_ports::{Fact, Item, PortError, Reviewed, Timestamp};

use crate::look::Look;
use crate::recycle::recycled_since;
use crate::steps::node_of;
use crate::times::Times;
use crate::untagged::{WhenUnheld, when_unheld};

/// What becomes of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outlook {
    /// It stays for as long as what holds it.
    Held,
    /// Nothing holds it yet: the policy will, as soon as it is looked at.
    WillBeKept,
    /// It goes, not before a time; when it is looked at next after that, if nothing changes.
    Goes { from: Timestamp, why: Why },
    /// Nothing: it only says that other things are to be looked at.
    Stays,
}

/// By what it goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// Nothing holds it, and its keep-until time is over then: a manifest goes into the recycle bin.
    Unheld,
    /// The same of a manifest that the policy gives more time.
    Untagged,
    /// Who makes it must be done by then.
    Pending,
    /// The same of what is being brought out of the bin: it falls back.
    FromBin,
    /// It is on its way out: the collector is about to look for holds once more.
    Condemned,
    /// Its time in the recycle bin is over then.
    InBin,
    /// A blob that a client deleted, and that no manifest in the bin needs any more.
    Hidden,
    Deleting,
    /// An object that nobody names any more.
    Trash,
    /// What remembers that an object's key was used.
    Tombstone,
    /// An upload whose token is out of date then.
    Upload,
}

impl Outlook {
    /// Not before this time.
    #[must_use]
    pub fn goes_from(&self) -> Option<Timestamp> {
        match self {
            Self::Goes { from, .. } => Some(*from),
            Self::Held | Self::WillBeKept | Self::Stays => None,
        }
    }

    /// Why, in a sentence without times.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Held => "it is held",
            Self::WillBeKept => {
                "nothing holds it; the policy of its repository keeps manifests that nothing holds"
            }
            Self::Stays => "all manifests of the repository are looked at",
            Self::Goes { why, .. } => why.reason(),
        }
    }
}

impl Why {
    fn reason(self) -> &'static str {
        match self {
            Self::Unheld => "nothing holds it; it goes when its keep-until time is over",
            Self::Untagged => {
                "nothing holds it; the policy of its repository lets such a manifest go after some time"
            }
            Self::Pending => "it is being made; if that is not done by its deadline, it is given up",
            Self::FromBin => {
                "it is being brought out of the recycle bin; if that is not done by its deadline, it falls back"
            }
            Self::Condemned => {
                "nothing held it when it was looked at; it goes unless a second look finds a hold"
            }
            Self::InBin => "it is in the recycle bin; it goes for good when its time there is over",
            Self::Hidden => "it was deleted, and no manifest in the recycle bin needs it any more",
            Self::Deleting => "it is being deleted",
            Self::Trash => "nobody names this object any more",
            Self::Tombstone => "the object is gone; that its key was used is forgotten then",
            Self::Upload => "its token is out of date; what came of it is given up",
        }
    }
}

/// What becomes of a thing by its record, and by what a look for its holds found; without a look, of what its record
/// alone decides.
///
/// # Errors
/// `Corrupt` where `item` is not a record of that kind.
pub fn outlook(
    of: &Reviewed,
    item: &Item,
    look: Option<&Look>,
    now: Timestamp,
    times: &Times,
) -> Result<Outlook, PortError> {
    let goes = |from, why| Ok(Outlook::Goes { from, why });
    match (&item.fact, of) {
        (Fact::Trash(trash), _) => {
            let gone = trash.since.plus_ms(times.trash_ms);
            if trash.deleted {
                goes(gone.plus_ms(times.tombstone_ms), Why::Tombstone)
            } else {
                goes(gone, Why::Trash)
            }
        }
        (Fact::Session(session), _) => goes(times.after_grace(session.expires), Why::Upload),
        (_, Reviewed::Repository(_)) => Ok(Outlook::Stays),
        _ => of_node(of, item, look, now, times),
    }
}

fn of_node(
    of: &Reviewed,
    item: &Item,
    look: Option<&Look>,
    now: Timestamp,
    times: &Times,
) -> Result<Outlook, PortError> {
    let node = node_of(item)?;
    let goes = |from, why| Ok(Outlook::Goes { from, why });
    match node.state {
        State::Pending => {
            let why = if node.from_bin { Why::FromBin } else { Why::Pending };
            return goes(node.deadline.unwrap_or_default(), why);
        }
        State::Deleting => return goes(now, Why::Deleting),
        State::Live | State::Condemned | State::Recycled => {}
    }
    if look.is_some_and(|look| look.by.is_some()) {
        return Ok(Outlook::Held);
    }
    match (node.state, &item.fact) {
        (State::Condemned, _) => goes(now, Why::Condemned),
        (State::Recycled, Fact::Manifest(_)) => goes(times.bin_ends(recycled_since(item)?), Why::InBin),
        (State::Recycled, _) => goes(now, Why::Hidden),
        (_, Fact::Manifest(record)) => {
            let Some(look) = look else {
                return Err(PortError::Misuse(format!("{of} was not looked at")));
            };
            match when_unheld(record, &look.around) {
                WhenUnheld::Kept => Ok(Outlook::WillBeKept),
                WhenUnheld::Goes => goes(node.keep_until, Why::Unheld),
                WhenUnheld::GoesAfter { after_ms, since } => {
                    // Its time begins when it is looked at first: now, at the soonest.
                    goes(since.unwrap_or(now).plus_ms(after_ms).max(node.keep_until), Why::Untagged)
                }
            }
        }
        _ => goes(node.keep_until, Why::Unheld),
    }
}
