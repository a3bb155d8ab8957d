//! The RTP of one call: what is sent every 20 ms, what came since the last time.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use hark_sound::{FRAME_SAMPLES, g711};

use super::hearing::{Counters, Hearing};
use super::packet::Stream;
use super::source::{Emit, Player, Playlist};
use crate::Codec;
use crate::dice::Dice;

/// A comfort-noise packet every this many frames: 200 ms.
const COMFORT_EVERY: u32 = 10;
/// Noise level of comfort noise, -dBov (RFC 3389 §3).
const COMFORT_LEVEL: u8 = 65;

/// Where the caller wants its RTP, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Remote {
    pub address: SocketAddr,
    pub codec: Codec,
    pub dtmf: Option<u8>,
    /// Whether the caller wants any.
    pub sends: bool,
}

/// One call's RTP.
#[derive(Debug)]
pub(super) struct Session {
    socket: UdpSocket,
    remote: Option<Remote>,
    /// Where packets go: the remote address, or where its packets really come from.
    to: Option<SocketAddr>,
    player: Player,
    stream: Stream,
    hearing: Hearing,
    counters: Arc<Counters>,
    /// Frames of comfort noise in a row.
    comfort: u32,
    /// The next audio packet begins a talk spurt.
    marker: bool,
    turn: u32,
    pub dice: Dice,
}

impl Session {
    pub(super) fn new(socket: UdpSocket, counters: Arc<Counters>, mut dice: Dice) -> Self {
        let stream = Stream {
            ssrc: dice.next() as u32,
            sequence: dice.next() as u16,
            timestamp: dice.next() as u32,
        };
        Self {
            socket,
            remote: None,
            to: None,
            player: Player::new(dice.next()),
            stream,
            hearing: Hearing::default(),
            counters,
            comfort: 0,
            marker: true,
            turn: 0,
            dice,
        }
    }

    pub(super) fn connect(&mut self, remote: Remote) {
        self.to = Some(remote.address);
        self.remote = Some(remote);
    }

    pub(super) fn play(&mut self, list: Playlist) {
        self.player.play(list);
    }

    pub(super) fn answered(&self) {
        self.counters.answered.store(true, Ordering::Relaxed);
    }

    /// Whether nobody holds the call any more.
    pub(super) fn is_orphan(&self) -> bool {
        Arc::strong_count(&self.counters) == 1
    }

    /// The packet of the next 20 ms, if there is one.
    pub(super) fn next_packet(&mut self) -> Option<Vec<u8>> {
        let remote = self.remote?;
        let mut samples = [0i16; FRAME_SAMPLES];
        let emit = self.player.next(&mut samples);
        let packet = match emit {
            Emit::Audio if remote.sends => {
                let mut payload = [0u8; FRAME_SAMPLES];
                let payload_type = match remote.codec {
                    Codec::Pcmu => {
                        g711::ulaw_encode_slice(&samples, &mut payload);
                        0
                    }
                    Codec::Pcma => {
                        g711::alaw_encode_slice(&samples, &mut payload);
                        8
                    }
                };
                let marker = std::mem::replace(&mut self.marker, false);
                Some(self.stream.packet(payload_type, marker, &payload))
            }
            Emit::Comfort if remote.sends && self.comfort.is_multiple_of(COMFORT_EVERY) => {
                self.marker = true;
                Some(self.stream.packet(13, false, &[COMFORT_LEVEL]))
            }
            _ => {
                self.marker = true;
                None
            }
        };
        self.comfort = if emit == Emit::Comfort {
            self.comfort + 1
        } else {
            0
        };
        self.stream.timestamp = self.stream.timestamp.wrapping_add(FRAME_SAMPLES as u32);
        packet
    }

    /// Sends bytes now. A full buffer or a refused port loses them, as a network would.
    pub(super) fn send(&self, packet: &[u8]) {
        if let Some(to) = self.to
            && self.socket.send_to(packet, to).is_ok()
        {
            self.counters.sent.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Takes what came. One packet is due every 20 ms, so usually one look is enough; now and then all is drained.
    pub(super) fn receive(&mut self, buffer: &mut [u8]) {
        self.turn = self.turn.wrapping_add(1);
        let looks = if self.turn.is_multiple_of(8) { 64 } else { 1 };
        for _ in 0..looks {
            let (n, from) = match self.socket.recv_from(buffer) {
                Ok(got) => got,
                // Linux reports an earlier send's "port unreachable" here; the next look may bring a packet.
                Err(e) if e.kind() == std::io::ErrorKind::ConnectionRefused => continue,
                Err(_) => return,
            };
            let dtmf = self.remote.and_then(|r| r.dtmf);
            if self.hearing.take(&buffer[..n], dtmf, &self.counters) && self.to.is_some() {
                self.to = Some(from); // symmetric RTP
            }
        }
    }
}
