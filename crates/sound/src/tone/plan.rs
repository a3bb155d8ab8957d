//! What the networks of several countries play, for synthesis. The ear keeps a table of its own: a slip here must not
//! make it deaf in the same place.

use super::{Step, ToneSpec, Tones};

/// What a network tone tells the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Meaning {
    /// It rings.
    Ringback,
    /// The line is in use.
    Busy,
    /// The network has no room (reorder).
    Congestion,
    /// No such number (vacant, unobtainable).
    Vacant,
}

/// One tone of one country: frequencies and cadence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Signal {
    /// Frequencies in Hz, together.
    pub freqs: &'static [f32],
    /// Amplitude modulation in Hz.
    pub am_hz: Option<f32>,
    /// On/off in milliseconds, repeated; empty = continuous.
    pub cadence_ms: &'static [(u32, u32)],
}

impl Signal {
    /// Sounds the signal at a level, for ever.
    #[must_use]
    pub fn play(&self, level_dbm0: f32) -> Tones {
        let tone = ToneSpec {
            freqs: self.freqs.into(),
            am_hz: self.am_hz,
            level_dbm0,
        };
        Tones::cadence(&tone, self.cadence_ms)
    }
}

/// The tones of one country.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// Its ISO 3166 code in lower case.
    pub name: &'static str,
    /// It rings.
    pub ringback: Signal,
    /// The line is in use.
    pub busy: Signal,
    /// The network has no room.
    pub congestion: Signal,
    /// No such number, where the country has a tone for it.
    pub vacant: Option<Signal>,
}

impl Plan {
    /// The signal with a meaning, where the country has it.
    #[must_use]
    pub const fn signal(&self, meaning: Meaning) -> Option<Signal> {
        match meaning {
            Meaning::Ringback => Some(self.ringback),
            Meaning::Busy => Some(self.busy),
            Meaning::Congestion => Some(self.congestion),
            Meaning::Vacant => self.vacant,
        }
    }
}

/// The plan of a country, by its ISO code in lower case.
#[must_use]
pub fn plan(name: &str) -> Option<&'static Plan> {
    PLANS.iter().find(|p| p.name == name)
}

/// A voicemail beep: one pure tone, once. Machines use 400–2000 Hz and 70–1500 ms.
#[must_use]
pub fn beep(hz: f32, ms: u32, level_dbm0: f32) -> Tones {
    Tones::once(vec![Step {
        tone: ToneSpec::new(vec![hz], level_dbm0),
        ms,
    }])
}

/// Special information tone: three tones of given frequencies (Hz) and lengths (ms), once, before an announcement.
#[must_use]
pub fn sit(tones: [(f32, u32); 3], level_dbm0: f32) -> Tones {
    Tones::once(
        tones
            .iter()
            .map(|&(hz, ms)| Step {
                tone: ToneSpec::new(vec![hz], level_dbm0),
                ms,
            })
            .collect(),
    )
}

/// The North American special information tone for a vacant number.
#[must_use]
pub fn sit_vacant(level_dbm0: f32) -> Tones {
    sit([(985.2, 380), (1370.6, 274), (1776.7, 380)], level_dbm0)
}

const fn signal(freqs: &'static [f32], cadence_ms: &'static [(u32, u32)]) -> Signal {
    Signal {
        freqs,
        am_hz: None,
        cadence_ms,
    }
}

const fn am(freqs: &'static [f32], hz: f32, cadence_ms: &'static [(u32, u32)]) -> Signal {
    Signal {
        freqs,
        am_hz: Some(hz),
        cadence_ms,
    }
}

const DOUBLE_RING: &[(u32, u32)] = &[(400, 200), (400, 2000)];

