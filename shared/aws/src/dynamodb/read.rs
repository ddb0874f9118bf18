//! Reads: strongly consistent, every one.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, ReturnConsumedCapacity};
use moorage_ports::limits::{BATCH_GET_ITEMS_MAX, SORT_KEY_BYTES_MAX};
use moorage_ports::{Item, Key, Page, PortError, Query, ReadTable, SortRange};

use super::item::{self, Attributes, PARTITION, SORT};
use super::limits::{check_count, check_distinct};
use super::tries::Tries;
use super::{Table, note_reads};
use crate::error::{corrupt, misuse, port_error};

#[async_trait]
impl ReadTable for Table {
    async fn get(&self, key: &Key) -> Result<Option<Item>, PortError> {
        let answer = self
            .client
            .get_item()
            .table_name(&*self.name)
            .set_key(Some(item::key(key)?))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|e| port_error("GetItem", &e))?;
        note_reads(&answer.consumed_capacity);
        answer.item.map(item::decode).transpose()
    }

    async fn batch_get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, PortError> {
        check_count(keys.len(), BATCH_GET_ITEMS_MAX)?;
        check_distinct(keys.iter())?;
        let mut asked = keys.iter().map(item::key).collect::<Result<Vec<_>, _>>()?;
        let mut found = HashMap::new();
        let mut tries = Tries::new(&self.context);
        while !asked.is_empty() {
            let answer = self
                .client
                .batch_get_item()
                .request_items(&*self.name, strong(asked)?)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await
                .map_err(|e| port_error("BatchGetItem", &e))?;
            note_reads(answer.consumed_capacity());
            for attributes in answer.responses.into_iter().flatten().flat_map(|(_, items)| items) {
                let item = item::decode(attributes)?;
                found.insert(item.key.clone(), item);
            }
            // Too many bytes for one answer (16 MB), or too much asked of the table for now.
            asked = answer.unprocessed_keys.into_iter().flatten().flat_map(|(_, rest)| rest.keys).collect();
            if !asked.is_empty() && !tries.again().await {
                let (left, made) = (asked.len(), tries.made());
                return Err(PortError::Throttled(format!(
                    "BatchGetItem: {left} keys were left unprocessed after {made} tries"
                )));
            }
        }
        Ok(keys.iter().map(|key| found.remove(key)).collect())
    }

    async fn query(&self, query: &Query) -> Result<Page<Item>, PortError> {
        self.page(query, |request| request, item::decode, |item| &item.key).await
    }

    async fn query_keys(&self, query: &Query) -> Result<Page<Key>, PortError> {
        let keys_only = |request: QueryFluentBuilder| {
            request
                .projection_expression("#pk, #sk")
                .expression_attribute_names("#pk", PARTITION)
                .expression_attribute_names("#sk", SORT)
        };
        self.page(query, keys_only, |attributes| item::decode_key(&attributes), |key| key).await
    }
}

fn strong(keys: Vec<Attributes>) -> Result<KeysAndAttributes, PortError> {
    let asked = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
    asked.map_err(|e| misuse(e.to_string()))
}

impl Table {
    /// One page, `reduced` to what is asked for.
    async fn page<T>(
        &self,
        query: &Query,
        reduced: impl Fn(QueryFluentBuilder) -> QueryFluentBuilder,
        decode: impl Fn(Attributes) -> Result<T, PortError>,
        key: impl Fn(&T) -> &Key,
    ) -> Result<Page<T>, PortError> {
        if query.limit == 0 {
            return Err(misuse("a query for no items"));
        }
        let range = &query.range;
        item::check_partition(range.partition())?;
        let Start::At(mut start) = Start::of(range) else {
            return Ok(Page { items: Vec::new(), more: false });
        };
        // One item more than the page has: only that tells a full last page from one that has a successor, as
        // DynamoDB stops at a limit without a look behind it. Its bytes count among those that the read units are
        // reckoned from, rounded up for the page as a whole (4 KiB a unit): mostly nothing, a unit at times.
        let looked_at = i32::try_from(query.limit.saturating_add(1)).unwrap_or(i32::MAX);
        loop {
            let request = reduced(self.in_range(range))
                .table_name(&*self.name)
                .set_exclusive_start_key(start)
                .limit(looked_at)
                .consistent_read(true)
                .return_consumed_capacity(ReturnConsumedCapacity::Total);
            let answer = request.send().await.map_err(|e| port_error("Query", &e))?;
            note_reads(&answer.consumed_capacity);
            let mut items = Vec::new();
            for attributes in answer.items.into_iter().flatten() {
                let item = decode(attributes)?;
                if !key(&item).sort().starts_with(range.prefix()) {
                    return Err(corrupt(format!("{:?} was answered for {range:?}", key(&item))));
                }
                if range.after().is_none_or(|after| key(&item).sort() > after) {
                    items.push(item);
                }
            }
            start = answer.last_evaluated_key.filter(|key| !key.is_empty());
            if items.len() > query.limit {
                items.truncate(query.limit);
                return Ok(Page { items, more: true });
            }
            // DynamoDB stopped earlier: at its 1 MB, or where keys were left out here.
            // A page without items that has a successor says nothing: the caller could not go on from it.
            if !items.is_empty() || start.is_none() {
                return Ok(Page { items, more: start.is_some() });
            }
        }
    }

    fn in_range(&self, range: &SortRange) -> QueryFluentBuilder {
        let in_partition = self
            .client
            .query()
            .expression_attribute_names("#pk", PARTITION)
            .expression_attribute_values(":pk", AttributeValue::S(range.partition().to_owned()));
        // Not even a prefix may be empty.
        if range.prefix().is_empty() {
            return in_partition.key_condition_expression("#pk = :pk");
        }
        in_partition
            .key_condition_expression("#pk = :pk AND begins_with(#sk, :prefix)")
            .expression_attribute_names("#sk", SORT)
            .expression_attribute_values(":prefix", AttributeValue::S(range.prefix().to_owned()))
    }
}

/// Where a query begins.
enum Start {
    /// After this key, which need not be there; or at the first of the range.
    At(Option<Attributes>),
    /// No key of the range can come.
    Nowhere,
}

impl Start {
    fn of(range: &SortRange) -> Self {
        match range.after() {
            Some(after) if after.starts_with(range.prefix()) && !after.is_empty() => {
                // What is longer than a key can be may still be asked for (`last=` of a client): the keys
                // that its beginning lets through are looked at again.
                let sort = beginning(after, SORT_KEY_BYTES_MAX);
                Self::At(Some(HashMap::from([
                    (PARTITION.to_owned(), AttributeValue::S(range.partition().to_owned())),
                    (SORT.to_owned(), AttributeValue::S(sort.to_owned())),
                ])))
            }
            Some(after) if after > range.prefix() => Self::Nowhere,
            _ => Self::At(None),
        }
    }
}

/// The longest beginning of a text that has at most so many bytes.
fn beginning(text: &str, bytes_max: usize) -> &str {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_has_whole_characters() {
        for (text, beginning_of_it) in
            [("", ""), ("abc", "abc"), ("abcd", "abc"), ("ab\u{e9}", "ab"), ("\u{1f980}", "")]
        {
            assert_eq!(beginning(text, 3), beginning_of_it);
        }
    }
}
