//! A telephone network in a box: a SIP server that plays any person, machine, tone or announcement, and tells
//! afterwards what it saw. For demonstrations, tests and load.
//!
//! It shares the arithmetic of sound with the product and nothing of its telephone or ear: SIP, SDP and RTP here are
//! its own from the first byte, so that a fault of ours cannot hide in a shared mistake.
//!
//! A number dialled picks a [`Behaviour`] (`mix`), which is written out as steps (`script`), which one state machine
//! per call walks through (`call`), fed by sockets (`net`, `media`). What happened is in the [`Report`].

pub mod behaviour;
mod call;
mod carrier;
mod config;
mod dice;
#[cfg(fuzzing)]
pub mod fuzzing;
mod ledger;
mod media;
mod mix;
mod net;
pub mod prompts;
mod report;
mod script;
mod sip;
mod switch;

pub use behaviour::{Behaviour, Fault};
pub use carrier::{Carrier, CarrierError};
pub use config::{
    CarrierConfig, Codec, DigestConfig, Impairment, Language, NumberRule, PortRange, TlsConfig, Weighted,
};
pub use mix::realistic_mix;
pub use report::{CallSeen, Dialogs, FaultSeen, PeerFault, Report, Side};
