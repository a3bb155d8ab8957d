//! Bytes on a job subject: never a panic; what is taken comes back the same after a round trip; an error never repeats
//! the number.
#![no_main]

use hark_outcome::{CampaignId, DialJob};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let campaign = CampaignId::default();
    match DialJob::decode(bytes, &campaign) {
        Ok(job) => {
            let written = serde_json::to_vec(&job).expect("a job can be written");
            assert_eq!(DialJob::decode(&written, &campaign).as_ref(), Ok(&job));
        }
        Err(e) => assert!(!e.to_string().is_empty()),
    }
});
