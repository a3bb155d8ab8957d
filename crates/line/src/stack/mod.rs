//! Everything that touches sockets and the SIP library.

use std::sync::Arc;
use std::time::Duration;

use crate::call::{Call, CallRequest};
use crate::config::LineConfig;
use crate::error::{LineError, ProbeError, ProbeReport};
use crate::facts::{Ended, EndedBy, Fact, FactKind};
use crate::media::MediaHealth;
use crate::route::{Leg, Reservation};
use crate::trunk::Trunk;

pub(crate) struct Stack {}

impl Stack {
    pub(crate) async fn start(_config: &LineConfig, _trunks: Vec<Arc<Trunk>>) -> Result<Self, LineError> {
        Ok(Self {})
    }
    pub(crate) fn is_closing(&self) -> bool {
        false
    }
    pub(crate) fn dial(&self, reservation: Reservation, _request: CallRequest) -> Call {
        let (call, shared) = Call::new();
        shared.tell(Fact {
            at: Duration::ZERO,
            what: FactKind::Ended(Ended {
                invited: false,
                trunk: reservation.trunk().clone(),
                answered: false,
                answered_for: Duration::ZERO,
                code: None,
                phrase: None,
                reason: None,
                q850: None,
                by: EndedBy::Network("SIP is not wired up yet".into()),
                crossed: false,
                redirected: false,
                ringing_seen: false,
                media: None,
            }),
        });
        call
    }
    pub(crate) fn media_health(&self) -> MediaHealth {
        MediaHealth::default()
    }
    pub(crate) async fn probe(&self, trunk: &Arc<Trunk>) -> Result<ProbeReport, ProbeError> {
        Err(ProbeError::UnknownTrunk(trunk.id.clone()))
    }
    pub(crate) fn preview(&self, _leg: &Leg) -> String {
        String::new()
    }
    pub(crate) async fn shutdown(&self, _deadline: Duration) {}
}
