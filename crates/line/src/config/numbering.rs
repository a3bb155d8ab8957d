//! How a trunk wants numbers written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How numbers are read and written on one trunk.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Numbering {
    /// The country code, without `+`, in which numbers without `+` are read: `"86"`.
    pub country: Option<String>,
    /// How the number is written before `strip` and `prefix`.
    pub format: NumberFormat,
    /// How many digits to take off the front of the written number. What is left must still be the same number when it
    /// is dialled in `country`, with or without `prefix`; other numbers are refused.
    pub strip: u8,
    /// What to put in front at last: a tech prefix, or the digit for an outside line.
    pub prefix: String,
}

/// How a number is written for the trunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NumberFormat {
    /// `8613800138000`.
    #[default]
    E164,
    /// `+8613800138000`.
    Plus,
    /// As dialled in `country`: `013800138000` inside it, with the digit its plan puts in front (mostly 0); outside
    /// it, its exit code (mostly 00) and the E.164 digits.
    National,
}
