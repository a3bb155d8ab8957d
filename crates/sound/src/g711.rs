//! G.711: one sample in one byte, by A-law or µ-law, after the reference algorithm of ITU-T G.191.
//!
//! Linear samples are 16-bit: the 13 (A-law) or 14 (µ-law) bits of the Recommendation, left-aligned. Decoding is a
//! table; encoding finds the segment by counting leading zeros, which is as fast and needs no 64 KiB table.

/// The byte that µ-law sends for silence.
pub const ULAW_SILENCE: u8 = 0xFF;

/// The byte that A-law sends for silence. A-law has no zero: it decodes to +8.
pub const ALAW_SILENCE: u8 = 0xD5;

/// One µ-law byte as a linear sample.
#[must_use]
pub const fn ulaw_decode(code: u8) -> i16 {
    ULAW[code as usize]
}

/// One A-law byte as a linear sample.
#[must_use]
pub const fn alaw_decode(code: u8) -> i16 {
    ALAW[code as usize]
}

/// One linear sample in µ-law. Samples beyond the law's range (±32,124) take the outermost code.
#[must_use]
pub const fn ulaw_encode(sample: i16) -> u8 {
    let sign = if sample < 0 { 0 } else { 0x80 };
    let biased = (magnitude(sample) >> 2) + 33;
    let biased = if biased > 0x1FFF { 0x1FFF } else { biased };
    // The bias puts the highest set bit of the magnitude between bit 5 (segment 0) and bit 12 (segment 7).
    let segment = 10 - biased.leading_zeros() as u16;
    let step = (biased >> (segment + 1)) & 0xF;
    sign | (0x7F ^ ((segment << 4) as u8 | step as u8))
}

/// One linear sample in A-law.
#[must_use]
pub const fn alaw_encode(sample: i16) -> u8 {
    let sign = if sample < 0 { 0 } else { 0x80 };
    let value = magnitude(sample) >> 4;
    let code = if value < 16 {
        value
    } else {
        // Highest set bit between bit 4 (segment 1) and bit 10 (segment 7).
        let segment = 12 - value.leading_zeros() as u16;
        segment << 4 | (value >> (segment - 1)) & 0xF
    };
    (sign | code as u8) ^ 0x55
}

/// Decodes µ-law bytes into `out`, as many as both hold; says how many.
pub fn ulaw_decode_slice(codes: &[u8], out: &mut [i16]) -> usize {
    each(codes, out, ulaw_decode)
}

/// Decodes A-law bytes into `out`, as many as both hold; says how many.
pub fn alaw_decode_slice(codes: &[u8], out: &mut [i16]) -> usize {
    each(codes, out, alaw_decode)
}

/// Encodes samples in µ-law into `out`, as many as both hold; says how many.
pub fn ulaw_encode_slice(samples: &[i16], out: &mut [u8]) -> usize {
    each(samples, out, ulaw_encode)
}

/// Encodes samples in A-law into `out`, as many as both hold; says how many.
pub fn alaw_encode_slice(samples: &[i16], out: &mut [u8]) -> usize {
    each(samples, out, alaw_encode)
}

fn each<A: Copy, B>(from: &[A], to: &mut [B], f: impl Fn(A) -> B) -> usize {
    for (to, from) in to.iter_mut().zip(from) {
        *to = f(*from);
    }
    from.len().min(to.len())
}

/// The Recommendation folds negative values by one's complement, so that −1 and 0 share a magnitude.
const fn magnitude(sample: i16) -> u16 {
    if sample < 0 { !sample as u16 } else { sample as u16 }
}

static ULAW: [i16; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        let bits = !code;
        let segment = (bits >> 4) & 7;
        let value = ((((bits & 0xF) << 3) + 0x84) << segment) - 0x84;
        table[code as usize] = (if code < 0x80 { -value } else { value }) as i16;
        code += 1;
    }
    table
};

static ALAW: [i16; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        let bits = (code ^ 0x55) & 0x7F;
        let segment = bits >> 4;
        let step = (bits & 0xF) << 4;
        let value = if segment == 0 {
            step + 8
        } else {
            (step + 0x108) << (segment - 1)
        };
        table[code as usize] = (if code < 0x80 { -value } else { value }) as i16;
        code += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_codes_decode_to_the_values_of_the_recommendation() {
        // Tables 1a/1b and 2a/2b of G.711, scaled to 16 bits (A-law × 8 on 13 bits, µ-law × 4 on 14 bits).
        for (code, value) in [
            (0x80, 32124),
            (0x00, -32124),
            (0xFF, 0),
            (0x7F, 0),
            (0xFE, 8),
            (0xF0, 120),
            (0xEF, 132),
            (0x9F, 8316),
        ] {
            assert_eq!(ulaw_decode(code), value, "µ-law {code:#04x}");
        }
        for (code, value) in [
            (0xAA, 32256),
            (0x2A, -32256),
            (0xD5, 8),
            (0x55, -8),
            (0xD4, 24),
            (0xC5, 264),
            (0xA5, 16896),
        ] {
            assert_eq!(alaw_decode(code), value, "A-law {code:#04x}");
        }
    }

    #[test]
    fn every_code_survives_decoding_and_encoding() {
        for code in 0..=255u8 {
            assert_eq!(alaw_encode(alaw_decode(code)), code, "A-law");
            // µ-law has two zeros; the negative one is never sent.
            let expected = if code == 0x7F { 0xFF } else { code };
            assert_eq!(ulaw_encode(ulaw_decode(code)), expected, "µ-law");
        }
    }

    #[test]
    fn silence_is_the_code_of_zero() {
        assert_eq!((ulaw_encode(0), alaw_encode(0)), (ULAW_SILENCE, ALAW_SILENCE));
    }

    #[test]
    fn a_slice_is_coded_as_far_as_both_sides_reach() {
        let mut out = [7u8; 4];
        assert_eq!(ulaw_encode_slice(&[0, 32124], &mut out), 2);
        assert_eq!(out, [0xFF, 0x80, 7, 7]);
        let mut back = [1i16; 1];
        assert_eq!(ulaw_decode_slice(&out, &mut back), 1);
        assert_eq!(back, [0]);
    }

    proptest! {
        #[test]
        fn a_round_trip_errs_by_half_a_step_at_most(sample in any::<i16>()) {
            let size = i32::from(sample).abs();
            let alaw_step = if size < 512 { 16 } else { 16 << (size.min(32767).ilog2() - 8) };
            let error = (i32::from(alaw_decode(alaw_encode(sample))) - i32::from(sample)).abs();
            prop_assert!(error <= alaw_step / 2 + 1, "A-law {sample}: {error}");

            let step = 8 << ((size + 132).min(32767).ilog2() - 7);
            let error = (i32::from(ulaw_decode(ulaw_encode(sample))) - i32::from(sample)).abs();
            // Beyond the outermost code only clipping is left.
            prop_assert!(error <= (step / 2 + 4).max(size - 32124), "µ-law {sample}: {error}");
        }

        #[test]
        fn louder_never_becomes_quieter(a in any::<i16>(), b in any::<i16>()) {
            let (low, high) = (a.min(b), a.max(b));
            prop_assert!(ulaw_decode(ulaw_encode(low)) <= ulaw_decode(ulaw_encode(high)));
            prop_assert!(alaw_decode(alaw_encode(low)) <= alaw_decode(alaw_encode(high)));
        }
    }
}
