//! The worker joins everything: pull → gate → claim → place → listen → talk → publish.
//!
//! It is the only room that knows both NATS (through the bus) and the telephone (through the line). What to do on a
//! call ([`conduct`]), whether to take more ([`governor`]) and whether a job may be dialled now ([`gate`]) are pure.

pub mod account;
pub mod conduct;
pub mod config;
pub mod ears;
pub mod gate;
pub mod governor;
pub mod place;
pub mod sounds;
pub mod tones;

mod attempt;
mod claim;
mod live;
mod recover;
mod run;
mod settle;
mod shared;

pub use config::{CampaignConfig, Campaigns, WorkerConfig};
pub use run::{StopSignals, Summary, Worker, WorkerError};
