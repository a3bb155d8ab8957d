//! One file per role.

pub mod call;
pub mod carrier;
pub mod classify;
pub mod doctor;
pub mod jobs;
pub mod results;
pub mod schema;
pub mod up;
pub mod worker;
