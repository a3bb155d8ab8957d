//! One call's task: it feeds the machine with what happens, in one order, and does what the machine says.
//!
//! Whatever takes time (reaching a target, a transaction) runs beside it and reports back, so that the call always
//! listens. The task outlives its [`Call`](crate::Call): it ends when the peer knows the end too.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hark_outcome::{MediaStats, Phase};
use tokio::sync::{mpsc, oneshot};

use super::Core;
use super::compose::Identity;
use super::digest::Credentials;
use super::hunt::{Found, Hunt};
use super::read;
use super::registry::{Inbound, Place, Reaction};
use super::transact::InviteHandle;
use super::way::Way;
use crate::call::{Playing, Shared};
use crate::core::{Asked, Event, Limits, Machine, Reply, Tag};
use crate::facts::{Ended, Fact, FactKind, HangUp};
use crate::media::{Codec, MediaEvent, MediaSession};

/// Reports of a call's own side tasks: a few at a time.
const REPORTS: usize = 32;

/// Media events waiting.
pub(super) const MEDIA_EVENTS: usize = 64;

/// What a side task reports.
pub(super) enum Report {
    Hunted(Box<Hunt>, Box<Found>),
    Outcome(Asked, Box<Reply>),
}

/// An INVITE that was sent.
pub(super) struct Sent {
    pub(super) cseq: u32,
    pub(super) branch: String,
    pub(super) way: Way,
    pub(super) identity: Identity,
    pub(super) authorization: Option<(&'static str, String)>,
    pub(super) handle: InviteHandle,
}

/// What a call begins with.
pub(super) struct Start {
    pub(super) core: Arc<Core>,
    pub(super) shared: Arc<Shared>,
    pub(super) hunt: Hunt,
    pub(super) place: Place,
    pub(super) media: MediaSession,
    pub(super) media_events: mpsc::Receiver<MediaEvent>,
    pub(super) call_id: String,
    pub(super) ring: Duration,
    pub(super) talk: Duration,
}

/// One call.
pub(super) struct Driver {
    pub(super) core: Arc<Core>,
    pub(super) shared: Arc<Shared>,
    pub(super) started: Instant,
    pub(super) machine: Machine,
    place: Place,
    pub(super) hunt: Option<Box<Hunt>>,
    /// The channel was to be released while a side task held the hunt.
    pub(super) released: bool,
    pub(super) call_id: String,
    pub(super) tag: Tag,
    pub(super) identity: Option<Identity>,
    pub(super) way: Option<Way>,
    /// The trunk whose INVITE was told of last.
    pub(super) told: Option<hark_outcome::TrunkId>,
    pub(super) sent: Vec<Sent>,
    /// By which way each fork was acknowledged.
    pub(super) fork_ways: HashMap<Tag, Way>,
    pub(super) credentials: Option<Credentials>,
    pub(super) media: Option<MediaSession>,
    /// It knows a peer.
    pub(super) media_connected: bool,
    media_events: mpsc::Receiver<MediaEvent>,
    pub(super) stats: Option<MediaStats>,
    /// What we said last.
    pub(super) sdp: String,
    /// What we offered.
    pub(super) codecs: Vec<Codec>,
    pub(super) session_id: u64,
    pub(super) sdp_version: u64,
    pub(super) phase: Phase,
    waiting_sound: Option<Arc<[i16]>>,
    pub(super) reports: mpsc::Sender<Report>,
    reported: mpsc::Receiver<Report>,
    pub(super) answers: HashMap<u64, oneshot::Sender<Reaction>>,
    next_request: u64,
    told_to_stop: bool,
}

enum Next {
    Inbound(Inbound),
    Report(Report),
    Media(MediaEvent),
    Wish,
    Stop,
    Tick,
}

/// Runs a call to its end.
pub(super) async fn run(start: Start) {
    let core = start.core.clone();
    let live = core.live();
    let (mut driver, first) = Driver::new(start);
    driver.execute(vec![first]).await;
    let mut live = Some(live);
    while !driver.machine.is_over() {
        if driver.machine.is_settled() {
            live = None;
            if core.closing.is_cancelled() {
                break;
            }
        }
        let next = driver.next().await;
        driver.handle(next).await;
    }
    drop(live);
}

impl Driver {
    fn new(start: Start) -> (Self, crate::core::Command) {
        let Start {
            core,
            shared,
            hunt,
            place,
            media,
            media_events,
            call_id,
            ring,
            talk,
        } = start;
        let trunk = hunt.leg.trunk.clone();
        let tag = format!("{:016x}", rand::random::<u64>());
        let limits = Limits {
            setup: trunk.setup_timeout(),
            ring,
            talk,
            credentials: trunk.secret.is_some(),
            session: trunk.config.session_expires_s,
            reliable: trunk.config.reliable_provisional,
        };
        let (machine, first) = Machine::new(trunk.id.clone(), tag.clone(), limits);
        let (reports, reported) = mpsc::channel(REPORTS);
        let driver = Self {
            core,
            shared,
            started: Instant::now(),
            machine,
            place,
            hunt: Some(Box::new(hunt)),
            released: false,
            call_id,
            tag,
            identity: None,
            way: None,
            told: None,
            sent: Vec::new(),
            fork_ways: HashMap::new(),
            credentials: None,
            media: Some(media),
            media_connected: false,
            media_events,
            stats: None,
            sdp: String::new(),
            codecs: trunk.config.codecs.clone(),
            session_id: u64::from(rand::random::<u32>()),
            sdp_version: 1,
            phase: Phase::Early,
            waiting_sound: None,
            reports,
            reported,
            answers: HashMap::new(),
            next_request: 0,
            told_to_stop: false,
        };
        (driver, first)
    }

