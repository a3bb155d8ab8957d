//! The laboratory of the end-to-end tests: a real NATS server, the real `hark` program, and telephones nobody here
//! wrote.
//!
//! A test builds a [`Lab`] (its own folder, its own loopback address, its own NATS server), puts a peer into it
//! ([`Sipp`] with a scenario, a [`Phone`] in a network namespace, a [`Hole`] that says nothing), starts a worker
//! against it, publishes a job as any customer would, and then compares two stories: the result that was published,
//! and what the peer saw. Nothing here shares code with what is tested but the words of a result.
//!
//! Everything a lab starts ends with it, and everything that waits has a deadline.

mod child;
mod config;
mod digest;
mod hark;
mod hole;
mod lab;
mod nats;
mod phone;
mod place;
mod sipp;
mod sound;
mod torture;
mod wait;
mod wire;

pub use child::Child;
pub use config::ConfigFile;
pub use digest::digest_is_right;
pub use hark::{Finished, Worker, hark, hark_with};
pub use hole::Hole;
pub use lab::{JobName, Lab, Reads};
pub use nats::{Customer, DeadLetter, NatsServer};
pub use phone::{Phone, may_make_namespaces};
pub use place::Place;
pub use sipp::Sipp;
pub use sound::Sound;
pub use torture::{Torture, torture};
pub use wait::until;
pub use wire::{Direction, Message, Wire};
