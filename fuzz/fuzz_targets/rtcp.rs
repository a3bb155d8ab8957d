//! Any bytes as a compound RTCP packet.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| hark_line::fuzzing::rtcp(bytes));
