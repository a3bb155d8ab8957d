//! The version of the words, and their JSON Schemas.

use schemars::{JsonSchema, Schema, schema_for};
use serde::{Deserialize, Serialize};

use crate::{CallEvent, CallResult, DialJob};

/// The version this build writes. It rises only when an old reader would misread a new message; adding a field
/// does not raise it.
pub const SCHEMA_VERSION: u32 = 1;

/// The version a message says it is of; 1 when it says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct SchemaVersion(u32);

impl Default for SchemaVersion {
    fn default() -> Self {
        Self(SCHEMA_VERSION)
    }
}

impl SchemaVersion {
    /// Whether this build may read it; otherwise (found, known).
    pub(crate) const fn check(self) -> Result<(), (u32, u32)> {
        if self.0 <= SCHEMA_VERSION {
            Ok(())
        } else {
            Err((self.0, SCHEMA_VERSION))
        }
    }
}

/// The JSON Schemas of every message that crosses NATS, by name.
#[must_use]
pub fn schemas() -> Vec<(&'static str, Schema)> {
    vec![
        ("dial-job", schema_for!(DialJob)),
        ("call-result", schema_for!(CallResult)),
        ("call-event", schema_for!(CallEvent)),
    ]
}
