//! The telephone: the door of this room.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hark_outcome::{Number, TrunkId};
use tokio::sync::Notify;

use crate::call::{Call, CallRequest};
use crate::config::{LineConfig, TrunkConfig};
use crate::error::{Barred, Full, LineError, ProbeError, ProbeReport};
use crate::gate;
use crate::media::MediaHealth;
use crate::route::{Leg, Reservation, Route};
use crate::stack::Stack;
use crate::trunk::{Trunk, TrunkStatus};

/// The telephone of one process. Cheap to clone; all clones are the same line.
#[derive(Clone)]
pub struct Line {
    inner: Arc<Inner>,
}

struct Inner {
    trunks: BTreeMap<TrunkId, Arc<Trunk>>,
    freed: Arc<Notify>,
    stack: Stack,
}

impl Line {
    /// Checks the configuration, reads the passwords and opens the sockets. Trunks are asked for life in the
    /// background.
    ///
    /// # Errors
    /// The first setting that cannot work, or the port that cannot be had.
    pub async fn start(
        config: LineConfig,
        trunks: BTreeMap<TrunkId, TrunkConfig>,
    ) -> Result<Self, LineError> {
        config.check()?;
        let freed = Arc::new(Notify::new());
        let mut known = BTreeMap::new();
        for (id, trunk) in trunks {
            let trunk = Trunk::new(id.clone(), trunk, freed.clone(), |name| std::env::var(name).ok())?;
            known.insert(id, Arc::new(trunk));
        }
        let stack = Stack::start(&config, known.values().cloned().collect()).await?;
        Ok(Self {
            inner: Arc::new(Inner {
                trunks: known,
                freed,
                stack,
            }),
        })
    }

    /// Which trunks may dial a number: the gate. `wanted` is in order; empty is every trunk, by name. Pure.
    ///
    /// # Errors
    /// Why no wanted trunk may dial it.
    pub fn route(
        &self,
        to: &Number,
        wanted: &[TrunkId],
        caller_id: Option<&Number>,
    ) -> Result<Route, Barred> {
        let all: Vec<TrunkId>;
        let wanted = if wanted.is_empty() {
            all = self.inner.trunks.keys().cloned().collect();
            &all
        } else {
            wanted
        };
        let mut legs = Vec::new();
        let mut first = None;
        for id in wanted {
            let trunk = self.trunk(id).ok_or_else(|| self.unknown(id))?;
            match gate::pass(id, &trunk.config, to, caller_id) {
                Ok(passed) => legs.push(Leg {
                    trunk: trunk.clone(),
                    passed,
                }),
                // No trunk may be found that lets it through after all.
                Err(barred @ (Barred::Emergency | Barred::Premium { .. })) => return Err(barred),
                Err(barred) => {
                    first.get_or_insert(barred);
                }
            }
        }
        if legs.is_empty() {
            return Err(first.unwrap_or(Barred::NoTrunk));
        }
        Ok(Route { to: to.clone(), legs })
    }

    /// Takes a channel on the first healthy trunk of the route that has one.
    ///
    /// # Errors
    /// Which limit of the first trunk stands in the way.
    pub fn reserve(&self, route: &Route) -> Result<Reservation, Full> {
        if self.inner.stack.is_closing() {
            return Err(Full::ShuttingDown);
        }
        let mut first = None;
        for (leg, Leg { trunk, .. }) in route.legs.iter().enumerate() {
            match trunk.reserve() {
                Ok(hold) => {
                    return Ok(Reservation {
                        route: route.clone(),
                        leg,
                        hold,
                    });
                }
                Err(full) => {
                    first.get_or_insert(full);
                }
            }
        }
        Err(first.unwrap_or(Full::ShuttingDown))
    }

    /// Waits for the trunk's next slot of its calls per second.
    ///
    /// # Errors
    /// At once, when the next free slot lies beyond `deadline`. No slot is taken then.
    pub async fn pace(&self, reservation: &Reservation, deadline: Duration) -> Result<(), Full> {
        let trunk = &reservation.hold.trunk;
        let slot = trunk.slot(Instant::now(), deadline).map_err(|wait| Full::Pace {
            trunk: trunk.id.clone(),
            wait,
        })?;
        tokio::time::sleep_until(slot.into()).await;
        Ok(())
    }

    /// Dials: the point of no return. The call lives in its own task.
    #[must_use = "dropping the call hangs it up"]
    pub fn dial(&self, reservation: Reservation, request: CallRequest) -> Call {
        self.inner.stack.dial(reservation, request)
    }

    /// Calls that may start within `horizon`, over all trunks: channels, ceilings and paces considered. A caller that
    /// takes on no more than this many has nobody waiting in [`Line::pace`].
    #[must_use]
    pub fn ready_starts(&self, horizon: Duration) -> usize {
        let now = Instant::now();
        self.inner
            .trunks
            .values()
            .map(|t| t.ready_starts(now, horizon))
            .sum()
    }

    /// Free channels over all healthy trunks.
    #[must_use]
    pub fn free_channels(&self) -> usize {
        self.inner.trunks.values().map(|t| t.free_channels()).sum()
    }

    /// Waits until a channel is returned, or a trunk comes back to life. A return between two waits is not lost.
    pub async fn channel_freed(&self) {
        self.inner.freed.notified().await;
    }

    /// How punctual the media threads were over the last 5 s.
    #[must_use]
    pub fn media_health(&self) -> MediaHealth {
        self.inner.stack.media_health()
    }

    /// How the trunks stand, by name.
    #[must_use]
    pub fn trunks(&self) -> Vec<TrunkStatus> {
        self.inner.trunks.values().map(|t| t.status()).collect()
    }

    /// Sends one OPTIONS to a trunk.
    ///
    /// # Errors
    /// What stands between us and an answer.
    pub async fn probe(&self, trunk: &TrunkId) -> Result<ProbeReport, ProbeError> {
        let trunk = self
            .trunk(trunk)
            .ok_or_else(|| ProbeError::UnknownTrunk(trunk.clone()))?;
        self.inner.stack.probe(trunk).await
    }

    /// The INVITE a trunk would be sent, as text, without credentials.
    ///
    /// # Errors
    /// Why it would not be sent.
    pub fn preview_invite(&self, trunk: &TrunkId, to: &Number) -> Result<String, Barred> {
        let known = self.trunk(trunk).ok_or_else(|| self.unknown(trunk))?;
        let passed = gate::pass(trunk, &known.config, to, None)?;
        Ok(self.inner.stack.preview(&Leg {
            trunk: known.clone(),
            passed,
        }))
    }

    /// Hangs up every call and closes. Calls get until `deadline` to say goodbye.
    pub async fn shutdown(&self, deadline: Duration) {
        self.inner.stack.shutdown(deadline).await;
    }

    fn trunk(&self, id: &TrunkId) -> Option<&Arc<Trunk>> {
        self.inner.trunks.get(id)
    }

    fn unknown(&self, id: &TrunkId) -> Barred {
        let known: Vec<_> = self.inner.trunks.keys().map(TrunkId::as_str).collect();
        match known.as_slice() {
            [] => Barred::NoTrunk,
            known => Barred::UnknownTrunk {
                trunk: id.clone(),
                known: known.join(", "),
            },
        }
    }
}
