//! Telephone numbers as a customer writes them, checked once.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A telephone number: an optional `+` and 2–15 digits. Punctuation people write (`-`, `.`, spaces,
/// parentheses) is dropped. With `+` it is E.164; without, it is as dialled in some country, which a trunk knows.
///
/// `Display` writes it whole; logs use [`Number::masked`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number {
    international: bool,
    digits: String,
}

/// Why a text is no telephone number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// No digit at all.
    #[error("the number is empty; write it as +<country><number>, for example +8613800138000")]
    Empty,
    /// A character that belongs to no number. The text itself is not repeated: it may be a person's.
    #[error(
        "the number holds {bad:?} at position {at}; only digits, a leading '+', spaces, '-', '.' and parentheses are allowed"
    )]
    BadChar {
        /// The character.
        bad: char,
        /// Its position, counted in characters from 1.
        at: usize,
    },
    /// Outside 2–15 digits.
    #[error("the number has {digits} digits; a dialable number has 2 to 15")]
    Length {
        /// How many digits there are.
        digits: usize,
    },
}

impl Number {
    /// Parses what a customer wrote.
    ///
    /// # Errors
    /// [`NumberError`]: empty, a foreign character, or a length no network dials.
    pub fn parse(text: &str) -> Result<Self, NumberError> {
        let text = text.trim();
        let mut digits = String::with_capacity(text.len());
        let mut international = false;
        for (at, c) in text.chars().enumerate() {
            match c {
                '0'..='9' => digits.push(c),
                '+' if at == 0 => international = true,
                ' ' | '-' | '.' | '(' | ')' | '\u{a0}' => {}
                bad => return Err(NumberError::BadChar { bad, at: at + 1 }),
            }
        }
        match digits.len() {
            0 => Err(NumberError::Empty),
            2..=15 => Ok(Self {
                international,
                digits,
            }),
            digits => Err(NumberError::Length { digits }),
        }
    }

    /// The digits alone, without `+`.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.digits
    }

    /// Whether it was written with `+`, that is, as E.164.
    #[must_use]
    pub const fn is_international(&self) -> bool {
        self.international
    }

    /// For logs: all but the first two and last two digits hidden.
    #[must_use]
    pub const fn masked(&self) -> MaskedNumber<'_> {
        MaskedNumber(self)
    }

    /// Whether `text` carries this number, or its last seven digits or more, and so must not be published where
    /// numbers may not stand (subjects, logs).
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        let tail = &self.digits[self.digits.len().saturating_sub(7)..];
        let wanted = if self.digits.len() < 7 {
            self.digits.as_str()
        } else {
            tail
        };
        let squeezed: String = text.chars().filter(|c| *c != '-' && *c != '_').collect();
        // A short number ("12") is in nearly every id; only a full-length one says something of a person.
        wanted.len() >= 7 && squeezed.contains(wanted)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.international {
            f.write_str("+")?;
        }
        f.write_str(&self.digits)
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Number({})", self.masked())
    }
}

/// A number with its middle hidden; see [`Number::masked`].
#[derive(Debug, Clone, Copy)]
pub struct MaskedNumber<'a>(&'a Number);

impl fmt::Display for MaskedNumber<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = &self.0.digits;
        if self.0.international {
            f.write_str("+")?;
        }
        let shown = if digits.len() <= 6 { 0 } else { 2 };
        let hidden = digits.len() - 2 * shown;
        write!(
            f,
            "{}{}{}",
            &digits[..shown],
            "*".repeat(hidden),
            &digits[digits.len() - shown..]
        )
    }
}

impl FromStr for Number {
    type Err = NumberError;
    fn from_str(text: &str) -> Result<Self, NumberError> {
        Self::parse(text)
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(d)?).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Number {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Number".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": "optional + and 2 to 15 digits; spaces, '-', '.' and parentheses are dropped" })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn punctuation_is_dropped_and_plus_is_kept() {
        let n = Number::parse(" +86 (138) 0013-8000 ").expect("a number as people write it");
        assert_eq!(n.to_string(), "+8613800138000");
        assert!(n.is_international());
    }

    #[test]
    fn letters_and_inner_plus_are_refused_by_position() {
        assert_eq!(
            Number::parse("1+2"),
            Err(NumberError::BadChar { bad: '+', at: 2 })
        );
        assert_eq!(
            Number::parse("sip:1"),
            Err(NumberError::BadChar { bad: 's', at: 1 })
        );
    }

    #[test]
    fn masked_number_hides_the_middle() {
        let n = Number::parse("+8613800138000").expect("valid");
        assert_eq!(n.masked().to_string(), "+86*********00");
        assert_eq!(format!("{n:?}"), "Number(+86*********00)");
    }

    #[test]
    fn number_is_found_in_an_id_that_carries_it() {
        let n = Number::parse("+8613800138000").expect("valid");
        assert!(n.is_in("job-13800138000"));
        assert!(n.is_in("138-0013-8000"));
        assert!(!n.is_in("order-20261124"));
    }

    proptest! {
        #[test]
        fn parse_never_panics_and_round_trips(text in ".{0,40}") {
            if let Ok(n) = Number::parse(&text) {
                prop_assert_eq!(Number::parse(&n.to_string()), Ok(n));
            }
        }
    }
}
