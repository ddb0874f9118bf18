//! Broken tables.

use async_trait::async_trait;
use moorage_ports::contract::table::clauses;
use moorage_ports::facts::State;
use moorage_ports::{
    Action, ChangeFeed, Changes, Cursor, Durability, Expect, Fact, Item, KeepUntil, Key, Page, PortError,
    Query, ReadTable, ScanTable, Scanned, Timestamp, Transacted, Version, WriteTable, Written,
};

use super::{Broken, BrokenFixture, OF_TABLE, assert_catches};

/// Makes the defects of a table, and a test for each that names the clause which catches it.
macro_rules! defects {
    ($($file:ident::$clause:ident catches { $($defect:ident as $test:ident),* $(,)? })*) => {
        #[derive(Clone, Copy, PartialEq, Debug)]
        pub(super) enum Defect { $($($defect,)*)* }

        $($(
            #[test]
            fn $test() {
                let name = concat!(stringify!($file), "::", stringify!($clause));
                let break_it = || OF_TABLE.set(Some(Defect::$defect));
                assert_catches(&clauses::<BrokenFixture<Defect>>(), name, break_it);
            }
        )*)*
    };
}

defects! {
    conditions::put_where_nothing_may_be_is_refused_with_what_is_there catches {
        PutIgnoresItsCondition as a_put_that_ignores_its_condition,
        RefusalShowsNothing as a_refusal_that_shows_nothing,
    }
    conditions::what_has_no_version_is_refused_by_none catches {
        NoVersionIsAnyVersion as no_version_taken_for_any,
    }
    conditions::deleting_what_is_absent_succeeds catches {
        DeletingTheAbsentIsRefused as a_delete_that_wants_something_there,
    }
    items::a_read_sees_each_write_answered_before catches { ReadsAreStale as stale_reads }
    items::a_long_item_is_stored_whole catches { LongBodiesAreCut as a_body_that_is_cut }
    items::a_too_long_item_is_turned_away catches { ItemsOfAnyLength as an_item_of_any_length }
    batches::batch_get_answers_in_the_order_of_its_keys catches {
        BatchGetInItsOwnOrder as a_batch_get_in_its_own_order,
        BatchGetLeavesOutTheAbsent as a_batch_get_without_the_absent,
    }
    batches::a_misused_batch_write_writes_nothing catches {
        BatchesOfAnySize as a_batch_of_any_size,
        BatchWriteDropsConditions as a_batch_write_that_drops_conditions,
    }
    batches::batch_write_takes_twenty_five_items catches { BatchWriteForgetsTheLast as a_batch_left_unfinished }
    queries::a_query_answers_in_byte_order catches {
        QueryBackwards as a_query_backwards,
        QueryBlindToCase as a_query_blind_to_case,
    }
    queries::a_query_begins_after_a_key catches { QueryBeginsAtItsKey as a_query_that_begins_at_its_key }
    queries::a_page_may_begin_after_what_is_no_key catches {
        QueryWantsItsKeyThere as a_query_that_wants_its_key_there,
    }
    queries::a_page_says_whether_more_follows catches { QueryNeverSaysMore as a_query_that_never_says_more }
    queries::a_query_of_keys_answers_the_same_page catches { KeysOneShort as a_query_of_keys_that_is_one_short }
    transactions::a_refused_transaction_writes_nothing catches {
        TransactionDoesWhatItCan as a_transaction_that_does_what_it_can,
    }
    transactions::each_refusal_is_named_with_what_it_found catches {
        FirstRefusalOnly as a_transaction_that_names_one_refusal,
    }
    transactions::one_failed_check_refuses_all catches { ChecksAreForgotten as forgotten_checks }
    transactions::a_misused_transaction_writes_nothing catches {
        OneItemTwice as a_transaction_with_one_item_twice,
    }
    transactions::a_transaction_takes_a_hundred_items catches { FiftyAreEnough as a_transaction_of_fifty }
    races::of_many_puts_where_nothing_is_one_is_done catches { PutLooksFirst as a_put_that_looks_first }
    races::no_step_of_a_counter_is_lost catches { CountsAreLost as a_count_that_looks_first }
    races::of_racing_transactions_on_one_version_one_is_done catches {
        TransactionLooksFirst as a_transaction_that_looks_first,
    }
    keeping::keeping_a_condemned_node_sets_it_back_to_live catches {
        KeepingLeavesItCondemned as keeping_that_leaves_it_condemned,
    }
    keeping::keeping_is_refused_on_another_version catches {
        KeepingIgnoresTheVersion as keeping_that_ignores_the_version,
    }
    keeping::keeping_moves_the_time_and_renews_the_version catches {
        KeepingRenewsNothing as keeping_that_renews_nothing,
    }
    scan::a_page_of_a_scan_is_no_longer_than_asked_for catches {
        ScanForgetsTheLast as a_scan_that_forgets_the_last_of_a_page,
        ScanEndsEarly as a_scan_that_ends_early,
    }
    feed::each_write_is_in_the_feed_with_what_was_and_what_is catches {
        FeedHasNoOldImages as a_feed_without_old_images,
        FeedForgetsDeletes as a_feed_that_forgets_deletes,
    }
    feed::refused_writes_are_not_in_the_feed catches { RefusedWritesAreTold as a_feed_of_refused_writes }
    feed::a_cursor_resumes_where_it_was_given catches { CursorSkipsOne as a_cursor_that_skips_one }
    feed::a_page_of_changes_is_no_longer_than_asked_for catches { FeedIgnoresLimits as a_feed_without_pages }
    durability::what_was_to_be_durable_on_answer_survives_a_power_cut catches {
        AnswersBeforeItIsDurable as an_answer_before_it_is_durable,
    }
    durability::a_power_cut_takes_the_latest_writes_first catches { DurableOutOfOrder as durable_out_of_order }
}

