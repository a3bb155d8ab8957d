//! Any bytes as a WAV file.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = hark_sound::wav::decode(Cursor::new(bytes));
});
