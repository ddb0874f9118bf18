//! Writes of one item, and batches.

use async_trait::async_trait;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{
    DeleteRequest, PutRequest, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure::AllOld,
    WriteRequest,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use moorage_ports::limits::BATCH_WRITE_ITEMS_MAX;
use moorage_ports::{Action, Durability, Expect, Item, Key, PortError, Transacted, WriteTable, Written};

use super::condition::{Condition, is_effect_of_put};
use super::item::{self, Attributes};
use super::limits::{check_count, check_distinct};
use super::tries::Tries;
use super::{Table, note_writes};
use crate::attempts::Attempts;
use crate::error::{misuse, port_error};

#[async_trait]
impl WriteTable for Table {
    async fn put(&self, item: Item, expect: Expect, _durability: Durability) -> Result<Written, PortError> {
        let attributes = item::encode(&item)?;
        let attempts = Attempts::default();
        let request = || {
            let condition = Condition::from(expect);
            self.client
                .put_item()
                .table_name(&*self.name)
                .set_item(Some(attributes.clone()))
                .set_condition_expression(condition.expression)
                .set_expression_attribute_names(condition.names)
                .set_expression_attribute_values(condition.values)
                .return_values_on_condition_check_failure(AllOld)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .customize()
                .interceptor(attempts.clone())
                .send()
        };
        let refused = match self.until_no_conflict(request).await {
            Ok(answer) => {
                note_writes(&answer.consumed_capacity);
                return Ok(Written::Done);
            }
            Err(error) => refusal("PutItem", &error, &attempts, |e| match e {
                PutItemError::ConditionalCheckFailedException(e) => Refusal::Condition(e.item.clone()),
                _ => Refusal::Other,
            })?,
        };
        let found = refused.map(item::decode).transpose()?;
        refused_or_own("PutItem", &attempts, found, |found| is_effect_of_put(&item, found))
    }

    async fn delete(&self, key: &Key, expect: Expect, _durability: Durability) -> Result<Written, PortError> {
        let attributes = item::key(key)?;
        let attempts = Attempts::default();
        let request = || {
            let condition = Condition::from(expect);
            self.client
                .delete_item()
                .table_name(&*self.name)
                .set_key(Some(attributes.clone()))
                .set_condition_expression(condition.expression)
                .set_expression_attribute_names(condition.names)
                .set_expression_attribute_values(condition.values)
                .return_values_on_condition_check_failure(AllOld)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .customize()
                .interceptor(attempts.clone())
                .send()
        };
        let refused = match self.until_no_conflict(request).await {
            Ok(answer) => {
                note_writes(&answer.consumed_capacity);
                return Ok(Written::Done);
            }
            Err(error) => refusal("DeleteItem", &error, &attempts, |e| match e {
                DeleteItemError::ConditionalCheckFailedException(e) => Refusal::Condition(e.item.clone()),
                _ => Refusal::Other,
            })?,
        };
        let found = refused.map(item::decode).transpose()?;
        // The version that was to go is gone, by our first attempt as far as anybody can tell.
        refused_or_own("DeleteItem", &attempts, found, |found| found.is_none())
    }

    async fn batch_write(&self, writes: Vec<Action>) -> Result<(), PortError> {
        check_count(writes.len(), BATCH_WRITE_ITEMS_MAX)?;
        check_distinct(writes.iter().map(Action::key))?;
        let mut left = writes.iter().map(write_request).collect::<Result<Vec<_>, _>>()?;
        let attempts = Attempts::default();
        let mut tries = Tries::new(&self.context);
        // Throttled says that nothing was done.
        let unless_some_were_done = |left: usize, error: PortError| match error {
            PortError::Throttled(why) if left < writes.len() || attempts.may_have_taken_effect() => {
                PortError::Unavailable(why)
            }
            other => other,
        };
        while !left.is_empty() {
            let asked = left.len();
            let answer = self
                .client
                .batch_write_item()
                .request_items(&*self.name, left)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .customize()
                .interceptor(attempts.clone())
                .send()
                .await
                .map_err(|e| unless_some_were_done(asked, port_error("BatchWriteItem", &e)))?;
            note_writes(answer.consumed_capacity());
            left = answer.unprocessed_items.into_iter().flatten().flat_map(|(_, rest)| rest).collect();
            if !left.is_empty() && !tries.again().await {
                let (left, made) = (left.len(), tries.made());
                let why = format!("BatchWriteItem: {left} writes were left unprocessed after {made} tries");
                return Err(unless_some_were_done(left, PortError::Throttled(why)));
            }
        }
        Ok(())
    }

    async fn transact(&self, actions: Vec<Action>) -> Result<Transacted, PortError> {
        self.transact_all(&actions).await
    }
}

fn write_request(action: &Action) -> Result<WriteRequest, PortError> {
    let built = match action {
        Action::Put(item, Expect::Anything) => {
            let put = PutRequest::builder().set_item(Some(item::encode(item)?)).build();
            put.map(|put| WriteRequest::builder().put_request(put).build())
        }
        Action::Delete(key, Expect::Anything) => {
            let delete = DeleteRequest::builder().set_key(Some(item::key(key)?)).build();
            delete.map(|delete| WriteRequest::builder().delete_request(delete).build())
        }
        Action::Put(..) | Action::Delete(..) | Action::Check(..) => {
            return Err(misuse("a batch with a condition or a check"));
        }
    };
    built.map_err(|e| misuse(e.to_string()))
}

impl Table {
    /// Makes a request, again where a transaction was writing the item in that instant.
    pub(super) async fn until_no_conflict<T, E, F>(
        &self,
        request: impl Fn() -> F,
    ) -> Result<T, SdkError<E, HttpResponse>>
    where
        E: ProvideErrorMetadata,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        let mut tries = Tries::new(&self.context);
        loop {
            let answer = request().await;
            let code = answer.as_ref().err().and_then(|e| e.as_service_error()?.code());
            if code != Some("TransactionConflictException") || !tries.again().await {
                return answer;
            }
        }
    }
}

