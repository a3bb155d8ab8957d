//! Which UDP ports media may use, and taking the next free pair of them: an even one for RTP, the odd one after it
//! for RTCP (RFC 3550 §11).
//!
//! The search starts at a random pair and goes round the range, so that a port rests as long as possible before its
//! next call: an earlier peer may still be sending there.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A range of UDP ports, written `20000-29999`, both ends included. Holds at least one even/odd pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortRange {
    first_even: u16,
    pairs: u16,
    low: u16,
    high: u16,
}

/// Why some text is no port range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PortRangeError {
    /// Not two port numbers with a dash between them.
    #[error("{0:?} is not a port range: write it like 20000-29999, both between 1 and 65535")]
    Shape(String),
    /// The first is above the second.
    #[error("port range {low}-{high} runs backwards: the lower port comes first")]
    Backwards {
        /// The first number.
        low: u16,
        /// The second.
        high: u16,
    },
    /// Too small for RTP and RTCP.
    #[error(
        "port range {low}-{high} holds no even port followed by an odd one; RTP and RTCP need such a pair"
    )]
    NoPair {
        /// The first number.
        low: u16,
        /// The second.
        high: u16,
    },
}

impl PortRange {
    /// From two ports, both included.
    ///
    /// # Errors
    /// When the range runs backwards or holds no even/odd pair.
    pub const fn new(low: u16, high: u16) -> Result<Self, PortRangeError> {
        if low > high {
            return Err(PortRangeError::Backwards { low, high });
        }
        // 65535 is odd, so rounding up cannot overflow except there, where no pair is left anyway.
        let first_even = if low.is_multiple_of(2) {
            low
        } else {
            low.saturating_add(1)
        };
        if first_even >= high || low == 0 {
            return Err(PortRangeError::NoPair { low, high });
        }
        Ok(Self {
            first_even,
            pairs: (high - first_even).div_ceil(2),
            low,
            high,
        })
    }

    /// The ports on which RTP may stand.
    pub fn even_ports(self) -> impl Iterator<Item = u16> {
        (0..self.pairs).map(move |n| self.first_even + 2 * n)
    }

    /// How many calls it can carry at once.
    #[must_use]
    pub const fn pairs(self) -> u16 {
        self.pairs
    }

    /// The even port of the `index`-th pair, counted round the range.
    #[must_use]
    pub(super) fn even(self, index: u32) -> u16 {
        // Below `pairs`, so below 32768; twice that plus the first even port is at most `high`.
        let within = (index % u32::from(self.pairs)) as u16;
        self.first_even + 2 * within
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.low, self.high)
    }
}

impl FromStr for PortRange {
    type Err = PortRangeError;

    fn from_str(text: &str) -> Result<Self, PortRangeError> {
        let shape = || PortRangeError::Shape(text.to_owned());
        let (low, high) = text.split_once('-').ok_or_else(shape)?;
        let port = |part: &str| {
            part.trim()
                .parse::<u16>()
                .ok()
                .filter(|port| *port != 0)
                .ok_or_else(shape)
        };
        Self::new(port(low)?, port(high)?)
    }
}

impl Serialize for PortRange {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PortRange {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for PortRange {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PortRange".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[0-9]+-[0-9]+$",
            "description": "UDP ports, both ends included, like 20000-29999; each call takes an even one and the next"
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_range_counts_whole_pairs_only() {
        let range: PortRange = "20001-20006".parse().expect("valid");
        assert_eq!(range.pairs(), 2, "20002/3 and 20004/5; 20006 has no partner");
        assert_eq!(
            [range.even(0), range.even(1), range.even(2)],
            [20002, 20004, 20002]
        );
    }

    #[test]
    fn bad_ranges_say_what_is_wrong() {
        let error = |text: &str| text.parse::<PortRange>().expect_err(text).to_string();
        assert!(error("20000").contains("write it like 20000-29999"));
        assert!(error("0-10").contains("between 1 and 65535"));
        assert!(error("1-70000").contains("between 1 and 65535"));
        assert!(error("300-200").contains("runs backwards"));
        assert!(error("201-202").contains("no even port"));
    }

    proptest! {
        #[test]
        fn every_port_handed_out_lies_in_the_range(low in 1u16.., high in 1u16.., index: u32) {
            if let Ok(range) = PortRange::new(low, high) {
                let even = range.even(index);
                prop_assert!(even % 2 == 0 && even >= low && even < high);
                prop_assert_eq!(range.to_string().parse::<PortRange>(), Ok(range));
            }
        }

        #[test]
        fn arbitrary_text_never_panics(text: String) {
            let _ = text.parse::<PortRange>();
        }
    }
}
