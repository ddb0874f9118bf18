//! Transactions.

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    CancellationReason, ConditionCheck, Delete, Put, ReturnConsumedCapacity,
    ReturnValuesOnConditionCheckFailure::AllOld, TransactWriteItem,
};
use moorage_ports::limits::TRANSACTION_ITEMS_MAX;
use moorage_ports::{Action, Expect, Item, PortError, Transacted};

use super::condition::{Condition, is_effect_of_put};
use super::item::{self, Attributes};
use super::limits::{check_count, check_distinct, item_bytes};
use super::tries::Tries;
use super::write::write_error;
use super::{Table, note_writes};
use crate::attempts::Attempts;
use crate::error::{is_throttling, misuse};

/// Bytes of all items of a transaction together (DynamoDB: 4 MB).
const TRANSACTION_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Reasons for one action of a cancelled transaction: none, and a condition that did not hold.
const HELD: &str = "None";
const DID_NOT_HOLD: &str = "ConditionalCheckFailed";
const INVALID: &str = "ValidationError";

impl Table {
    /// Each try is a request of its own, with a token of its own, which the SDK makes and keeps over its
    /// retries: an attempt that repeats one whose answer was lost is answered as that one was.
    pub(super) async fn transact_all(&self, actions: &[Action]) -> Result<Transacted, PortError> {
        if actions.is_empty() {
            return Err(misuse("a transaction of nothing"));
        }
        check_count(actions.len(), TRANSACTION_ITEMS_MAX)?;
        check_distinct(actions.iter().map(Action::key))?;
        let Prepared { items, indices } = Prepared::new(&self.name, actions)?;
        if items.is_empty() {
            return Ok(Transacted::Done);
        }
        let attempts = Attempts::default();
        let mut tries = Tries::new(&self.context);
        loop {
            let answer = self
                .client
                .transact_write_items()
                .set_transact_items(Some(items.clone()))
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .customize()
                .interceptor(attempts.clone())
                .send()
                .await;
            let error = match answer {
                Ok(answer) => {
                    note_writes(answer.consumed_capacity());
                    return Ok(Transacted::Done);
                }
                Err(error) => error,
            };
            let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
                error.as_service_error()
            else {
                return Err(write_error("TransactWriteItems", &error, &attempts));
            };
            match Verdict::of(cancelled.cancellation_reasons()) {
                Verdict::Refused => {
                    let refusals = refusals(cancelled.cancellation_reasons(), &indices)?;
                    let own = attempts.may_have_taken_effect() && is_own_effect(actions, &refusals);
                    return Ok(if own { Transacted::Done } else { Transacted::Refused(refusals) });
                }
                Verdict::Busy(why) => {
                    if !tries.again().await {
                        let why = format!("TransactWriteItems: {why} at each of {} tries", tries.made());
                        return Err(if attempts.may_have_taken_effect() {
                            PortError::Unavailable(why)
                        } else {
                            PortError::Throttled(why)
                        });
                    }
                }
                Verdict::Invalid(why) => return Err(misuse(format!("TransactWriteItems: {why}"))),
                Verdict::Failed => return Err(write_error("TransactWriteItems", &error, &attempts)),
            }
        }
    }
}

/// Actions in DynamoDB's form. A check of nothing is left out.
struct Prepared {
    items: Vec<TransactWriteItem>,
    /// Of which action each is.
    indices: Vec<usize>,
}

impl Prepared {
    fn new(table: &str, actions: &[Action]) -> Result<Self, PortError> {
        let mut prepared = Self { items: Vec::new(), indices: Vec::new() };
        let mut bytes = 0;
        for (index, action) in actions.iter().enumerate() {
            let condition = Condition::from(action.expect());
            let item = match action {
                Action::Put(item, _) => {
                    let attributes = item::encode(item)?;
                    bytes += item_bytes(&attributes);
                    put(table, attributes, condition)?
                }
                Action::Delete(key, _) => delete(table, item::key(key)?, condition)?,
                Action::Check(key, Expect::Anything) => {
                    item::key(key)?;
                    continue;
                }
                Action::Check(key, _) => check(table, item::key(key)?, condition)?,
            };
            prepared.items.push(item);
            prepared.indices.push(index);
        }
        if bytes > TRANSACTION_BYTES_MAX {
            return Err(misuse(format!(
                "a transaction of {bytes} bytes, where {TRANSACTION_BYTES_MAX} are the most"
            )));
        }
        Ok(prepared)
    }
}