/// Every plan there is.
pub static PLANS: &[Plan] = &[
    Plan {
        name: "cn",
        ringback: signal(&[450.0], &[(1000, 4000)]),
        busy: signal(&[450.0], &[(350, 350)]),
        congestion: signal(&[450.0], &[(700, 700)]),
        vacant: Some(signal(
            &[450.0],
            &[(100, 100), (100, 100), (100, 100), (400, 400)],
        )),
    },
    Plan {
        name: "us",
        ringback: signal(&[440.0, 480.0], &[(2000, 4000)]),
        busy: signal(&[480.0, 620.0], &[(500, 500)]),
        congestion: signal(&[480.0, 620.0], &[(250, 250)]),
        vacant: None,
    },
    Plan {
        name: "gb",
        ringback: signal(&[400.0, 450.0], DOUBLE_RING),
        busy: signal(&[400.0], &[(375, 375)]),
        congestion: signal(&[400.0], &[(400, 350), (225, 525)]),
        vacant: Some(signal(&[400.0], &[])),
    },
    Plan {
        name: "tw",
        ringback: signal(&[440.0, 480.0], &[(1000, 2000)]),
        busy: signal(&[480.0, 620.0], &[(500, 500)]),
        congestion: signal(&[480.0, 620.0], &[(250, 250)]),
        vacant: None,
    },
    Plan {
        name: "jp",
        ringback: am(&[400.0], 16.0, &[(1000, 2000)]),
        busy: signal(&[400.0], &[(500, 500)]),
        congestion: signal(&[400.0], &[(500, 500)]),
        vacant: None,
    },
    Plan {
        name: "de",
        ringback: signal(&[425.0], &[(1000, 4000)]),
        busy: signal(&[425.0], &[(480, 480)]),
        congestion: signal(&[425.0], &[(240, 240)]),
        vacant: None,
    },
    Plan {
        name: "fr",
        ringback: signal(&[440.0], &[(1500, 3500)]),
        busy: signal(&[440.0], &[(500, 500)]),
        congestion: signal(&[440.0], &[(250, 250)]),
        vacant: None,
    },
    Plan {
        name: "it",
        ringback: signal(&[425.0], &[(1000, 4000)]),
        busy: signal(&[425.0], &[(500, 500)]),
        congestion: signal(&[425.0], &[(200, 200)]),
        vacant: None,
    },
    Plan {
        name: "es",
        ringback: signal(&[425.0], &[(1500, 3000)]),
        busy: signal(&[425.0], &[(200, 200)]),
        congestion: signal(&[425.0], &[(200, 200), (200, 200), (200, 600)]),
        vacant: None,
    },
    Plan {
        name: "sg",
        ringback: am(&[425.0], 24.0, DOUBLE_RING),
        busy: signal(&[425.0], &[(750, 750)]),
        congestion: signal(&[425.0], &[(250, 250)]),
        vacant: None,
    },
    Plan {
        name: "au",
        ringback: signal(&[413.0, 438.0], DOUBLE_RING),
        busy: signal(&[425.0], &[(375, 375)]),
        congestion: signal(&[425.0], &[(375, 375)]),
        vacant: None,
    },
    Plan {
        name: "in",
        ringback: am(&[400.0], 25.0, DOUBLE_RING),
        busy: signal(&[400.0], &[(750, 750)]),
        congestion: signal(&[400.0], &[(250, 250)]),
        vacant: None,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_plan_has_a_name_of_its_own_and_sounds() {
        for p in PLANS {
            assert_eq!(plan(p.name), Some(p));
            for meaning in [Meaning::Ringback, Meaning::Busy, Meaning::Congestion] {
                let heard = p
                    .signal(meaning)
                    .expect("every plan has these")
                    .play(-10.0)
                    .take_ms(200);
                assert!(heard.iter().any(|&s| s.abs() > 1000), "{} {meaning:?}", p.name);
            }
        }
        assert_eq!(plan("xx"), None);
    }

    #[test]
    fn a_special_information_tone_lasts_as_long_as_its_three_tones() {
        assert_eq!(sit_vacant(-10.0).count(), (380 + 274 + 380) * 8);
        assert_eq!(beep(1000.0, 300, -10.0).count(), 2400);
    }
}
