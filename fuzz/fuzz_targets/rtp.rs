//! Any bytes as an RTP packet in the middle of a session.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| hark_line::fuzzing::rtp(bytes));