fn put(table: &str, item: Attributes, condition: Condition) -> Result<TransactWriteItem, PortError> {
    let put = Put::builder()
        .table_name(table)
        .set_item(Some(item))
        .set_condition_expression(condition.expression)
        .set_expression_attribute_names(condition.names)
        .set_expression_attribute_values(condition.values)
        .return_values_on_condition_check_failure(AllOld)
        .build()
        .map_err(|e| misuse(e.to_string()))?;
    Ok(TransactWriteItem::builder().put(put).build())
}

fn delete(table: &str, key: Attributes, condition: Condition) -> Result<TransactWriteItem, PortError> {
    let delete = Delete::builder()
        .table_name(table)
        .set_key(Some(key))
        .set_condition_expression(condition.expression)
        .set_expression_attribute_names(condition.names)
        .set_expression_attribute_values(condition.values)
        .return_values_on_condition_check_failure(AllOld)
        .build()
        .map_err(|e| misuse(e.to_string()))?;
    Ok(TransactWriteItem::builder().delete(delete).build())
}

fn check(table: &str, key: Attributes, condition: Condition) -> Result<TransactWriteItem, PortError> {
    let check = ConditionCheck::builder()
        .table_name(table)
        .set_key(Some(key))
        .set_condition_expression(condition.expression)
        .set_expression_attribute_names(condition.names)
        .set_expression_attribute_values(condition.values)
        .return_values_on_condition_check_failure(AllOld)
        .build()
        .map_err(|e| misuse(e.to_string()))?;
    Ok(TransactWriteItem::builder().condition_check(check).build())
}

/// What a cancelled transaction says.
#[derive(PartialEq, Debug)]
enum Verdict {
    /// Conditions did not hold, and there is no other reason.
    Refused,
    /// Worth trying again: the reasons that say so. The conditions of such a try were not all looked at.
    Busy(String),
    /// It has a form that is never served.
    Invalid(String),
    /// Another reason.
    Failed,
}

impl Verdict {
    fn of(reasons: &[CancellationReason]) -> Self {
        let codes = || reasons.iter().filter_map(CancellationReason::code).filter(|code| *code != HELD);
        if let Some(reason) = reasons.iter().find(|reason| reason.code() == Some(INVALID)) {
            return Self::Invalid(reason.message().unwrap_or(INVALID).to_owned());
        }
        let mut busy: Vec<&str> = codes().filter(|code| is_throttling(code)).collect();
        if !busy.is_empty() {
            busy.sort_unstable();
            busy.dedup();
            return Self::Busy(busy.join(" and "));
        }
        let mut codes = codes().peekable();
        if codes.peek().is_some() && codes.all(|code| code == DID_NOT_HOLD) {
            Self::Refused
        } else {
            Self::Failed
        }
    }
}

/// The refused actions by index, each with what it found.
fn refusals(
    reasons: &[CancellationReason],
    indices: &[usize],
) -> Result<Vec<(usize, Option<Item>)>, PortError> {
    let refused = reasons.iter().zip(indices).filter(|(reason, _)| reason.code() == Some(DID_NOT_HOLD));
    let found = |(reason, index): (&CancellationReason, &usize)| {
        let found = reason.item().filter(|item| !item.is_empty());
        Ok((*index, found.cloned().map(item::decode).transpose()?))
    };
    refused.map(found).collect()
}

/// Whether the transaction was refused by its own effect. It was done whole, or not at all: so one item at the
/// fresh version that it was to write tells that it was done. Without one, each refusal has to be what it
/// leaves behind.
fn is_own_effect(actions: &[Action], refusals: &[(usize, Option<Item>)]) -> bool {
    let mut put_at_version = false;
    let mut all_explained = true;
    for (index, found) in refusals {
        match &actions[*index] {
            Action::Put(item, _) => {
                let ours = is_effect_of_put(item, found.as_ref());
                put_at_version |= ours && item.version.is_some();
                all_explained &= ours;
            }
            Action::Delete(..) => all_explained &= found.is_none(),
            Action::Check(..) => all_explained = false,
        }
    }
    put_at_version || all_explained
}
