//! A trunk at run time: its channels, its pace, its day, its health. Each limit is a small pure part with time as an
//! argument; this file puts them behind one door.

mod channels;
mod day;
mod health;
mod pace;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use hark_outcome::TrunkId;
use tokio::sync::Notify;

pub(crate) use self::channels::Permit;
pub(crate) use self::health::Sign;
use self::{channels::Channels, day::Day, health::Health, pace::Pace};
use crate::config::{ConfigError, Secret, Transport, TrunkConfig, read_secret};
use crate::error::Full;

/// How a trunk stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrunkStatus {
    /// Its name.
    pub id: TrunkId,
    /// Its address, as configured.
    pub address: String,
    /// How SIP travels.
    pub transport: Transport,
    /// Whether it may be given calls.
    pub healthy: bool,
    /// What was seen last, in words; `None` before the first OPTIONS.
    pub last_seen: Option<String>,
    /// Channels in use.
    pub channels_used: u32,
    /// Channels in all.
    pub channels_max: u32,
    /// Calls counted on the present UTC day.
    pub calls_today: u64,
    /// Calls allowed on it.
    pub daily_ceiling: u64,
    /// Whether the far end is a simulation.
    pub simulated: bool,
    /// Which tones its country plays.
    pub tone_plan: Option<String>,
}

/// One trunk.
#[derive(Debug)]
pub(crate) struct Trunk {
    pub(crate) id: TrunkId,
    pub(crate) config: TrunkConfig,
    pub(crate) secret: Option<Secret>,
    channels: Arc<Channels>,
    limits: Mutex<Limits>,
}

#[derive(Debug)]
struct Limits {
    pace: Pace,
    day: Day,
    health: Health,
}

impl Trunk {
    pub(crate) fn new(
        id: TrunkId,
        config: TrunkConfig,
        freed: Arc<Notify>,
        env: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        config.check(id.as_str())?;
        let secret = read_secret(id.as_str(), &config, env)?;
        Ok(Self {
            secret,
            channels: Arc::new(Channels::new(config.max_channels, freed)),
            limits: Mutex::new(Limits {
                pace: Pace::new(config.max_calls_per_second),
                day: Day::new(config.daily_ceiling),
                health: Health::new(config.options_interval_s > 0),
            }),
            config,
            id,
        })
    }

    /// Takes a channel and one of the day's calls.
    pub(crate) fn reserve(self: &Arc<Self>) -> Result<Hold, Full> {
        self.reserve_at(SystemTime::now())
    }

    fn reserve_at(self: &Arc<Self>, now: SystemTime) -> Result<Hold, Full> {
        let mut limits = self.limits();
        if let Some(why) = limits.health.trouble() {
            return Err(Full::Unhealthy {
                trunk: self.id.clone(),
                why: why.to_owned(),
            });
        }
        let permit = Channels::take(&self.channels).ok_or_else(|| Full::Channels {
            trunk: self.id.clone(),
            limit: self.config.max_channels,
        })?;
        if !limits.day.take(now) {
            return Err(Full::DailyCeiling {
                trunk: self.id.clone(),
                limit: self.config.daily_ceiling,
            });
        }
        drop(limits);
        Ok(Hold {
            trunk: self.clone(),
            permit: Some(permit),
            at: now,
        })
    }

    /// When the next call may start; the slot is taken. `Err` is how long it would be, where that is too long.
    pub(crate) fn slot(&self, now: Instant, patience: Duration) -> Result<Instant, Duration> {
        self.limits().pace.slot(now, patience)
    }

    /// Something was seen of the trunk. Returns whether it became healthy or unhealthy by it.
    pub(crate) fn saw(&self, sign: Sign) -> Option<bool> {
        let change = self.limits().health.saw(sign);
        if change == Some(true) {
            self.channels.announce();
        }
        change
    }

    /// Calls it could take now: free channels, as far as the day's ceiling allows.
    pub(crate) fn free_channels(&self) -> usize {
        self.free_channels_at(SystemTime::now())
    }

