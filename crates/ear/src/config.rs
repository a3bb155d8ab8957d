//! What the ear goes by: tone plans and a few times. The defaults are the shipped ear.

use serde::{Deserialize, Serialize};

use crate::tones::TonePlan;

/// The ear's settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EarConfig {
    /// The tones to listen for.
    pub plans: Vec<TonePlan>,
    /// Voice of a first utterance that a person may take, in seconds.
    pub person_voice_s: f32,
    /// The pause after it that makes it a person's, in seconds.
    pub person_pause_s: f32,
    /// Voice without such a pause from which on it is likely a machine, in seconds.
    pub machine_voice_s: f32,
    /// Voice of a longer first utterance that a person may still take, in seconds.
    pub late_voice_s: f32,
    /// The pause after it that makes it a person's, in seconds.
    pub late_pause_s: f32,
    /// Voice that must come before a beep to make it certainly a voicemail's, in seconds.
    pub beep_after_voice_s: f32,
    /// Time after the answer without speech from which on the line is likely dead, in seconds. Carriers send 3 to 8 s
    /// of silence after 200 OK, so less would name live lines dead.
    pub dead_air_s: f32,
}

impl Default for EarConfig {
    fn default() -> Self {
        Self {
            plans: TonePlan::all_shipped(),
            person_voice_s: 1.8,
            person_pause_s: 0.6,
            machine_voice_s: 2.6,
            late_voice_s: 4.0,
            late_pause_s: 1.2,
            beep_after_voice_s: 1.5,
            dead_air_s: 10.0,
        }
    }
}

/// No plan of that name is shipped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no tone plan {name:?}; known are {known}. Leave tone_plan out to listen for all of them")]
pub struct UnknownPlan {
    name: String,
    known: String,
}

impl EarConfig {
    /// The shipped ear, listening for the tones of one plan only.
    ///
    /// # Errors
    /// [`UnknownPlan`] names the plans there are.
    pub fn for_plan(name: &str) -> Result<Self, UnknownPlan> {
        let plan = TonePlan::shipped(name).ok_or_else(|| UnknownPlan {
            name: name.to_owned(),
            known: TonePlan::all_shipped()
                .into_iter()
                .map(|p| p.name)
                .collect::<Vec<_>>()
                .join(", "),
        })?;
        Ok(Self {
            plans: vec![plan],
            ..Self::default()
        })
    }
}
