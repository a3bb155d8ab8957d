//! What a trunk may dial, as the beginning of a number.

use std::fmt;
use std::str::FromStr;

use hark_outcome::Number;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The beginning of the numbers a trunk may dial: `+86`, `+1415`. Plain digits, `138`, open only numbers whose country
/// nobody knows: written without `+`, on a trunk without `numbering.country`; beside a country they are refused. There
/// is no "anything": a trunk that may dial the whole world would be a gift to a thief.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix {
    international: bool,
    digits: String,
}

/// Why a text is no prefix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrefixError {
    /// `*`, `+` or nothing: it would allow every number.
    #[error("{0:?} would allow every number; name the countries or areas, for example \"+86\"")]
    Everything(String),
    /// Something that is no digit.
    #[error("prefix {0:?} is not a '+' and digits, for example \"+86\"")]
    NoDigits(String),
}

impl Prefix {
    /// Whether a number begins so. `international` is the number's E.164 digits where they are known.
    pub(crate) fn allows(&self, number: &Number, international: Option<&str>) -> bool {
        match international {
            Some(digits) => self.international && digits.starts_with(&self.digits),
            None => {
                !self.international && !number.is_international() && number.digits().starts_with(&self.digits)
            }
        }
    }

    /// Whether it is plain digits.
    pub(crate) const fn is_plain(&self) -> bool {
        !self.international
    }
}

impl FromStr for Prefix {
    type Err = PrefixError;
    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let text = text.trim();
        let digits = text.strip_prefix('+').unwrap_or(text);
        if digits.is_empty() || text == "*" {
            return Err(PrefixError::Everything(text.to_owned()));
        }
        if digits.len() > 15 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(PrefixError::NoDigits(text.to_owned()));
        }
        Ok(Self {
            international: text.starts_with('+'),
            digits: digits.to_owned(),
        })
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.international { "+" } else { "" }, self.digits)
    }
}

impl Serialize for Prefix {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Prefix {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Prefix {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Prefix".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^\\+?[0-9]{1,15}$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_means_everything() {
        for text in ["*", "+", "", " "] {
            assert!(
                matches!(text.parse::<Prefix>(), Err(PrefixError::Everything(_))),
                "{text:?}"
            );
        }
        for text in ["+86*", "sip", "+86 138", "++86"] {
            assert!(
                matches!(text.parse::<Prefix>(), Err(PrefixError::NoDigits(_))),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_country_opens_its_own_numbers_only() {
        let china: Prefix = "+86".parse().expect("a country");
        assert!(china.allows(&number("13800138000"), Some("8613800138000")));
        assert!(
            !china.allows(&number("8613800138000"), None),
            "without a country nobody knows that it is China"
        );
        assert!(!china.allows(&number("+14155550100"), Some("14155550100")));
    }

    #[test]
    fn plain_digits_open_no_number_whose_country_is_known() {
        let mobile: Prefix = "138".parse().expect("plain digits");
        assert!(mobile.allows(&number("13800138000"), None));
        assert!(!mobile.allows(&number("+13845551234"), Some("13845551234")));
        assert!(!mobile.allows(&number("13800138000"), Some("8613800138000")));
    }

    fn number(text: &str) -> Number {
        Number::parse(text).expect("a number")
    }
}