impl super::Defect for Defect {
    fn of_this_thread() -> Option<Self> {
        OF_TABLE.get()
    }
}

impl Broken<Defect> {
    fn has(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    fn durability(&self, durability: Durability, item: &Key) -> Durability {
        match self.defect {
            Some(Defect::AnswersBeforeItIsDurable) => Durability::BeforeNext,
            // A later write is durable, and an earlier one never is (see `put`).
            Some(Defect::DurableOutOfOrder) if item.tag_name() == Some("v10") => Durability::OnAnswer,
            _ => durability,
        }
    }
}

/// Time for others to come in between.
async fn dawdle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

#[async_trait]
impl ReadTable for Broken<Defect> {
    async fn get(&self, key: &Key) -> Result<Option<Item>, PortError> {
        let mut found = ReadTable::get(&*self.memory, key).await?;
        match (self.defect, &mut found) {
            (Some(Defect::ReadsAreStale), Some(Item { fact: Fact::Tag(tag), .. })) if tag.size > 1 => {
                tag.size -= 1;
            }
            (Some(Defect::LongBodiesAreCut), Some(Item { fact: Fact::Body(body), .. })) => {
                body.truncate(64 << 10);
            }
            _ => {}
        }
        Ok(found)
    }

    async fn batch_get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, PortError> {
        let mut found = self.memory.batch_get(keys).await?;
        match self.defect {
            Some(Defect::BatchGetInItsOwnOrder) => found.sort_by(|a, b| key_of(a).cmp(&key_of(b))),
            Some(Defect::BatchGetLeavesOutTheAbsent) => found.retain(Option::is_some),
            _ => {}
        }
        Ok(found)
    }

    async fn query(&self, query: &Query) -> Result<Page<Item>, PortError> {
        let mut page = self.memory.query(query).await?;
        match self.defect {
            Some(Defect::QueryBackwards) => page.items.reverse(),
            Some(Defect::QueryBlindToCase) => page.items.sort_by_key(|item| item.key.sort().to_lowercase()),
            Some(Defect::QueryNeverSaysMore) => page.more = false,
            _ => {}
        }
        Ok(page)
    }

