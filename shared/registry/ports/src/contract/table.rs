//! The clauses of the reference table's contract. Each is named by what it holds an adapter to.

pub mod batches;
pub mod conditions;
pub mod durability;
pub mod feed;
pub mod items;
pub mod keeping;
pub mod queries;
pub mod races;
pub mod scan;
pub mod transactions;

use super::{Clause, Fixture};
use crate::table::{ReferenceTable, ScanTable};

/// A fixture whose store is a reference table.
pub trait TableFixture: Fixture<Store: ReferenceTable + ScanTable> {}

impl<F: Fixture<Store: ReferenceTable + ScanTable>> TableFixture for F {}

/// Every clause by its name (`conditions::put_on_a_version_replaces_it`), for a fixture.
#[must_use]
pub fn clauses<F: TableFixture>() -> Vec<(&'static str, Clause<F>)> {
    crate::__table_clauses!(__contract_names[F])
}

/// Makes a test of each clause of the reference table's contract, for a fixture.
#[macro_export]
macro_rules! table_contract {
    ($fixture:ty) => {
        $crate::__table_clauses!(__contract_tests[$fixture]);
    };
}

/// The list of the clauses. A test shows that none is missing.
#[doc(hidden)]
#[macro_export]
macro_rules! __table_clauses {
    ($then:ident $arguments:tt) => {
        $crate::$then! {
            $arguments table:
            batches {
                a_batch_of_nothing_is_done,
                a_large_batch_get_is_answered_whole,
                a_misused_batch_get_is_turned_away,
                a_misused_batch_write_writes_nothing,
                batch_get_answers_in_the_order_of_its_keys,
                batch_get_takes_a_hundred_keys,
                batch_write_puts_and_deletes,
                batch_write_takes_twenty_five_items,
                repeating_a_batch_write_changes_nothing_more,
            }
            conditions {
                a_delete_where_absence_is_expected_is_refused_by_what_is_there,
                a_put_without_a_condition_makes_and_replaces,
                a_version_made_anew_is_not_the_old_one,
                deleting_a_version_deletes_it,
                deleting_another_version_is_refused_with_what_is_there,
                deleting_what_is_absent_succeeds,
                put_on_a_version_is_refused_where_nothing_is,
                put_on_a_version_replaces_it,
                put_on_another_version_is_refused_with_what_is_there,
                put_where_nothing_is_makes_the_item,
                put_where_nothing_may_be_is_refused_with_what_is_there,
                repeating_a_conditional_put_is_refused_with_its_own_effect,
                repeating_an_unconditional_write_changes_nothing_more,
                what_has_no_version_is_refused_by_none,
            }
            durability {
                a_cursor_from_before_a_power_cut_misses_no_later_change,
                a_power_cut_takes_the_latest_writes_first,
                a_write_on_answer_takes_along_what_was_answered_before,
                the_feed_and_the_table_tell_the_same_after_a_power_cut,
                what_was_answered_survives_an_orderly_end,
                what_was_to_be_durable_on_answer_survives_a_power_cut,
            }
            feed {
                a_cursor_resumes_where_it_was_given,
                a_page_of_changes_is_no_longer_than_asked_for,
                a_reader_at_the_end_sees_what_comes_later,
                bodies_are_not_in_the_feed,
                changes_of_one_item_come_in_their_order,
                each_write_is_in_the_feed_with_what_was_and_what_is,
                keeping_is_in_the_feed,
                refused_writes_are_not_in_the_feed,
                writes_of_batches_and_transactions_are_in_the_feed,
            }
            items {
                a_body_keeps_every_byte,
                a_key_may_contain_what_an_artifact_type_contains,
                a_long_item_is_stored_whole,
                a_read_sees_each_write_answered_before,
                a_too_long_item_is_turned_away,
                every_kind_of_fact_comes_back_as_it_was,
                the_longest_keys_are_keys,
            }
            keeping {
                keeping_a_condemned_node_sets_it_back_to_live,
                keeping_is_refused_on_another_version,
                keeping_is_refused_where_nothing_is,
                keeping_moves_the_time_and_renews_the_version,
                only_nodes_are_kept,
                only_what_readers_see_is_kept,
            }
            queries {
                a_page_may_begin_after_what_is_no_key,
                a_page_says_whether_more_follows,
                a_query_answers_in_byte_order,
                a_query_answers_its_partition_only,
                a_query_answers_its_prefix_only,
                a_query_begins_after_a_key,
                a_query_begins_before_and_after_the_prefix,
                a_query_of_keys_answers_the_same_page,
                a_query_of_nothing_is_empty,
                long_items_may_need_pages_and_lose_none,
                pages_join_to_the_whole,
                types_with_one_beginning_are_told_apart,
            }
            races {
                keeping_and_a_write_exclude_each_other,
                no_step_of_a_counter_is_lost,
                of_many_puts_where_nothing_is_one_is_done,
                of_racing_transactions_on_one_version_one_is_done,
                transactions_lose_nothing_between_them,
                writes_and_transactions_on_one_version_exclude_each_other,
            }
            scan {
                a_misused_scan_is_turned_away,
                a_page_of_a_scan_is_no_longer_than_asked_for,
                a_scan_has_every_item_as_it_is,
                a_scan_has_what_was_there_all_the_time,
                what_was_deleted_is_in_no_scan,
            }
            transactions {
                a_check_writes_nothing,
                a_misused_transaction_writes_nothing,
                a_refused_transaction_writes_nothing,
                a_transaction_does_all_of_its_actions,
                a_transaction_is_seen_whole,
                a_transaction_takes_a_hundred_items,
                each_refusal_is_named_with_what_it_found,
                one_failed_check_refuses_all,
            }
        }
    };
}
