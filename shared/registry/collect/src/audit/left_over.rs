//! What lies under a manifest for its own sake, or in a list, and outlived it.

use moorage_ports::facts::State;
use moorage_ports::{Action, Expect, Fact, Item, Key, PortError, Reviewed};

use super::checks::unchanged;
use super::{Audit, Finding, Remedy, Wrong};
use crate::recycle::recycled_since;

impl Audit {
    pub(super) async fn left_over(&self, item: &Item) -> Result<Option<Finding>, PortError> {
        let listed = |digest| Some((item.key.repository()?, digest));
        let recycled = item.key.recycled_parts();
        let named = match (&recycled, item.key.listed_digest()) {
            (Some((_, digest)), _) => listed(digest.clone()),
            (_, Some(digest)) => listed(digest),
            _ => item.key.manifest_named(),
        };
        let Some((repository, digest)) = named else {
            return Err(PortError::Corrupt(format!("{:?} is of no manifest", item.key)));
        };
        let record_key = Key::manifest(&repository, &digest);
        let record = self.steps.table.get(&record_key).await?;
        let is_right = match (&record, &item.fact) {
            (Some(record), Fact::Recycled) => {
                let since = recycled_since(record)?;
                let is_in_bin = matches!(&record.fact, Fact::Manifest(manifest)
                    if manifest.recycled.is_some() || manifest.node.state == State::Recycled);
                is_in_bin && recycled.is_some_and(|(at, _)| at == since)
            }
            (Some(_), _) => true,
            // An index that may name what is not there holds it from before it comes.
            (None, Fact::WasHeld) => {
                self.steps.look(&Reviewed::Manifest(repository, digest), None).await?.by.is_some()
            }
            (None, _) => false,
        };
        if is_right {
            return Ok(None);
        }
        let remedy =
            vec![Action::Delete(item.key.clone(), Expect::Anything), unchanged(record_key, record.as_ref())];
        let wrong = Wrong::LeftOver(item.key.clone());
        Ok(Some(Finding { wrong, remedy: Remedy::Write(remedy) }))
    }
}
