//! The JSON Schema of a definition's configs, made ready once and kept with the definition.

use std::sync::{Arc, OnceLock};

use jsonschema::Validator;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::bounds;

/// A schema as a definition's file has it. Clones share what was made of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "Value", into = "Value")]
pub struct ConfigSchema {
    written: Value,
    /// `None` where the schema is not of the bounded kind.
    ready: Arc<OnceLock<Option<Ready>>>,
}

/// A schema that contents can be held against.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) validator: Validator,
    /// How often one value of a content can be looked at, at most; at least 1.
    pub(crate) weight: u64,
}

impl ConfigSchema {
    pub(crate) fn written(&self) -> &Value {
        &self.written
    }

    /// `None` where it is not of the bounded kind: checked when the definition was made, and looked at again since that
    /// may have come from anywhere.
    pub(crate) fn ready(&self) -> Option<&Ready> {
        let make = || {
            let weight = bounds::expand(&self.written).ok()?.weight;
            Some(Ready { validator: bounds::compile(&self.written).ok()?, weight })
        };
        self.ready.get_or_init(make).as_ref()
    }
}

impl From<Value> for ConfigSchema {
    fn from(written: Value) -> Self {
        Self { written, ready: Arc::default() }
    }
}

impl From<ConfigSchema> for Value {
    fn from(schema: ConfigSchema) -> Self {
        schema.written
    }
}

impl PartialEq for ConfigSchema {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}
