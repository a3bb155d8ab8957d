//! Numbers that never leave: data, and how it is matched. Over-blocking is the safe mistake here.

use super::plan;
use crate::error::Barred;

/// Emergency and public-safety numbers of the world, as dialled inside a country. Numbers of three digits and fewer
/// are refused as a class, so this list is what suffixes are compared with.
const EMERGENCY: &[&str] = &[
    "110", // police: China, Japan, Germany, …
    "112", // GSM, European Union
    "119", // fire: China, Japan, Korea, Taiwan
    "120", // ambulance: China
    "122", // traffic police: China
    "911", // North America
    "999", // United Kingdom, Hong Kong, Singapore, …
    "000", // Australia
    "111", // New Zealand; NHS in the United Kingdom
    "100", // India, Israel, Greece
    "101", // India, Israel, Ukraine
    "102", // India, Israel, Ukraine
    "103", // Russia, Ukraine
    "104", // gas: Russia
    "108", // India
    "113", // Norway, Italy, Vietnam
    "115", // Italy, Iran, Vietnam
    "117", // Switzerland
    "118", // Switzerland, Italy
    "144", // Switzerland, Austria
    "133", // Austria, Chile
    "190", // Brazil
    "191", // Thailand
    "192", // Brazil
    "193", // Brazil
    "911", "933",   // North America: test of emergency service
    "988",   // United States: crisis line
    "995",   // Singapore
    "997",   // Poland, Saudi Arabia
    "998",   // Poland, Saudi Arabia
    "1122",  // Pakistan
    "12110", // highway police: China
    "12119", // forest fire: China
    "12345", // citizens' hotline: China
    "12395", // rescue at sea: China
    "95110", // police: China
];

/// Ranges that charge the caller, as E.164 digits; `?` is any digit. From national numbering plans; where a range is
/// only partly premium it is refused whole.
const PREMIUM: &[(&str, &str)] = &[
    ("1900", "North America, pay-per-call"),
    ("1976", "North America, local pay-per-call"),
    ("1???976", "North America, local pay-per-call exchange"),
    ("449", "United Kingdom, premium rate"),
    ("4487", "United Kingdom, service charge"),
    ("4470", "United Kingdom, personal numbers"),
    ("44118", "United Kingdom, directory enquiries"),
    ("8696", "China, information services 96xxx"),
    (
        "8610 96",
        "China, information services behind Beijing's area code",
    ),
    ("862? 96", "China, information services behind an area code"),
    ("86??? 96", "China, information services behind an area code"),
    ("86168", "China, 168 information services"),
    ("8616868", "China, 16868 information services"),
    (
        "8610 168",
        "China, 168 information services behind Beijing's area code",
    ),
    ("862? 168", "China, 168 information services behind an area code"),
    ("86??? 168", "China, 168 information services behind an area code"),
    ("86160", "China, 160 information services"),
    ("8612590", "China, information services"),
    ("49900", "Germany, premium rate"),
    ("49137", "Germany, mass calling"),
    ("3389", "France, special rate"),
    ("39899", "Italy, premium rate"),
    ("39892", "Italy, premium rate"),
    ("39144", "Italy, premium rate"),
    ("34803", "Spain, premium rate"),
    ("34806", "Spain, premium rate"),
    ("34807", "Spain, premium rate"),
    ("34905", "Spain, mass calling"),
    ("31900", "Netherlands, premium rate"),
    ("31906", "Netherlands, premium rate"),
    ("31909", "Netherlands, premium rate"),
    ("3290", "Belgium, premium rate"),
    ("41900", "Switzerland, premium rate"),
    ("41901", "Switzerland, premium rate"),
    ("41906", "Switzerland, premium rate"),
    ("43900", "Austria, premium rate"),
    ("43901", "Austria, premium rate"),
    ("43930", "Austria, premium rate"),
    ("43931", "Austria, premium rate"),
    ("35315", "Ireland, premium rate"),
    ("4870", "Poland, premium rate"),
    ("46900", "Sweden, premium rate"),
    ("46939", "Sweden, premium rate"),
    ("46944", "Sweden, premium rate"),
    ("47829", "Norway, premium rate"),
    ("4590", "Denmark, premium rate"),
    ("358600", "Finland, premium rate"),
    ("358700", "Finland, premium rate"),
    ("7809", "Russia, premium rate"),
    ("81990", "Japan, premium rate"),
    ("82060", "Korea, premium rate"),
    ("82700", "Korea, premium rate"),
    ("852900", "Hong Kong, premium rate"),
    ("886204", "Taiwan, premium rate"),
    ("886209", "Taiwan, premium rate"),
    ("651900", "Singapore, premium rate"),
    ("60600", "Malaysia, premium rate"),
    ("61190", "Australia, premium rate"),
    ("64900", "New Zealand, premium rate"),
    ("55900", "Brazil, premium rate"),
    ("979", "international premium rate"),
    ("870", "satellite"),
    ("881", "satellite"),
    ("882", "international networks"),
    ("883", "international networks"),
    // Without a country these can be nothing else.
    ("0900", "premium rate in many national plans"),
];

