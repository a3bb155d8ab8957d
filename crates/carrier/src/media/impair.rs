//! What a bad line does to packets on their way: lost, late, out of order, twice.

use std::time::Duration;

use crate::Impairment;
use crate::dice::Dice;

/// When each copy of a packet is to be sent, counted from now; none = lost.
pub(super) fn fate(dice: &mut Dice, impair: &Impairment) -> [Option<Duration>; 2] {
    if dice.happens(impair.loss) {
        return [None, None];
    }
    let mut late = Duration::ZERO;
    if impair.jitter_ms > 0 {
        late += Duration::from_secs_f64(dice.unit() * f64::from(impair.jitter_ms) / 1000.0);
    }
    if dice.happens(impair.reorder) {
        // Behind its successor, which leaves in 20 ms.
        late += Duration::from_millis(25);
    }
    let twice = dice
        .happens(impair.duplicate)
        .then(|| late + Duration::from_millis(5));
    [Some(late), twice]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(impair: Impairment) -> (usize, usize, usize) {
        let mut dice = Dice::new(3);
        let fates: Vec<_> = (0..10_000).map(|_| fate(&mut dice, &impair)).collect();
        let sent = fates.iter().filter(|f| f[0].is_some()).count();
        let late = fates
            .iter()
            .filter(|f| f[0].is_some_and(|d| !d.is_zero()))
            .count();
        (sent, late, fates.iter().filter(|f| f[1].is_some()).count())
    }

    #[test]
    fn a_good_line_loses_delays_and_repeats_nothing() {
        assert_eq!(count(Impairment::default()), (10_000, 0, 0));
    }

    #[test]
    fn shares_are_met() {
        let (sent, _, _) = count(Impairment {
            loss: 0.1,
            ..Impairment::default()
        });
        assert!((8_800..9_200).contains(&sent), "{sent}");
        let (_, late, twice) = count(Impairment {
            reorder: 0.2,
            duplicate: 0.05,
            ..Impairment::default()
        });
        assert!(
            (1_800..2_200).contains(&late) && (400..600).contains(&twice),
            "{late} {twice}"
        );
    }
}
