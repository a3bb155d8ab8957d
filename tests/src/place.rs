//! Where a test lives: a folder, and a loopback address that no other test has.
//!
//! Tests run beside each other, each runner in its own way: nextest gives every test a process, cargo's own runner a
//! thread. So the address comes from the process id (22 bits fit into 127.64.0.0/10) and ports from a counter in
//! the process. Nothing is probed, so nothing races.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};

use tempfile::TempDir;

/// Ports that one place may use, from its base up.
const PORTS: u16 = 400;
const FIRST_PORT: u16 = 10_000;
/// The RTP ports of the worker, above those handed out one by one.
const RTP_FROM: u16 = 100;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// A folder and an address.
#[derive(Debug)]
pub struct Place {
    folder: TempDir,
    address: IpAddr,
    base: u16,
    used: AtomicU16,
}

impl Place {
    /// A new one.
    ///
    /// # Panics
    /// When the temporary folder cannot be made.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "each call makes a different one")]
    pub fn new() -> Self {
        let [_, high, mid, low] = std::process::id().to_be_bytes();
        let nth = NEXT.fetch_add(1, Ordering::Relaxed) % 100;
        Self {
            folder: tempfile::Builder::new()
                .prefix("hark-test-")
                .tempdir()
                .expect("a temporary folder"),
            address: Ipv4Addr::new(127, 64 + (high & 63), mid, low).into(),
            base: FIRST_PORT + nth * PORTS,
            used: AtomicU16::new(0),
        }
    }

    /// The folder; it goes when the place goes, unless HARK_TEST_KEEP is set.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A file in it.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// The address that is this place's alone.
    #[must_use]
    pub const fn address(&self) -> IpAddr {
        self.address
    }

    /// A port that nobody else was given.
    #[must_use]
    pub fn port(&self) -> SocketAddr {
        let nth = self.used.fetch_add(1, Ordering::Relaxed);
        assert!(nth < RTP_FROM, "a place has {RTP_FROM} single ports");
        SocketAddr::new(self.address, self.base + nth)
    }

    /// The `n`th range of 100 ports for RTP (0, 1 or 2), as a configuration writes it.
    #[must_use]
    pub fn rtp_ports(&self, n: u16) -> String {
        let from = self.base + RTP_FROM + n * 100;
        format!("{from}-{}", from + 99)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if std::env::var_os("HARK_TEST_KEEP").is_some() {
            self.folder.disable_cleanup(true);
            eprintln!("kept: {}", self.folder().display());
        }
    }
}
