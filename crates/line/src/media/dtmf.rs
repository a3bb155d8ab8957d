//! Keys the peer presses, as telephone events (RFC 4733): each is told once, by its first packet.
//!
//! An event's packets share the timestamp of its beginning; only the duration grows, and the last is sent three
//! times. A key held so long that the duration overflows goes on under a new timestamp, without the marker.

/// Reads telephone-event packets.
#[derive(Debug, Clone, Default)]
pub(super) struct KeyReader {
    latest: Option<Event>,
}

#[derive(Debug, Clone, Copy)]
struct Event {
    code: u8,
    began: u32,
    duration: u16,
}

impl KeyReader {
    /// Takes one packet; returns the key if it is a new one.
    pub(super) fn read(&mut self, timestamp: u32, marker: bool, payload: &[u8]) -> Option<char> {
        let &[code, _, high, low, ..] = payload else {
            return None;
        };
        let duration = u16::from_be_bytes([high, low]);
        let event = Event {
            code,
            began: timestamp,
            duration,
        };
        let Some(latest) = self.latest else {
            return self.begin(event);
        };

        let since = timestamp.wrapping_sub(latest.began) as i32;
        if since == 0 {
            let duration = latest.duration.max(duration);
            self.latest = Some(Event { duration, ..latest });
            return None;
        }
        if since < 0 {
            return None; // a late packet of an event before
        }
        let goes_on = !marker && code == latest.code && since <= i32::from(u16::MAX) && {
            // Segments follow each other without a gap; a key pressed again has one.
            since <= i32::from(latest.duration) + 80 && latest.duration > u16::MAX - 1600
        };
        if goes_on {
            self.latest = Some(event);
            return None;
        }
        self.begin(event)
    }

    fn begin(&mut self, event: Event) -> Option<char> {
        self.latest = Some(event);
        key(event.code)
    }
}

/// The key of an event code; hook flash, fax tones and the like are no keys.
fn key(code: u8) -> Option<char> {
    b"0123456789*#ABCD"
        .get(usize::from(code))
        .copied()
        .map(char::from)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn payload(code: u8, end: bool, duration: u16) -> [u8; 4] {
        let [high, low] = duration.to_be_bytes();
        [code, if end { 0x8A } else { 0x0A }, high, low]
    }

    #[test]
    fn a_key_is_told_once_however_many_packets_carry_it() {
        let mut reader = KeyReader::default();
        let mut keys = Vec::new();
        for (n, duration) in (160..=800).step_by(160).enumerate() {
            keys.extend(reader.read(1000, n == 0, &payload(5, false, duration)));
        }
        for _ in 0..3 {
            keys.extend(reader.read(1000, false, &payload(5, true, 960)));
        }
        assert_eq!(keys, ['5']);
    }

    #[test]
    fn the_same_key_again_is_told_again_even_if_its_marker_was_lost() {
        let mut reader = KeyReader::default();
        assert_eq!(reader.read(0, true, &payload(11, false, 160)), Some('#'));
        assert_eq!(reader.read(2400, false, &payload(11, false, 320)), Some('#'));
        assert_eq!(
            reader.read(0, false, &payload(11, true, 960)),
            None,
            "the first one's end, late"
        );
    }

    #[test]
    fn a_key_whose_first_packets_were_lost_is_told_by_the_rest() {
        assert_eq!(
            KeyReader::default().read(7, false, &payload(0, true, 800)),
            Some('0')
        );
    }

    #[test]
    fn a_key_held_for_long_is_one_key() {
        let mut reader = KeyReader::default();
        assert_eq!(reader.read(0, true, &payload(1, false, 65_440)), Some('1'));
        assert_eq!(reader.read(65_440, false, &payload(1, false, 160)), None);
    }

    #[test]
    fn a_hook_flash_is_no_key() {
        assert_eq!(KeyReader::default().read(0, true, &payload(16, false, 160)), None);
    }

    proptest! {
        #[test]
        fn arbitrary_packets_never_panic(packets: Vec<(u32, bool, Vec<u8>)>) {
            let mut reader = KeyReader::default();
            for (timestamp, marker, payload) in packets {
                let _ = reader.read(timestamp, marker, &payload);
            }
        }
    }
}
