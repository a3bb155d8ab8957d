//! A peer that says nothing: a socket that takes every datagram and answers none.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

use crate::{Direction, Message, Place, Wire};

/// The silent peer.
#[derive(Debug)]
pub struct Hole {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Message>>>,
    task: JoinHandle<()>,
}

impl Hole {
    /// Opens it.
    ///
    /// # Panics
    /// When its port cannot be bound.
    pub async fn open(place: &Place) -> Self {
        let address = place.port();
        let socket = UdpSocket::bind(address)
            .await
            .expect("a port of this place's own");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            let mut buffer = vec![0; 65_536];
            while let Ok((len, _)) = socket.recv_from(&mut buffer).await {
                let text = String::from_utf8_lossy(&buffer[..len]).replace('\r', "");
                let first_line = text.lines().next().unwrap_or_default().to_owned();
                let message = Message {
                    direction: Direction::Received,
                    first_line,
                    text,
                };
                into.lock().expect("nobody panics with the lock").push(message);
            }
        });
        Self { address, seen, task }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What fell in.
    ///
    /// # Panics
    /// Never: nobody panics with the lock held.
    #[must_use]
    pub fn wire(&self) -> Wire {
        Wire(self.seen.lock().expect("nobody panics with the lock").clone())
    }

    /// Watches for `time`: whether not one more message came. (That nothing comes can only be watched for.)
    ///
    /// # Panics
    /// Never: nobody panics with the lock held.
    pub async fn hears_nothing_for(&self, time: Duration) -> bool {
        let before = self.wire().0.len();
        tokio::time::sleep(time).await;
        self.wire().0.len() == before
    }
}

impl Drop for Hole {
    fn drop(&mut self) {
        self.task.abort();
    }
}
