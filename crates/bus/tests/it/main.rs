//! The promises of the bus, each proven on a real nats-server of its own.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on must fail where it stands"
)]

mod child;
mod claims;
mod connect;
mod dead;
mod events;
mod jobs;
mod lab;
mod outage;
mod presence;
mod pulls;
mod results;
mod setup;
mod sweep;
