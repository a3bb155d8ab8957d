//! The engine: sockets, dedicated threads, and the handle by which signalling steers a session.

use std::net::IpAddr;
use std::sync::Arc;

use hark_outcome::MediaStats;
use tokio::sync::mpsc;

use super::{PortRange, Remote};
use crate::sink::FrameSink;

/// Where and with how many threads media runs.
#[derive(Debug, Clone)]
pub struct MediaConfig {
    /// The address sockets are bound to.
    pub bind: IpAddr,
    /// The ports they may take.
    pub ports: PortRange,
    /// How many threads pace the sessions; at least 1.
    pub threads: usize,
}

/// Why media cannot run.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// The system gave no thread.
    #[error("cannot start a media thread: {0}")]
    Thread(#[source] std::io::Error),
    /// Every pair of ports is in use.
    #[error(
        "every RTP port pair of {ports} on {bind} is taken ({pairs} pairs): widen line.rtp_ports or lower the number of calls"
    )]
    PortsTaken {
        /// The address.
        bind: IpAddr,
        /// The range.
        ports: PortRange,
        /// How many pairs it holds.
        pairs: u16,
    },
    /// The system refused a socket for another reason.
    #[error(
        "cannot open an RTP socket on {bind}:{port}: {source}; check line.bind and the limit on open files (ulimit -n)"
    )]
    Socket {
        /// The address.
        bind: IpAddr,
        /// The port tried.
        port: u16,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Something signalling should know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaEvent {
    /// The first valid RTP packet came.
    FirstPacket,
    /// The sound given to [`MediaSession::play`] was sent to its end.
    Played,
    /// For 5 s nothing came, and nothing excused it.
    Lost,
    /// Sound came again after [`Self::Lost`].
    Back,
    /// The peer pressed a key.
    Dtmf(char),
}

/// How punctual media was over the last 5 s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MediaHealth {
    /// Ticks of all sessions: one session makes 50 a second.
    pub ticks: u64,
    /// Of these, ticks more than 5 ms late.
    pub late: u64,
    /// Sessions open now.
    pub sessions: usize,
}

/// All media of a process.
#[derive(Debug)]
pub struct MediaEngine {}

impl MediaEngine {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(_config: MediaConfig) -> Result<Self, MediaError> {
        Ok(Self {})
    }

    /// Opens a session on a free pair of ports. It drains them and sends nothing until [`MediaSession::connect`].
    ///
    /// # Errors
    /// When no pair of ports is free or the system refuses a socket.
    pub fn open(
        &self,
        _sink: Box<dyn FrameSink>,
        _events: mpsc::Sender<MediaEvent>,
    ) -> Result<MediaSession, MediaError> {
        Ok(MediaSession {})
    }

    /// How punctual the threads were over the last 5 s.
    #[must_use]
    pub fn health(&self) -> MediaHealth {
        MediaHealth::default()
    }
}

/// The sound of one call. Dropping it closes it.
#[derive(Debug)]
pub struct MediaSession {}

impl MediaSession {
    /// The port to put into our SDP.
    #[must_use]
    pub fn rtp_port(&self) -> u16 {
        0
    }

    /// The peer is known: starts sending, silence first, and handing frames to the sink. Again whenever a later SDP
    /// changes anything.
    pub fn connect(&self, _remote: Remote) {}

    /// Frames from here on are of the answered phase.
    pub fn answered(&self) {}

    /// Plays 8 kHz samples, in place of whatever is playing; [`MediaEvent::Played`] tells when they were sent.
    pub fn play(&self, _sound: Arc<[i16]>) {}

    /// Back to silence. No [`MediaEvent::Played`] comes.
    pub fn stop_playing(&self) {}

    /// What became of the sound so far.
    #[must_use]
    pub fn stats(&self) -> MediaStats {
        MediaStats::default()
    }

    /// Says goodbye (RTCP BYE) and closes the ports, within a tick. At most one more frame reaches the sink.
    pub fn close(self) -> MediaStats {
        MediaStats::default()
    }
}
