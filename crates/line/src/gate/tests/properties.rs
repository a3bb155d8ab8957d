//! What holds for every number and every numbering.

use proptest::prelude::*;

use super::*;

/// The number an exchange reads: simple, and apart from the code under test.
fn exchange(sent: &str, numbering: &Numbering) -> Option<String> {
    if let Some(rest) = sent.strip_prefix('+') {
        return Some(rest.to_owned());
    }
    let country = numbering.country.as_deref()?;
    let (exit, home) = match country {
        "1" => ("011", "1"),
        "7" => ("810", "8"),
        "61" => ("0011", "0"),
        "81" => ("010", "0"),
        "39" => ("00", ""),
        _ => ("00", "0"),
    };
    if let Some(rest) = sent.strip_prefix(exit).or_else(|| sent.strip_prefix("00")) {
        return Some(rest.to_owned());
    }
    let agreed = numbering.format == NumberFormat::E164 && numbering.strip == 0;
    let too_long = sent.starts_with(country) && sent.len() >= (country.len() + 10);
    if agreed || too_long {
        return Some(sent.to_owned());
    }
    let national = sent
        .strip_prefix(home)
        .filter(|rest| home == "0" || rest.len() >= 10)
        .unwrap_or(sent);
    Some(format!("{country}{national}"))
}

/// Numbers made of what matters to a gate.
fn crafted() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "0", "00", "011", "010", "0011", "810", "86", "1", "44", "7", "61", "81", "39", "415", "207", "900",
        "909", "8", "138", "110", "999", "10", "2",
    ]);
    (any::<bool>(), prop::collection::vec(piece, 1..5), "[0-9]{0,8}").prop_map(|(plus, pieces, tail)| {
        let digits: String = pieces.concat() + &tail;
        format!(
            "{}{}",
            if plus { "+" } else { "" },
            &digits[..digits.len().min(15)]
        )
    })
}

const COUNTRIES: [Option<&str>; 8] = [
    None,
    Some("86"),
    Some("1"),
    Some("44"),
    Some("7"),
    Some("61"),
    Some("81"),
    Some("39"),
];

fn numbering() -> impl Strategy<Value = Numbering> {
    let formats = vec![NumberFormat::E164, NumberFormat::Plus, NumberFormat::National];
    let country = prop::sample::select(COUNTRIES.to_vec());
    (country, prop::sample::select(formats), 0u8..5, "|[0-9+]{1,4}").prop_map(
        |(country, format, strip, prefix)| Numbering {
            country: country.map(str::to_owned),
            format,
            strip,
            prefix,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    /// Whatever the numbering, an exchange reads what leaves as nothing that may not leave, and, where the country is
    /// known, as a number inside the allowed prefixes.
    #[test]
    fn what_leaves_reads_as_what_was_allowed(to in crafted(), numbering in numbering()) {
        let allowed = ["86", "1415", "44207", "7", "61", "8101"];
        let config = TrunkConfig {
            allowed_prefixes: allowed.iter().map(|p| format!("+{p}").parse().expect("a prefix")).collect(),
            numbering: numbering.clone(),
            ..open(None)
        };
        let Ok(to) = Number::parse(&to) else { return Ok(()) };
        if let Ok(passed) = pass(&trunk(), &config, &to, None) {
            let bare = passed.dialled.strip_prefix(numbering.prefix.as_str()).expect("in front");
            let reads: Vec<String> = [passed.dialled.as_str(), bare]
                .into_iter()
                .filter_map(|sent| exchange(sent, &numbering))
                .collect();
            if numbering.country.is_some() {
                let good = |read: &String| {
                    allowed.iter().any(|p| read.starts_with(p))
                        && forbidden::premium(read).is_ok()
                        && forbidden::emergency(read, true, numbering.country.as_deref()).is_ok()
                };
                if numbering.prefix.is_empty() {
                    prop_assert!(reads.iter().all(good), "{:?} leaves as {:?}", to.digits(), passed.dialled);
                } else {
                    prop_assert!(reads.iter().any(good), "{:?} leaves as {:?}", to.digits(), passed.dialled);
                }
            }
        }
    }

    /// Even where everything is allowed, what leaves with `+` or the way abroad in front is never a premium number.
    #[test]
    fn what_leaves_is_never_premium(to in crafted(), numbering in numbering()) {
        let config = TrunkConfig { numbering: numbering.clone(), ..open(None) };
        let Ok(to) = Number::parse(&to) else { return Ok(()) };
        if let Ok(passed) = pass(&trunk(), &config, &to, None) {
            let sent = &passed.dialled;
            for way in ["+", "00", "011", "010", "0011", "810"] {
                let abroad = sent.strip_prefix(way).filter(|rest| rest.len() >= 10);
                let meant = match (way, numbering.country.as_deref()) {
                    ("+" | "00", _) | (_, None) => true,
                    (way, Some(country)) => way == plan::exit(country),
                };
                if let Some(abroad) = abroad.filter(|_| meant) {
                    prop_assert!(forbidden::premium(&digits_of(abroad)).is_ok(), "{sent} from {:?}", to.digits());
                }
            }
        }
    }

    /// Whatever the numbering, what leaves is never an emergency number.
    #[test]
    fn nothing_that_leaves_is_an_emergency_number(
        to in "\\+?[0-9]{2,15}", strip in 0u8..8, prefix in "[0-9+]{0,3}", format in 0usize..3, country in 0usize..4,
    ) {
        let country = [None, Some("86"), Some("1"), Some("44")][country];
        let mut config = open(country);
        config.numbering.strip = strip;
        config.numbering.prefix = prefix;
        config.numbering.format = [NumberFormat::E164, NumberFormat::Plus, NumberFormat::National][format];
        if let Ok(passed) = dial(&config, &to) {
            let digits = digits_of(&passed.dialled);
            prop_assert!(digits.len() > 3, "{} from {}", passed.dialled, to);
            for emergency in ["110", "112", "119", "120", "122", "911", "999", "000", "111"] {
                prop_assert_ne!(digits.trim_start_matches('0'), emergency);
                prop_assert_ne!(&digits, emergency);
            }
        }
    }
}
