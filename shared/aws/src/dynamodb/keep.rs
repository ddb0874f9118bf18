//! Keep until: an update of three attributes and no others. A policy can allow a function that update only
//! (`dynamodb:Attributes`).

use async_trait::async_trait;
use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure::AllOld,
};
use moorage_ports::facts::State;
use moorage_ports::{Item, KeepUntil, PortError, Timestamp, Version, Written};

use super::item::{self, KEEP_UNTIL, STATE, VERSION};
use super::write::{Refusal, refusal, refused_or_own};
use super::{Table, note_writes};
use crate::attempts::Attempts;
use crate::error::misuse;

#[async_trait]
impl KeepUntil for Table {
    async fn keep_until(&self, item: &Item, until: Timestamp, fresh: Version) -> Result<Written, PortError> {
        let node = item.fact.node().ok_or_else(|| misuse(format!("{:?} is no node", item.key)))?;
        if !node.state.is_readable() {
            return Err(misuse(format!("{:?} is {:?}", item.key, node.state)));
        }
        let version = item.version.ok_or_else(|| misuse(format!("{:?} has no version", item.key)))?;
        let key = item::key(&item.key)?;
        let live = item::value(&State::Live)?;
        let attempts = Attempts::default();
        let request = || {
            self.client
                .update_item()
                .table_name(&*self.name)
                .set_key(Some(key.clone()))
                .update_expression("SET #state = :live, #until = :until, #version = :fresh")
                .condition_expression("#version = :expected")
                .expression_attribute_names("#state", STATE)
                .expression_attribute_names("#until", KEEP_UNTIL)
                .expression_attribute_names("#version", VERSION)
                .expression_attribute_values(":live", live.clone())
                .expression_attribute_values(":until", AttributeValue::N(until.0.to_string()))
                .expression_attribute_values(":fresh", item::version_value(fresh))
                .expression_attribute_values(":expected", item::version_value(version))
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
            Err(error) => refusal("UpdateItem", &error, &attempts, |e| {
                match e {
                aws_sdk_dynamodb::operation::update_item::UpdateItemError::ConditionalCheckFailedException(
                    e,
                ) => Refusal::Condition(e.item.clone()),
                _ => Refusal::Other,
            }
            })?,
        };
        let found = refused.map(item::decode).transpose()?;
        let is_own = |found: Option<&Item>| found.is_some_and(|found| found.version == Some(fresh));
        refused_or_own("UpdateItem", &attempts, found, is_own)
    }
}