    fn free_channels_at(&self, now: SystemTime) -> usize {
        let mut limits = self.limits();
        if limits.health.trouble().is_some() {
            return 0;
        }
        let left = self.config.daily_ceiling.saturating_sub(limits.day.used(now));
        usize::try_from(left)
            .unwrap_or(usize::MAX)
            .min(self.channels.free() as usize)
    }

    /// Of those, how many may start within `horizon` at its pace.
    pub(crate) fn ready_starts(&self, now: Instant, horizon: Duration) -> usize {
        self.free_channels().min(self.limits().pace.within(now, horizon))
    }

    pub(crate) fn setup_timeout(&self) -> Duration {
        Duration::from_secs_f64(self.config.setup_timeout_s)
    }

    pub(crate) fn status(&self) -> TrunkStatus {
        let mut limits = self.limits();
        TrunkStatus {
            id: self.id.clone(),
            address: self.config.address.clone(),
            transport: self.config.transport,
            healthy: limits.health.trouble().is_none(),
            last_seen: limits.health.last_seen().map(str::to_owned),
            channels_used: self.channels.used(),
            channels_max: self.config.max_channels,
            calls_today: limits.day.used(SystemTime::now()),
            daily_ceiling: self.config.daily_ceiling,
            simulated: self.config.simulated,
            tone_plan: self.config.tone_plan.clone(),
        }
    }

    fn limits(&self) -> MutexGuard<'_, Limits> {
        self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A channel and one of the day's calls. Dropped before the INVITE, it gives both back; after it, the channel only.
#[derive(Debug)]
pub(crate) struct Hold {
    pub(crate) trunk: Arc<Trunk>,
    permit: Option<Permit>,
    at: SystemTime,
}

impl Hold {
    /// The INVITE leaves: the day's call is spent.
    pub(crate) fn spend(mut self) -> Permit {
        self.permit
            .take()
            .expect("taken here only, and this takes the hold itself")
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if self.permit.is_some() {
            self.trunk.limits().day.give_back(self.at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trunk(config: TrunkConfig) -> Arc<Trunk> {
        let id = TrunkId::new("main").expect("valid");
        Arc::new(Trunk::new(id, config, Arc::new(Notify::new()), |_| None).expect("a good configuration"))
    }

    #[test]
    fn channels_come_back_when_a_call_ends() {
        let trunk = trunk(TrunkConfig {
            max_channels: 1,
            ..TrunkConfig::at("h")
        });
        let permit = trunk.reserve().expect("free").spend();
        assert!(matches!(trunk.reserve(), Err(Full::Channels { limit: 1, .. })));
        drop(permit);
        assert!(trunk.reserve().is_ok());
    }

    #[test]
    fn a_reservation_not_used_does_not_count_against_the_day() {
        let trunk = trunk(TrunkConfig {
            daily_ceiling: 1,
            ..TrunkConfig::at("h")
        });
        drop(trunk.reserve().expect("free"));
        drop(trunk.reserve().expect("given back").spend());
        assert!(matches!(
            trunk.reserve(),
            Err(Full::DailyCeiling { limit: 1, .. })
        ));
        assert_eq!(
            trunk.free_channels(),
            0,
            "no job is taken that could only be given back"
        );
        let tomorrow = SystemTime::now() + Duration::from_secs(24 * 3600);
        assert!(trunk.free_channels_at(tomorrow) > 0);
        assert!(trunk.reserve_at(tomorrow).is_ok());
    }

    #[test]
    fn a_silent_trunk_is_given_no_call_until_it_answers() {
        let trunk = trunk(TrunkConfig::at("h"));
        assert!(trunk.reserve().is_ok(), "alive until proven otherwise");
        assert_eq!(
            trunk.saw(Sign::Trouble("no answer".into())),
            None,
            "one loss is no proof"
        );
        assert_eq!(trunk.saw(Sign::Trouble("no answer".into())), Some(false));
        assert!(matches!(trunk.reserve(), Err(Full::Unhealthy { .. })));
        assert_eq!(trunk.free_channels(), 0);
        assert_eq!(trunk.saw(Sign::Alive("200 OK".into())), Some(true));
        assert!(trunk.reserve().is_ok());
    }
}
