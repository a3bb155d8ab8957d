//! End to end: the real `hark`, a real nats-server, real telephones. Each test asserts the published result and what
//! the peer saw.

mod answers;
mod behaviours;
mod commands;
mod deadline;
mod drain;
mod early;
mod faults;
mod faulty;
mod jobs;
mod lists;
mod network;
mod overload;
mod phone;
mod refusals;
mod roles;
mod squeeze;
mod torture;
mod trunks;
