//! Server versions, compared.

/// The least server version, as text for messages.
pub(crate) const NEEDED: &str = "2.12.0";

const NEEDED_PARTS: (u64, u64) = (2, 12);

/// Whether a server of this version keeps this crate's promises. An unreadable version does not.
pub(crate) fn is_enough(version: &str) -> bool {
    let mut parts = version.trim_start_matches('v').split(['.', '-', '+']);
    let mut next = || parts.next().and_then(|p| p.parse::<u64>().ok());
    match (next(), next()) {
        (Some(major), Some(minor)) => (major, minor) >= NEEDED_PARTS,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_from_2_12_on_are_enough() {
        for good in ["2.12.0", "2.12.3", "2.15.1", "v2.14.0-RC.2", "3.0.0", "2.100.0"] {
            assert!(is_enough(good), "{good}");
        }
        for bad in ["2.9.10", "2.11.9", "1.99.0", "", "two", "2"] {
            assert!(!is_enough(bad), "{bad}");
        }
    }
}
