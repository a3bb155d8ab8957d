//! Reading a number as E.164, and writing it as a trunk wants it.

use hark_outcome::Number;

use super::plan;
use crate::config::{NumberFormat, Numbering};

/// The E.164 digits of a number, where they can be known: written with `+`, or read in `country`.
pub(super) fn international(number: &Number, country: Option<&str>) -> Option<String> {
    if number.is_international() {
        return Some(number.digits().to_owned());
    }
    read_back(number.digits(), country)
}

/// The E.164 digits of a text as it is dialled in `country`.
pub(super) fn read_back(dialled: &str, country: Option<&str>) -> Option<String> {
    if let Some(rest) = dialled.strip_prefix('+') {
        return Some(rest.to_owned());
    }
    let country = country?;
    if !dialled.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    if let Some(rest) = plan::abroad(dialled, Some(country)).first() {
        return Some((*rest).to_owned());
    }
    // Written as E.164 without its '+'. A national number is never so long: the longest plans have 11 digits, those of
    // 1 and 7 have 10.
    if dialled.starts_with(country)
        && dialled.len() >= country.len() + 10
        && (country.len() == 1 || dialled.len() > 11)
    {
        return Some(dialled.to_owned());
    }
    let trunk = plan::trunk(country);
    let national = dialled
        .strip_prefix(trunk)
        .filter(|rest| trunk == "0" || rest.len() >= 10);
    Some(format!("{country}{}", national.unwrap_or(dialled)))
}

/// Whether E.164 digits can be a number at all, as far as zeros go: a stray one is how a number slips past a prefix and
/// is read as another by the exchange.
pub(super) fn plausible(international: &str, country: Option<&str>) -> Result<(), String> {
    if international.starts_with('0') {
        return Err("no country code begins with 0; write it as +<country><number>".into());
    }
    match country.and_then(|country| Some((country, international.strip_prefix(country)?))) {
        Some((country, national)) if national.starts_with('0') && !plan::keeps_zero(country) => Err(format!(
            "after the country code +{country} comes a 0, which is dialled inside the country only; leave it out"
        )),
        _ => Ok(()),
    }
}

/// Whether what leaves is read, at the far side, as the number that was let through. `bare` is it without the prefix,
/// which is either a mark for the trunk or a part of the number.
pub(super) fn arrives(international: &str, dialled: &str, bare: &str, numbering: &Numbering) -> bool {
    let country = numbering.country.as_deref();
    let reads = |text: &str, as_e164: bool| match (plan::abroad(text, country).as_slice(), country) {
        ([first, ..], Some(_)) => *first == international,
        (abroad @ [_, ..], None) => abroad.contains(&international),
        // Without '+' only because the trunk wants it so.
        ([], _) if as_e164 => text == international,
        ([], Some(_)) => read_back(text, country).as_deref() == Some(international),
        // What was stripped is the owner's word: nobody knows the country.
        ([], None) => text == bare,
    };
    let whole = numbering.strip == 0 && numbering.format == NumberFormat::E164;
    (reads(bare, whole) && !plan::leads_abroad(&numbering.prefix, country))
        || (dialled != bare && reads(dialled, false))
}

/// The number in the trunk's format, before strip and prefix.
pub(super) fn formatted(number: &Number, international: Option<&str>, numbering: &Numbering) -> String {
    let Some(digits) = international else {
        return number.digits().to_owned();
    };
    match numbering.format {
        NumberFormat::E164 => digits.to_owned(),
        NumberFormat::Plus => format!("+{digits}"),
        NumberFormat::National => match numbering.country.as_deref().and_then(|c| digits.strip_prefix(c)) {
            Some(national) => {
                let country = numbering.country.as_deref().unwrap_or_default();
                format!("{}{national}", plan::trunk(country))
            }
            None => format!(
                "{}{digits}",
                numbering.country.as_deref().map_or("00", plan::exit)
            ),
        },
    }
}