    async fn query_keys(&self, query: &Query) -> Result<Page<Key>, PortError> {
        let Page { items, more } = self.query(query).await?;
        let mut keys: Vec<Key> = items.into_iter().map(|item| item.key).collect();
        match (self.defect, query.range.after()) {
            (Some(Defect::KeysOneShort), _) => _ = keys.pop(),
            (Some(Defect::QueryBeginsAtItsKey), Some(after)) => {
                keys.insert(0, Key::from_stored(query.range.partition(), after));
            }
            (Some(Defect::QueryWantsItsKeyThere), Some(after)) => {
                let key = Key::from_stored(query.range.partition(), after);
                if ReadTable::get(&*self.memory, &key).await?.is_none() {
                    keys.clear();
                }
            }
            _ => {}
        }
        Ok(Page { items: keys, more })
    }
}

fn key_of(found: &Option<Item>) -> Option<&Key> {
    found.as_ref().map(|item| &item.key)
}

#[async_trait]
impl KeepUntil for Broken<Defect> {
    async fn keep_until(&self, item: &Item, until: Timestamp, fresh: Version) -> Result<Written, PortError> {
        let mut kept = item.clone();
        let node = kept.fact.node_mut();
        match (self.defect, node) {
            (Some(Defect::KeepingLeavesItCondemned), Some(node)) if node.state == State::Condemned => {
                node.keep_until = until;
                kept.version = Some(fresh);
                WriteTable::put(&*self.memory, kept, Expect::Anything, Durability::BeforeNext).await
            }
            (Some(Defect::KeepingIgnoresTheVersion), Some(_)) => {
                let there = ReadTable::get(&*self.memory, &item.key).await?;
                kept.version = there.and_then(|there| there.version);
                self.memory.keep_until(&kept, until, fresh).await
            }
            (Some(Defect::KeepingRenewsNothing), _) => {
                let same = item.version.unwrap_or(fresh);
                self.memory.keep_until(item, until, same).await
            }
            _ => self.memory.keep_until(item, until, fresh).await,
        }
    }
}

#[async_trait]
impl WriteTable for Broken<Defect> {
    async fn put(&self, item: Item, expect: Expect, durability: Durability) -> Result<Written, PortError> {
        let durability = self.durability(durability, &item.key);
        let memory = &*self.memory;
        match (self.defect, expect) {
            (Some(Defect::DurableOutOfOrder), _) if item.key.tag_name() == Some("v9") => Ok(Written::Done),
            (Some(Defect::PutIgnoresItsCondition), _) => {
                WriteTable::put(memory, item, Expect::Anything, durability).await
            }
            (Some(Defect::RefusalShowsNothing), _) => {
                match WriteTable::put(memory, item, expect, durability).await? {
                    Written::Refused(_) => Ok(Written::Refused(None)),
                    done => Ok(done),
                }
            }
            (Some(Defect::NoVersionIsAnyVersion), Expect::VersionIs(_)) => {
                match ReadTable::get(memory, &item.key).await? {
                    Some(Item { version: None, .. }) => {
                        WriteTable::put(memory, item, Expect::Anything, durability).await
                    }
                    _ => WriteTable::put(memory, item, expect, durability).await,
                }
            }
            (Some(Defect::ItemsOfAnyLength), _) => {
                Ok(WriteTable::put(memory, item, expect, durability).await.unwrap_or(Written::Done))
            }
            (Some(Defect::PutLooksFirst), Expect::Absent) => {
                if let Some(found) = ReadTable::get(memory, &item.key).await? {
                    return Ok(Written::Refused(Some(found.into())));
                }
                dawdle().await;
                WriteTable::put(memory, item, Expect::Anything, durability).await
            }
            (Some(Defect::CountsAreLost), Expect::VersionIs(version)) => {
                match ReadTable::get(memory, &item.key).await? {
                    Some(found) if found.version == Some(version) => {
                        dawdle().await;
                        WriteTable::put(memory, item, Expect::Anything, durability).await
                    }
                    found => Ok(Written::Refused(found.map(Box::new))),
                }
            }
            (Some(Defect::RefusedWritesAreTold), Expect::VersionIs(version)) => {
                let there = ReadTable::get(memory, &item.key).await?;
                if let Some(there) = there.filter(|there| there.version != Some(version)) {
                    WriteTable::put(memory, item, Expect::Anything, durability).await?;
                    WriteTable::put(memory, there.clone(), Expect::Anything, durability).await?;
                    return Ok(Written::Refused(Some(there.into())));
                }
                WriteTable::put(memory, item, expect, durability).await
            }
            _ => WriteTable::put(memory, item, expect, durability).await,
        }
    }

    async fn delete(&self, key: &Key, expect: Expect, durability: Durability) -> Result<Written, PortError> {
        let durability = self.durability(durability, key);
        if self.has(Defect::DeletingTheAbsentIsRefused) && ReadTable::get(&*self.memory, key).await?.is_none()
        {
            return Ok(Written::Refused(None));
        }
        WriteTable::delete(&*self.memory, key, expect, durability).await
    }

