//! All of NATS: where jobs wait, who may dial them, and where their results stand.
//!
//! A job goes in by [`Bus::put_job`] and comes out by [`JobSource::pull`] as a [`Delivery`]. Before its INVITE a worker
//! claims the attempt ([`Bus::claim`]): of any number of contenders exactly one gets it, for ever. Its result is
//! published once, for ever ([`Bus::publish_result`]); only then the job is done ([`Delivery::done`]). What is no job
//! goes to the dead letters, byte for byte. Nothing is ever dropped in silence, and nothing here waits without a
//! deadline.
//!
//! | fault | what is left | who mends it |
//! | --- | --- | --- |
//! | worker lost before its claim | the job, redelivered after the ack wait | the next worker dials it |
//! | worker lost after its claim | a claim without a result | the next worker writes `interrupted` |
//! | acknowledgement lost | a result, and the job again | the next worker finds the result and acknowledges |
//! | job published twice | one claim | the second delivery finds the first one's claim |
//! | server killed and restarted | everything acknowledged | the connection comes back by itself |

mod campaigns;
mod child;
mod claim;
mod config;
mod connect;
mod dead;
mod delivery;
mod error;
mod events;
mod follow;
mod headers;
mod jobs;
mod once;
mod poison;
mod presence;
mod pull;
mod results;
mod scheduler;
mod setup;
mod source;
mod state;
mod subjects;
mod sweep;
mod version;
mod wire;

pub use child::{NatsChild, NatsChildError, NatsOptions};
pub use claim::{Claim, Claimed};
pub use config::BusConfig;
pub use connect::Bus;
pub use dead::DeadLetter;
pub use delivery::Delivery;
pub use error::BusError;
pub use events::EventStream;
pub use follow::{From, ResultStream};
pub use jobs::{JobListing, Put};
pub use presence::Presence;
pub use results::Written;
pub use setup::{Mismatch, Setup};
pub use source::JobSource;
pub use state::{Connection, ConnectionWatch};
