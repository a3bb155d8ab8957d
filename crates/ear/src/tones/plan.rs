//! Tone plans as data: which frequencies and cadences mean what, country by country. A new country is a new value,
//! never new code.

use hark_outcome::Cause;
use serde::{Deserialize, Serialize};

/// The tones one country's networks play.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TonePlan {
    /// ISO 3166 code in lower case: `cn`, `us`.
    pub name: String,
    /// Its tones.
    pub tones: Vec<PlanTone>,
}

/// One tone of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanTone {
    /// What it tells the caller.
    pub meaning: ToneMeaning,
    /// One or two frequencies in Hz.
    pub freqs_hz: Vec<f32>,
    /// How far each may be off, in Hz.
    #[serde(default = "default_tolerance_hz")]
    pub tolerance_hz: f32,
    /// On and off times in milliseconds, repeated.
    pub cadence_ms: Vec<(u32, u32)>,
}

const fn default_tolerance_hz() -> f32 {
    12.0
}

/// What a network tone tells the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToneMeaning {
    /// It rings; decides nothing.
    Ringback,
    /// The line is in use.
    Busy,
    /// The network has no room.
    Congestion,
    /// No such number.
    VacantTone,
}

impl ToneMeaning {
    /// The word in evidence.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ringback => "ringback",
            Self::Busy => "busy",
            Self::Congestion => "congestion",
            Self::VacantTone => "vacant_tone",
        }
    }

    /// The cause it decides.
    #[must_use]
    pub const fn cause(self) -> Option<Cause> {
        match self {
            Self::Ringback => None,
            Self::Busy => Some(Cause::BusyTone),
            Self::Congestion => Some(Cause::Congestion),
            Self::VacantTone => Some(Cause::VacantNumber),
        }
    }

    /// The rule's name in a ruling.
    #[must_use]
    pub const fn rule(self) -> &'static str {
        match self {
            Self::Ringback => "ringing",
            Self::Busy => "tone_busy",
            Self::Congestion => "tone_congestion",
            Self::VacantTone => "tone_vacant",
        }
    }
}

impl TonePlan {
    /// China: everything on 450 Hz ± 25.
    #[must_use]
    pub fn cn() -> Self {
        let tone = |meaning, cadence_ms: &[(u32, u32)]| PlanTone {
            meaning,
            freqs_hz: vec![450.0],
            tolerance_hz: 25.0,
            cadence_ms: cadence_ms.to_vec(),
        };
        Self {
            name: "cn".to_owned(),
            tones: vec![
                tone(ToneMeaning::Ringback, &[(1000, 4000)]),
                tone(ToneMeaning::Busy, &[(350, 350)]),
                tone(ToneMeaning::Congestion, &[(700, 700)]),
                tone(
                    ToneMeaning::VacantTone,
                    &[(100, 100), (100, 100), (100, 100), (400, 400)],
                ),
            ],
        }
    }

    /// The United States and Canada: the precise tone plan of pairs.
    #[must_use]
    pub fn us() -> Self {
        let tone = |meaning, freqs_hz: [f32; 2], on_off: (u32, u32)| PlanTone {
            meaning,
            freqs_hz: freqs_hz.to_vec(),
            tolerance_hz: default_tolerance_hz(),
            cadence_ms: vec![on_off],
        };
        Self {
            name: "us".to_owned(),
            tones: vec![
                tone(ToneMeaning::Ringback, [440.0, 480.0], (2000, 4000)),
                tone(ToneMeaning::Busy, [480.0, 620.0], (500, 500)),
                tone(ToneMeaning::Congestion, [480.0, 620.0], (250, 250)),
            ],
        }
    }

    /// A shipped plan by name.
    #[must_use]
    pub fn shipped(name: &str) -> Option<Self> {
        Self::all_shipped().into_iter().find(|p| p.name == name)
    }

    /// Every shipped plan.
    #[must_use]
    pub fn all_shipped() -> Vec<Self> {
        vec![Self::cn(), Self::us()]
    }
}
