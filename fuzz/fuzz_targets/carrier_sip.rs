//! Any bytes as what arrives at the simulated carrier, by datagram and by stream.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| hark_carrier::fuzzing::sip(bytes));
