//! How numbers are dialled, country by country: data, for wherever it is not `00` to go abroad and `0` at home.

use std::cmp::Reverse;

/// Where numbers abroad are not dialled with `00` alone; first the code to write. `00` is understood besides.
const EXITS: &[(&str, &[&str])] = &[
    ("1", &["011"]),
    ("7", &["810"]),
    ("53", &["119"]),
    ("55", &["0014", "0015", "0021", "0023", "0025", "0031", "0041"]),
    ("56", &["1230", "1190", "1200", "1220", "1710", "1810", "1880"]),
    ("57", &["009", "005", "007"]),
    ("61", &["0011", "0014", "0015", "0018", "0019"]),
    ("62", &["001", "007", "008", "009", "01017"]),
    ("65", &["001", "002", "008", "018", "019"]),
    ("66", &["001", "007", "008", "009"]),
    ("81", &["010", "001010", "0033010", "0041010", "0061010"]),
    ("82", &["001", "002", "005", "006", "008", "00700", "00727"]),
    ("234", &["009"]),
    ("254", &["000"]),
    ("255", &["000"]),
    ("256", &["000"]),
    ("358", &["00", "990", "994", "999"]),
    ("375", &["810"]),
    ("592", &["001"]),
    ("680", &["011"]),
    ("691", &["011"]),
    ("692", &["011"]),
    ("852", &["001"]),
    ("855", &["001", "007", "008"]),
    ("886", &["002", "005", "006", "007", "009"]),
    ("972", &["00", "012", "013", "014", "015", "018", "019"]),
    ("976", &["001"]),
    ("992", &["810"]),
    ("993", &["810"]),
    ("998", &["810"]),
];

/// Where a number begins with 0 even after the country code: Italy, San Marino, and some of West and Central Africa.
const ZERO_STAYS: &[&str] = &["39", "378", "225", "226", "229", "241", "242"];

/// The country codes of two digits; but for 1 and 7, all others have three.
const TWO_DIGITS: &str = "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 \
                          64 65 66 81 82 84 86 90 91 92 93 94 95 98";

/// A national number of an unknown country is shorter than an exit code and this many digits.
const SHORTEST_ABROAD: usize = 10;

/// What to dial before an E.164 number in a country.
pub(super) fn exit(country: &str) -> &'static str {
    exits(country).first().copied().unwrap_or("00")
}

/// What to dial before a national number in a country. Where nothing is, `0` does no harm or is stripped.
pub(super) fn trunk(country: &str) -> &'static str {
    match country {
        "1" => "1",
        "7" => "8",
        _ if keeps_zero(country) => "",
        _ => "0",
    }
}

/// Every E.164 number that a text may be read as by its `+` or an exit code, most likely first. In an unknown country
/// each country's exit codes are tried.
pub(super) fn abroad<'a>(text: &'a str, country: Option<&str>) -> Vec<&'a str> {
    if let Some(rest) = text.strip_prefix('+') {
        return vec![rest];
    }
    let mut codes = match country {
        Some(country) => exits(country).to_vec(),
        None => EXITS.iter().flat_map(|(_, codes)| *codes).copied().collect(),
    };
    codes.push("00");
    codes.sort_unstable_by_key(|code| (Reverse(code.len()), *code));
    codes.dedup();
    let rests = codes
        .into_iter()
        .filter_map(|code| Some((code, text.strip_prefix(code)?)));
    rests
        .filter(|(code, rest)| {
            !rest.is_empty() && (country.is_some() || *code == "00" || rest.len() >= SHORTEST_ABROAD)
        })
        .map(|(_, rest)| rest)
        .collect()
}

/// Whether a prefix is, or begins with, the way abroad. One with `*` or `#` is a mark for the trunk.
pub(super) fn leads_abroad(prefix: &str, country: Option<&str>) -> bool {
    let dialled = prefix.bytes().all(|b| b.is_ascii_digit() || b == b'+');
    let codes = country.map_or(&[][..], exits);
    dialled && (prefix.starts_with(['+']) || codes.iter().chain(&["00"]).any(|code| prefix.starts_with(code)))
}

/// E.164 digits as country code and national number; `None` if there is nothing after the code.
pub(super) fn split(digits: &str) -> Option<(&str, &str)> {
    let length = match digits.get(..2)? {
        two if two.starts_with(['1', '7']) => 1,
        two if TWO_DIGITS.split(' ').any(|code| code == two) => 2,
        _ => 3,
    };
    digits.split_at_checked(length)
}

/// Whether a 0 after this country code is part of the number.
pub(super) fn keeps_zero(digits: &str) -> bool {
    ZERO_STAYS.iter().any(|code| digits.starts_with(code))
}

fn exits(country: &str) -> &'static [&'static str] {
    EXITS
        .iter()
        .find(|(code, _)| *code == country)
        .map_or(&[], |(_, exits)| exits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_abroad_is_read_behind_each_countrys_exit_code() {
        for (country, text) in [
            ("1", "01114155550100"),
            ("7", "81014155550100"),
            ("61", "001114155550100"),
            ("81", "01014155550100"),
            ("86", "0014155550100"),
            ("82", "0070014155550100"),
        ] {
            assert_eq!(
                abroad(text, Some(country)).first(),
                Some(&"14155550100"),
                "{country}"
            );
            assert!(abroad(text, None).contains(&"14155550100"), "{country}");
        }
        assert_eq!(abroad("+14155550100", None), ["14155550100"]);
        assert!(
            abroad("01088161234", None).is_empty(),
            "a number of Beijing, or of Seoul"
        );
    }

    #[test]
    fn country_codes_have_their_length() {
        for (digits, code) in [
            ("14155550100", "1"),
            ("79161234567", "7"),
            ("8613800138000", "86"),
            ("85212345678", "852"),
            ("35315551234", "353"),
        ] {
            assert_eq!(split(digits).map(|(code, _)| code), Some(code));
        }
        assert_eq!(split("8"), None);
    }
}
