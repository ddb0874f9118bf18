//! What requests cost by the list: `infra/prices.json` is the one place that has prices.

use std::sync::LazyLock;

use serde::Deserialize;

/// USD per million; nanodollars apiece are a thousand times as much.
#[derive(Deserialize)]
pub struct Prices {
    pub dynamodb: DynamoDb,
    pub s3: S3,
    pub eventbridge: EventBridge,
    pub lambda: Lambda,
    pub http_api: HttpApi,
}

#[derive(Deserialize)]
pub struct DynamoDb {
    pub read_unit: f64,
    pub write_unit: f64,
}

#[derive(Deserialize)]
pub struct S3 {
    pub put_copy_post_list: f64,
    pub get_and_others: f64,
    pub delete_and_abort: f64,
}

/// An event of up to 64 KB; ours have far less.
#[derive(Deserialize)]
pub struct EventBridge {
    pub event: f64,
}

#[derive(Deserialize)]
pub struct Lambda {
    pub request: f64,
    pub gb_second: f64,
}

#[derive(Deserialize)]
pub struct HttpApi {
    pub request: f64,
}

const NANO_USD_IN_USD_PER_MILLION: f64 = 1000.0;

/// The list that was built in.
pub fn prices() -> &'static Prices {
    static PRICES: LazyLock<Prices> = LazyLock::new(|| {
        serde_json::from_str(include_str!("../../../infra/prices.json")).expect("a test reads the list")
    });
    &PRICES
}

/// Nanodollars (10⁻⁹ USD) of one request, whatever came of it: S3 bills by the request. DynamoDB's cost
/// nothing by themselves; it bills units ([`of_units`]).
pub(crate) fn of_request(operation: &str) -> f64 {
    let s3 = &prices().s3;
    let per_million = match operation.strip_prefix("s3:") {
        None => 0.0,
        Some("DeleteObject" | "DeleteObjects" | "AbortMultipartUpload" | "DeleteBucket") => {
            s3.delete_and_abort
        }
        Some("GetObject" | "HeadObject" | "HeadBucket") => s3.get_and_others,
        // PUT, COPY, POST and LIST: all the others that we make.
        Some(_) => s3.put_copy_post_list,
    };
    per_million * NANO_USD_IN_USD_PER_MILLION
}

/// Nanodollars of so many units of the table.
pub(crate) fn of_units(read: f64, write: f64) -> f64 {
    let table = &prices().dynamodb;
    (read * table.read_unit + write * table.write_unit) * NANO_USD_IN_USD_PER_MILLION
}

/// Nanodollars of so many events that a bus took.
pub(crate) fn of_events(events: usize) -> f64 {
    let events = u32::try_from(events).unwrap_or(u32::MAX);
    f64::from(events) * prices().eventbridge.event * NANO_USD_IN_USD_PER_MILLION
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_costs_what_the_list_says() {
        assert_eq!(of_request("s3:PutObject"), 5000.0);
        assert_eq!(of_request("s3:UploadPartCopy"), 5000.0);
        assert_eq!(of_request("s3:ListObjectsV2"), 5000.0);
        assert_eq!(of_request("s3:GetObject"), 400.0);
        assert_eq!(of_request("s3:AbortMultipartUpload"), 0.0);
        assert_eq!(of_request("dynamodb:GetItem"), 0.0);
    }

    #[test]
    fn units_cost_what_the_list_says() {
        // A strong read of up to 4 KB, and a transaction's write of up to 1 KB.
        assert_eq!(of_units(1.0, 0.0), 125.0);
        assert_eq!(of_units(0.0, 2.0), 1250.0);
    }

    #[test]
    fn events_cost_what_the_list_says() {
        assert_eq!((of_events(0), of_events(11)), (0.0, 11_000.0));
    }
}
