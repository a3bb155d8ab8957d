//! Reading a number as E.164, and writing it as a trunk wants it.

use hark_outcome::Number;

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
    let out = if country == "1" { "011" } else { "00" };
    if let Some(rest) = dialled.strip_prefix(out) {
        return Some(rest.to_owned());
    }
    // Written as E.164 without its '+'. A national number is never so long: the longest plans have 11 digits.
    if dialled.starts_with(country)
        && dialled.len() >= country.len() + 10
        && (country == "1" || dialled.len() > 11)
    {
        return Some(dialled.to_owned());
    }
    Some(format!(
        "{country}{}",
        dialled.strip_prefix('0').unwrap_or(dialled)
    ))
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
            Some(national) => format!("0{national}"),
            None => format!("00{digits}"),
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
