//! The part of `hark` that others may want: its configuration file.

pub mod config;
