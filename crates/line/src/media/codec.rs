//! The two codecs every telephone network speaks: G.711 µ-law and A-law.

use std::fmt;
use std::str::FromStr;

use hark_sound::g711;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A codec a trunk may use, by its name in SDP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Codec {
    /// G.711 µ-law, payload type 0.
    #[serde(rename = "PCMU")]
    Pcmu,
    /// G.711 A-law, payload type 8.
    #[serde(rename = "PCMA")]
    Pcma,
}

/// A codec name nobody here speaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown codec {0:?}: use PCMU or PCMA")]
pub struct UnknownCodec(String);

impl Codec {
    /// Both, in the order offered unless configured otherwise.
    pub const ALL: [Self; 2] = [Self::Pcmu, Self::Pcma];

    /// Its encoding name in SDP.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
        }
    }

    /// Its static payload type, RFC 3551.
    #[must_use]
    pub const fn payload_type(self) -> u8 {
        match self {
            Self::Pcmu => 0,
            Self::Pcma => 8,
        }
    }

    /// The code for silence.
    #[must_use]
    pub const fn silence(self) -> u8 {
        match self {
            Self::Pcmu => 0xFF,
            Self::Pcma => 0xD5,
        }
    }

    /// Decodes as many codes as both slices hold; returns how many.
    pub fn decode(self, codes: &[u8], out: &mut [i16]) -> usize {
        match self {
            Self::Pcmu => g711::ulaw_decode_slice(codes, out),
            Self::Pcma => g711::alaw_decode_slice(codes, out),
        }
    }

    /// Encodes as many samples as both slices hold; returns how many.
    pub fn encode(self, samples: &[i16], out: &mut [u8]) -> usize {
        match self {
            Self::Pcmu => g711::ulaw_encode_slice(samples, out),
            Self::Pcma => g711::alaw_encode_slice(samples, out),
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Names are compared as SDP does: whatever their case.
impl FromStr for Codec {
    type Err = UnknownCodec;

    fn from_str(name: &str) -> Result<Self, UnknownCodec> {
        Self::ALL
            .into_iter()
            .find(|codec| codec.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| UnknownCodec(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_decodes_to_next_to_nothing() {
        for codec in Codec::ALL {
            let mut out = [i16::MAX];
            codec.decode(&[codec.silence()], &mut out);
            assert!(out[0].abs() <= 8, "{codec}: {}", out[0]);
        }
    }

    #[test]
    fn names_are_read_whatever_their_case() {
        assert_eq!("pcma".parse(), Ok(Codec::Pcma));
        assert_eq!(serde_json::to_string(&Codec::Pcmu).expect("plain"), "\"PCMU\"");
        let refused = "G729".parse::<Codec>().expect_err("not spoken here");
        assert_eq!(refused.to_string(), "unknown codec \"G729\": use PCMU or PCMA");
    }
}