    async fn next(&mut self) -> Next {
        let deadline = self.machine.deadline();
        let tick = async {
            match deadline {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(inbound) = self.place.inbound.recv() => Next::Inbound(inbound),
            Some(report) = self.reported.recv() => Next::Report(report),
            Some(event) = self.media_events.recv() => Next::Media(event),
            () = self.shared.wished() => Next::Wish,
            () = self.core.closing.cancelled(), if !self.told_to_stop => Next::Stop,
            () = tick => Next::Tick,
        }
    }

    async fn handle(&mut self, next: Next) {
        match next {
            Next::Inbound(Inbound::Reply(response)) => self.on(Event::Reply(read::reply(&response))).await,
            Next::Inbound(Inbound::Request(request, answer)) => {
                self.next_request += 1;
                self.answers.insert(self.next_request, answer);
                let request = read::incoming(&request, self.next_request);
                self.on(Event::Request(request)).await;
                self.answers.clear();
            }
            Next::Inbound(Inbound::Ack(sdp)) => self.on_ack(&sdp),
            Next::Report(Report::Hunted(hunt, found)) => self.on_hunted(hunt, *found).await,
            Next::Report(Report::Outcome(asked, reply)) => self.on(Event::Outcome(asked, *reply)).await,
            Next::Media(event) => self.on_media(event),
            Next::Wish => {
                if let Some(why) = self.shared.wanted_hang_up() {
                    self.on(Event::HangUp(why)).await;
                }
                self.on_playing();
            }
            Next::Stop => {
                self.told_to_stop = true;
                self.on(Event::HangUp(HangUp::Shutdown)).await;
            }
            Next::Tick => self.on(Event::Tick).await,
        }
    }

    /// Feeds the machine, and whatever the doing itself brings up.
    pub(super) async fn on(&mut self, event: Event) {
        let mut event = Some(event);
        while let Some(next) = event.take() {
            let commands = self.machine.on_event(Instant::now(), next);
            event = self.execute(commands).await;
        }
    }

    async fn on_hunted(&mut self, mut hunt: Box<Hunt>, found: Found) {
        if self.released {
            hunt.release();
        }
        let trunk = hunt.leg.trunk.clone();
        let changed = self.identity.is_none() || self.machine_trunk_differs(&trunk.id);
        if changed {
            self.identity = None;
            self.credentials = trunk
                .secret
                .clone()
                .zip(trunk.config.username.clone())
                .map(|(s, u)| Credentials::new(u, s));
            self.machine.moved_to(
                trunk.id.clone(),
                Limits {
                    setup: trunk.setup_timeout(),
                    credentials: trunk.secret.is_some(),
                    session: trunk.config.session_expires_s,
                    reliable: trunk.config.reliable_provisional,
                    ..self.machine.limits().clone()
                },
            );
        }
        let event = match found {
            Found::Way(way) => {
                let domain = self.core.domain(way.ip);
                self.identity = Some(Identity::new(
                    &hunt.leg,
                    self.call_id.clone(),
                    self.tag.clone(),
                    &domain,
                ));
                self.way = Some(*way);
                Event::Connected
            }
            Found::Unreachable(why) => Event::Unreachable(why),
            Found::Exhausted => Event::Exhausted,
        };
        self.hunt = Some(hunt);
        self.on(event).await;
    }

    fn machine_trunk_differs(&self, trunk: &hark_outcome::TrunkId) -> bool {
        self.machine.trunk() != trunk
    }

    fn on_media(&mut self, event: MediaEvent) {
        let what = match event {
            MediaEvent::FirstPacket => FactKind::Media,
            MediaEvent::Played => FactKind::Played,
            MediaEvent::Lost => FactKind::MediaLost,
            MediaEvent::Back => FactKind::MediaBack,
            MediaEvent::Dtmf(key) => FactKind::Note(format!("the callee pressed {key}")),
        };
        self.tell(what);
    }

    fn on_playing(&mut self) {
        match self.shared.take_playing() {
            Some(Playing::Play(sound)) if self.phase == Phase::Answered => {
                if let Some(media) = &self.media {
                    media.play(sound);
                }
            }
            Some(Playing::Play(sound)) => self.waiting_sound = Some(sound),
            Some(Playing::Stop) => {
                self.waiting_sound = None;
                if let Some(media) = &self.media {
                    media.stop_playing();
                }
            }
            None => {}
        }
    }

    pub(super) fn on_answered(&mut self) {
        self.phase = Phase::Answered;
        if let Some(media) = &self.media {
            media.answered();
            if let Some(sound) = self.waiting_sound.take() {
                media.play(sound);
            }
        }
    }

    pub(super) fn tell(&self, what: FactKind) {
        self.shared.tell(Fact {
            at: self.started.elapsed(),
            what,
        });
    }
}

/// A call that never began.
pub(super) fn never(shared: &Shared, trunk: hark_outcome::TrunkId, why: String) {
    shared.tell(Fact {
        at: Duration::ZERO,
        what: FactKind::Ended(Ended::failed(trunk, false, why)),
    });
}
