//! Any bytes as an SDP answer, and as an offer to be answered.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| hark_line::fuzzing::sdp(bytes));