/// The number as it goes into the Request-URI, or what is wrong with the rewriting.
pub(super) fn written(
    number: &Number,
    international: Option<&str>,
    numbering: &Numbering,
) -> Result<String, String> {
    let formatted = formatted(number, international, numbering);
    let (plus, digits) = match formatted.strip_prefix('+') {
        Some(digits) => ("+", digits),
        None => ("", formatted.as_str()),
    };
    let strip = usize::from(numbering.strip);
    // A stripped number is no E.164 number any more.
    let plus = if strip > 0 { "" } else { plus };
    match digits.get(strip..) {
        Some(rest) if !rest.is_empty() => Ok(format!("{}{plus}{rest}", numbering.prefix)),
        _ => Err(format!("numbering.strip = {strip} leaves nothing of it")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        Number::parse(text).expect("a number")
    }

    #[test]
    fn chinese_numbers_are_read_as_people_write_them() {
        for text in [
            "+8613800138000",
            "13800138000",
            "013800138000",
            "008613800138000",
            "8613800138000",
        ] {
            assert_eq!(
                international(&number(text), Some("86")).as_deref(),
                Some("8613800138000"),
                "{text}"
            );
        }
        assert_eq!(
            international(&number("01088886666"), Some("86")).as_deref(),
            Some("861088886666")
        );
        assert_eq!(international(&number("13800138000"), None), None);
    }

    #[test]
    fn american_numbers_are_read_as_people_write_them() {
        for text in ["+14155550100", "4155550100", "14155550100", "01114155550100"] {
            assert_eq!(
                international(&number(text), Some("1")).as_deref(),
                Some("14155550100"),
                "{text}"
            );
        }
    }

    #[test]
    fn numbers_are_read_by_the_plan_of_their_country() {
        for (country, text, read) in [
            ("7", "89161234567", "79161234567"),
            ("7", "79161234567", "79161234567"),
            ("7", "8121234567", "78121234567"),
            ("7", "81014155550100", "14155550100"),
            ("39", "0612345678", "390612345678"),
            ("81", "0312345678", "81312345678"),
            ("81", "01014155550100", "14155550100"),
            ("61", "001114155550100", "14155550100"),
        ] {
            assert_eq!(
                international(&number(text), Some(country)).as_deref(),
                Some(read),
                "{text}"
            );
            let national = Numbering {
                country: Some(country.into()),
                format: NumberFormat::National,
                ..Numbering::default()
            };
            let to = number(&format!("+{read}"));
            let written = written(&to, Some(read), &national).expect("writable");
            assert!(arrives(read, &written, &written, &national), "{written}");
        }
    }

    #[test]
    fn each_format_strip_and_prefix() {
        let cn = |format| Numbering {
            country: Some("86".into()),
            format,
            ..Numbering::default()
        };
        let write = |text: &str, numbering: &Numbering| {
            let n = number(text);
            written(
                &n,
                international(&n, numbering.country.as_deref()).as_deref(),
                numbering,
            )
            .expect("writable")
        };
        assert_eq!(write("13800138000", &cn(NumberFormat::E164)), "8613800138000");
        assert_eq!(write("13800138000", &cn(NumberFormat::Plus)), "+8613800138000");
        assert_eq!(
            write("+8613800138000", &cn(NumberFormat::National)),
            "013800138000"
        );
        assert_eq!(
            write("+14155550100", &cn(NumberFormat::National)),
            "0014155550100"
        );
        let stripped = Numbering {
            strip: 1,
            prefix: "9".into(),
            ..cn(NumberFormat::National)
        };
        assert_eq!(write("+8613800138000", &stripped), "913800138000");
        let gone = Numbering {
            strip: 20,
            ..cn(NumberFormat::E164)
        };
        let n = number("+8613800138000");
        assert!(written(&n, Some(n.digits()), &gone).is_err());
    }
}
