//! Bytes on a result or event subject, as readers meet them.
#![no_main]

use hark_outcome::{CallEvent, CallResult};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(result) = serde_json::from_slice::<CallResult>(bytes) {
        let written = serde_json::to_vec(&result).expect("a result can be written");
        serde_json::from_slice::<CallResult>(&written).expect("what we write, we read");
    }
    if let Ok(event) = serde_json::from_slice::<CallEvent>(bytes) {
        let written = serde_json::to_vec(&event).expect("an event can be written");
        serde_json::from_slice::<CallEvent>(&written).expect("what we write, we read");
    }
});