/// Why the service did not write.
pub(super) enum Refusal {
    /// The condition did not hold: what was there.
    Condition(Option<Attributes>),
    Other,
}

/// What a refused condition found; any other failure is an error.
pub(super) fn refusal<E>(
    operation: &str,
    error: &SdkError<E, HttpResponse>,
    attempts: &Attempts,
    of: impl Fn(&E) -> Refusal,
) -> Result<Option<Attributes>, PortError>
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    match error.as_service_error().map(of) {
        Some(Refusal::Condition(found)) => Ok(found.filter(|found| !found.is_empty())),
        Some(Refusal::Other) | None => Err(write_error(operation, error, attempts)),
    }
}

/// What a refused condition says. After an attempt whose answer was lost it may be that attempt's own effect
/// (`is_own`); else that attempt may have been done and another writer's have followed, which nobody can tell
/// from one that was not done. A caller's own repetition of a write is refused.
pub(super) fn refused_or_own(
    operation: &str,
    attempts: &Attempts,
    found: Option<Item>,
    is_own: impl FnOnce(Option<&Item>) -> bool,
) -> Result<Written, PortError> {
    if !attempts.may_have_taken_effect() {
        return Ok(Written::Refused(found.map(Box::new)));
    }
    if is_own(found.as_ref()) {
        return Ok(Written::Done);
    }
    Err(PortError::Unavailable(format!(
        "{operation}: an attempt got no answer and the next was refused: whether the first was done is not known"
    )))
}

/// The failure of a write. Throttled only where no attempt of it can have had an effect.
pub(super) fn write_error<E>(
    operation: &str,
    error: &SdkError<E, HttpResponse>,
    attempts: &Attempts,
) -> PortError
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    match port_error(operation, error) {
        PortError::Throttled(why) if attempts.may_have_taken_effect() => PortError::Unavailable(why),
        other => other,
    }
}
