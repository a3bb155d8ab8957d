//! Validated names. Each is one NATS subject token, so it can be put into a subject without a second look.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Longest id, in bytes: four of them and a prefix stay well inside NATS's subject limit.
const MAX_LEN: usize = 64;

/// Why a text is no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// No character at all.
    #[error("{kind} is empty; give it 1 to {MAX_LEN} letters, digits, '-' or '_'")]
    Empty {
        /// Which id: "job id", "campaign", …
        kind: &'static str,
    },
    /// Too long for a subject token.
    #[error("{kind} is {len} bytes long; at most {MAX_LEN} are allowed")]
    TooLong {
        /// Which id.
        kind: &'static str,
        /// Its length in bytes.
        len: usize,
    },
    /// A character that NATS would read as part of its subject syntax, or that is no ASCII.
    #[error("{kind} {text:?} holds {bad:?}; only letters, digits, '-' and '_' are allowed")]
    BadChar {
        /// Which id.
        kind: &'static str,
        /// The whole text.
        text: String,
        /// The first character that does not belong.
        bad: char,
    },
}

fn check(kind: &'static str, text: &str) -> Result<(), IdError> {
    if text.is_empty() {
        return Err(IdError::Empty { kind });
    }
    if text.len() > MAX_LEN {
        return Err(IdError::TooLong {
            kind,
            len: text.len(),
        });
    }
    match text
        .chars()
        .find(|c| !c.is_ascii_alphanumeric() && *c != '-' && *c != '_')
    {
        Some(bad) => Err(IdError::BadChar {
            kind,
            text: text.to_owned(),
            bad,
        }),
        None => Ok(()),
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Checks a text: 1–64 ASCII letters, digits, `-`, `_`.
            ///
            /// # Errors
            /// [`IdError`] names the first thing wrong.
            pub fn new(text: impl Into<String>) -> Result<Self, IdError> {
                let text = text.into();
                check($kind, &text)?;
                Ok(Self(text))
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                Self::new(String::deserialize(d)?).map_err(serde::de::Error::custom)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$" })
            }
        }
    };
}

id!(
    /// A job's name, chosen by the producer; the same id in the same campaign is the same job, for ever.
    JobId, "job id"
);
id!(
    /// A campaign's name.
    CampaignId, "campaign"
);
id!(
    /// A worker process's name, unique in the cluster while it lives.
    WorkerId, "worker id"
);
id!(
    /// A trunk's name in the configuration.
    TrunkId, "trunk"
);

impl Default for CampaignId {
    /// `default`: the campaign that always exists.
    fn default() -> Self {
        Self("default".to_owned())
    }
}

/// How urgent a job is inside its campaign. The last token of a job's subject.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Before everything else of its campaign.
    High,
    /// The default.
    #[default]
    Normal,
    /// When nothing else waits.
    Low,
}

impl Priority {
    /// Every priority, most urgent first.
    pub const ALL: [Self; 3] = [Self::High, Self::Normal, Self::Low];

    /// The subject token.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Priority {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|p| p.as_str() == text)
            .ok_or_else(|| format!("priority {text:?} is not known; use high, normal or low"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subject_syntax_never_fits_in_an_id() {
        for bad in ["a.b", "*", ">", "a b", "", "号码", "a\n", "+8613800138000"] {
            assert!(JobId::new(bad).is_err(), "{bad:?} must be refused");
        }
    }

    #[test]
    fn error_names_the_kind_and_the_character() {
        let err = CampaignId::new("spring.sale")
            .expect_err("a dot must be refused")
            .to_string();
        assert!(err.contains("campaign") && err.contains("'.'"), "{err}");
    }
}
