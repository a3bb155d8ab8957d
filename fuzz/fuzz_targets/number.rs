//! Telephone numbers as people write them.
#![no_main]

use hark_outcome::Number;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(number) = Number::parse(text) {
        assert_eq!(Number::parse(&number.to_string()).as_ref(), Ok(&number));
        assert!((2..=15).contains(&number.digits().len()));
        // Seven digits or more in a row are a person's; the masked form never shows so many.
        assert!(number.digits().len() < 7 || !number.is_in(&number.masked().to_string()));
    }
});
