//! Chance that can be had again: the same seed and number throw the same dice, on every machine and version.

/// A small generator (splitmix64). Not for secrets.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    /// Dice of a seed alone.
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Dice of a seed and a text.
    pub(crate) fn of(seed: u64, text: &str) -> Self {
        // FNV-1a over the text, started from the mixed seed.
        let start = Self(seed).next() ^ 0xcbf2_9ce4_8422_2325;
        Self(
            text.bytes()
                .fold(start, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)),
        )
    }

    /// The next 64 bits.
    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to 1, 1 excluded.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// From `low` to `high`.
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Whether something of this share happens.
    pub(crate) fn happens(&mut self, share: f64) -> bool {
        share > 0.0 && self.unit() < share
    }

    /// One of several; `None` of none.
    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get((self.unit() * of.len() as f64) as usize)
    }

    /// Eight hex digits, for tags and branches.
    pub(crate) fn token(&mut self) -> String {
        format!("{:08x}", self.next() >> 32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_and_number_throw_the_same_dice() {
        let throw = |seed, number| Dice::of(seed, number).next();
        assert_eq!(throw(1, "8613800000001"), throw(1, "8613800000001"));
        assert_ne!(throw(1, "8613800000001"), throw(1, "8613800000002"));
        assert_ne!(throw(1, "8613800000001"), throw(2, "8613800000001"));
    }

    #[test]
    fn neighbouring_numbers_spread_evenly() {
        let mut tenths = [0; 10];
        for n in 0..10_000 {
            tenths[(Dice::of(7, &format!("86138{n:08}")).unit() * 10.0) as usize] += 1;
        }
        assert!(tenths.iter().all(|&n| (850..1150).contains(&n)), "{tenths:?}");
    }
}