/// Refuses an emergency number, and anything so short that it may be one, however it is dressed: with a country code,
/// with zeros, with an area code, behind a digit for an outside line.
pub(super) fn emergency(digits: &str, international: bool, country: Option<&str>) -> Result<(), Barred> {
    let plain = digits.trim_start_matches('0');
    if digits.len() <= 3 || plain.len() <= 3 || EMERGENCY.contains(&plain) {
        return Err(Barred::Emergency);
    }
    if plain.len() <= 5 && EMERGENCY.iter().any(|e| plain.ends_with(e)) {
        return Err(Barred::Emergency);
    }
    // Behind a country code: any code when written as E.164, else the trunk's own.
    let codes = if international || digits.starts_with("00") {
        1..=3
    } else {
        0..=0
    };
    let own = country.and_then(|c| plain.strip_prefix(c));
    let bare = codes.filter_map(|n| plain.get(n..)).chain(own);
    for national in bare {
        let national = national.trim_start_matches('0');
        if national.len() <= 3 || EMERGENCY.contains(&national) {
            return Err(Barred::Emergency);
        }
    }
    // Behind a Chinese area code (two or three digits), which connects to that city's emergency service.
    if country == Some("86") || plain.starts_with("86") {
        let national = plain.strip_prefix("86").unwrap_or(plain).trim_start_matches('0');
        let area = match national.as_bytes() {
            [b'1', b'0', ..] | [b'2', ..] => 2,
            [b'3'..=b'9', ..] => 3,
            _ => usize::MAX,
        };
        if national.get(area..).is_some_and(|rest| EMERGENCY.contains(&rest)) {
            return Err(Barred::Emergency);
        }
    }
    Ok(())
}

/// Refuses a number that charges the caller. `digits` is E.164, perhaps with zeros after the country code, as in
/// "+44 (0)9…": an exchange may drop them, or read them as its way abroad.
pub(super) fn premium(digits: &str) -> Result<(), Barred> {
    listed(digits)?;
    if let Some((code, national)) = plan::split(digits)
        && national.starts_with('0')
        && !plan::keeps_zero(digits)
    {
        listed(&format!("{code}{}", national.trim_start_matches('0')))?;
        plan::abroad(national, None).into_iter().try_for_each(listed)?;
    }
    Ok(())
}

fn listed(digits: &str) -> Result<(), Barred> {
    match PREMIUM.iter().find(|(range, _)| begins(digits, range)) {
        Some((range, what)) => Err(Barred::Premium { range, what }),
        None => Ok(()),
    }
}

/// Whether digits begin with a pattern; spaces in a pattern are for the reader.
fn begins(digits: &str, pattern: &str) -> bool {
    let mut digits = digits.bytes();
    pattern
        .bytes()
        .filter(|p| *p != b' ')
        .all(|p| digits.next().is_some_and(|d| p == b'?' || p == d))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_digits_and_wildcards() {
        for (range, _) in PREMIUM {
            assert!(
                range
                    .bytes()
                    .all(|b| b.is_ascii_digit() || b == b'?' || b == b' '),
                "{range}"
            );
        }
        for number in EMERGENCY {
            assert!(emergency(number, false, None).is_err(), "{number}");
        }
    }

    #[test]
    fn patterns_match_from_the_front() {
        assert!(begins("14159761234", "1???976"));
        assert!(!begins("14155551234", "1???976"));
        assert!(!begins("190", "1900"));
    }
}