    async fn batch_write(&self, mut writes: Vec<Action>) -> Result<(), PortError> {
        match self.defect {
            Some(Defect::BatchesOfAnySize) => {
                for some in writes.chunks(25) {
                    self.memory.batch_write(some.to_vec()).await?;
                }
                return Ok(());
            }
            Some(Defect::BatchWriteForgetsTheLast) if writes.len() > 1 => _ = writes.pop(),
            Some(Defect::BatchWriteDropsConditions) => {
                for write in &mut writes {
                    if let Action::Put(_, expect) | Action::Delete(_, expect) = write {
                        *expect = Expect::Anything;
                    }
                }
            }
            _ => {}
        }
        self.memory.batch_write(writes).await
    }

    async fn transact(&self, mut actions: Vec<Action>) -> Result<Transacted, PortError> {
        let memory = &*self.memory;
        match self.defect {
            Some(Defect::ChecksAreForgotten) => {
                for action in &mut actions {
                    if let Action::Check(_, expect) = action {
                        *expect = Expect::Anything;
                    }
                }
            }
            Some(Defect::FiftyAreEnough) if actions.len() > 50 => {
                return Err(PortError::Misuse("more than fifty".to_owned()));
            }
            Some(Defect::OneItemTwice) => {
                let mut seen = std::collections::BTreeSet::new();
                actions.retain(|action| seen.insert(action.key().clone()));
            }
            _ => {}
        }
        if self.has(Defect::AnswersBeforeItIsDurable) {
            return self.carry_out(actions).await;
        }
        match memory.transact(actions.clone()).await? {
            Transacted::Refused(refusals) if self.has(Defect::TransactionDoesWhatItCan) => {
                let mut index = 0..;
                actions.retain(|_| index.next().is_some_and(|i| refusals.iter().all(|(r, _)| *r != i)));
                self.carry_out(actions).await?;
                Ok(Transacted::Refused(refusals))
            }
            Transacted::Refused(mut refusals) if self.has(Defect::FirstRefusalOnly) => {
                refusals.truncate(1);
                Ok(Transacted::Refused(refusals))
            }
            Transacted::Refused(refusals) if self.has(Defect::TransactionLooksFirst) => {
                // Those who looked before the first of them wrote are all done.
                dawdle().await;
                self.carry_out(actions).await?;
                drop(refusals);
                Ok(Transacted::Done)
            }
            transacted => Ok(transacted),
        }
    }
}

impl Broken<Defect> {
    /// The actions one by one, without their conditions, and not durable.
    async fn carry_out(&self, actions: Vec<Action>) -> Result<Transacted, PortError> {
        for action in actions {
            match action {
                Action::Put(item, _) => {
                    WriteTable::put(&*self.memory, item, Expect::Anything, Durability::BeforeNext).await?;
                }
                Action::Delete(key, _) => {
                    WriteTable::delete(&*self.memory, &key, Expect::Anything, Durability::BeforeNext).await?;
                }
                Action::Check(..) => {}
            }
        }
        Ok(Transacted::Done)
    }
}

#[async_trait]
impl ChangeFeed for Broken<Defect> {
    async fn changes(&self, cursor: &Cursor, limit: usize) -> Result<Changes, PortError> {
        let limit = if self.has(Defect::FeedIgnoresLimits) { limit + 1 } else { limit };
        let mut page = self.memory.changes(cursor, limit).await?;
        match self.defect {
            Some(Defect::FeedHasNoOldImages) => page.changes.iter_mut().for_each(|change| change.old = None),
            Some(Defect::FeedForgetsDeletes) => page.changes.retain(|change| change.new.is_some()),
            Some(Defect::CursorSkipsOne) if page.changes.len() == limit => {
                page.next = Cursor((page.next.0.parse::<u64>().expect("a place") + 1).to_string());
            }
            _ => {}
        }
        Ok(page)
    }
}

#[async_trait]
impl ScanTable for Broken<Defect> {
    async fn scan(&self, after: Option<&Cursor>, limit: usize) -> Result<Scanned, PortError> {
        let mut page = self.memory.scan(after, limit).await?;
        match self.defect {
            Some(Defect::ScanForgetsTheLast) if page.next.is_some() => _ = page.items.pop(),
            Some(Defect::ScanEndsEarly) => page.next = None,
            _ => {}
        }
        Ok(page)
    }
}
