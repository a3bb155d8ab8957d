//! SIPp as a peer: a scenario plays the far end, and its message log is the truth about what Hark sent.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::{Child, Place, Sound, Wire, until};

/// How long SIPp may take to listen, and to let its calls end once told to stop.
const START: Duration = Duration::from_secs(10);
const STOP: Duration = Duration::from_secs(20);

/// A running SIPp that answers calls by one scenario of `tests/sipp`.
#[derive(Debug)]
pub struct Sipp {
    child: Child,
    address: SocketAddr,
    messages: PathBuf,
    errors: PathBuf,
}

impl Sipp {
    /// Over UDP, with a sound for its scenarios that play one.
    ///
    /// # Panics
    /// When SIPp is not installed or does not listen.
    pub async fn start(place: &Place, scenario: &str, sound: Sound) -> Self {
        Self::over(place, scenario, sound, "u1").await
    }

    /// Over TCP.
    ///
    /// # Panics
    /// As [`Sipp::start`].
    pub async fn start_tcp(place: &Place, scenario: &str, sound: Sound) -> Self {
        Self::over(place, scenario, sound, "t1").await
    }

    async fn over(place: &Place, scenario: &str, sound: Sound, transport: &str) -> Self {
        let address = place.port();
        // SIPp takes this port and the one two above it for its sound.
        let media = place.port();
        let _ = (place.port(), place.port(), place.port());
        let folder = place.file(&format!("sipp-{}", address.port()));
        std::fs::create_dir(&folder).expect("the place's folder can be written");
        std::fs::write(folder.join("sound.ul"), sound.ulaw()).expect("the folder can be written");
        let (messages, errors) = (folder.join("messages.log"), folder.join("errors.log"));
        let file = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("sipp")
            .join(format!("{scenario}.xml"));
        assert!(file.is_file(), "there is no scenario {}", file.display());
        let child = Child::start(
            &format!("sipp {scenario}"),
            Path::new("sipp"),
            folder.join("out.log"),
            |c| {
                let ip = address.ip().to_string();
                c.current_dir(&folder)
                    .arg("-sf")
                    .arg(&file)
                    .args(["-i", &ip, "-p", &address.port().to_string()])
                    .args(["-mi", &ip, "-mp", &media.port().to_string()])
                    .args(["-t", transport, "-nostdin", "-trace_msg", "-trace_err"])
                    .arg("-message_file")
                    .arg(&messages)
                    .arg("-error_file")
                    .arg(&errors);
            },
        );
        let peer = Self {
            child,
            address,
            messages,
            errors,
        };
        let table = if transport == "t1" {
            "/proc/net/tcp"
        } else {
            "/proc/net/udp"
        };
        until(
            "SIPp listens (is sip-tester installed? `make setup`)",
            START,
            async || listens(table, address).then_some(()),
        )
        .await;
        peer
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it has seen so far.
    #[must_use]
    pub fn wire(&self) -> Wire {
        Wire::parse(&String::from_utf8_lossy(
            &std::fs::read(&self.messages).unwrap_or_default(),
        ))
    }

    /// Waits until `condition` holds of what it has seen.
    ///
    /// # Panics
    /// When it does not in time.
    pub async fn sees(&self, what: &str, deadline: Duration, condition: impl Fn(&Wire) -> bool) {
        until(&format!("the peer sees {what}"), deadline, async || {
            condition(&self.wire()).then_some(())
        })
        .await;
    }

    /// Lets its calls end, and returns what it saw.
    ///
    /// # Panics
    /// When a call is still up at the deadline, or any message came that the scenario does not allow.
    #[must_use]
    pub async fn finish(mut self) -> Wire {
        self.child.signal("USR1");
        let status = self.child.ended(STOP).await;
        let wire = self.wire();
        assert!(
            status.success(),
            "SIPp is not content ({status}); Hark sent {:?}. SIPp says:\n{}",
            wire.story(),
            std::fs::read_to_string(&self.errors).unwrap_or_default()
        );
        wire
    }
}

/// Whether the kernel lists a socket bound to `address`. Asking the kernel disturbs nobody; trying to bind or to
/// connect would.
fn listens(table: &str, address: SocketAddr) -> bool {
    let IpAddr::V4(ip) = address.ip() else {
        return false;
    };
    let wanted = format!("{:08X}:{:04X}", u32::from_le_bytes(ip.octets()), address.port());
    std::fs::read_to_string(table)
        .unwrap_or_default()
        .lines()
        .any(|line| line.split_whitespace().nth(1) == Some(wanted.as_str()))
}
