//! Both laws on any bytes: every code decodes, and encoding what was decoded gives the same sound again.
#![no_main]

use hark_sound::g711;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|codes: &[u8]| {
    let mut sound = vec![0; codes.len()];
    let mut again = vec![0; codes.len()];
    let mut same = vec![0; codes.len()];
    assert_eq!(g711::ulaw_decode_slice(codes, &mut sound), codes.len());
    g711::ulaw_encode_slice(&sound, &mut again);
    g711::ulaw_decode_slice(&again, &mut same);
    assert_eq!(sound, same);
    assert_eq!(g711::alaw_decode_slice(codes, &mut sound), codes.len());
    g711::alaw_encode_slice(&sound, &mut again);
    g711::alaw_decode_slice(&again, &mut same);
    assert_eq!(sound, same);
});
