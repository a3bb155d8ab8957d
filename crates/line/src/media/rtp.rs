//! RTP packets (RFC 3550 §5), read and written; the byte work is `rtp-types`'.

use rtp_types::{RtpPacket, RtpPacketBuilder, RtpParseError};

/// One frame's packet: a header without extras and 160 codes.
pub(super) const PACKET_LEN: usize = RtpPacket::MIN_RTP_PACKET_LEN + hark_sound::FRAME_SAMPLES;

/// A received packet; the sound still in its coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Packet<'a> {
    /// First of a talk spurt, or of a telephone event.
    pub(super) marker: bool,
    /// What the payload is, by number.
    pub(super) payload_type: u8,
    /// Counts packets.
    pub(super) sequence: u16,
    /// Counts samples.
    pub(super) timestamp: u32,
    /// Names the stream.
    pub(super) ssrc: u32,
    /// The payload, padding removed.
    pub(super) payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads a datagram.
    pub(super) fn parse(datagram: &'a [u8]) -> Result<Self, RtpParseError> {
        let packet = RtpPacket::parse(datagram)?;
        let (from, len) = (packet.payload_offset(), packet.payload_len());
        Ok(Self {
            marker: packet.marker_bit(),
            payload_type: packet.payload_type(),
            sequence: packet.sequence_number(),
            timestamp: packet.timestamp(),
            ssrc: packet.ssrc(),
            payload: datagram.get(from..from + len).unwrap_or_default(),
        })
    }

    /// Writes it into `out`; returns the datagram's length, or `None` if it does not fit or its payload type has
    /// more than seven bits.
    pub(super) fn write(&self, out: &mut [u8]) -> Option<usize> {
        RtpPacketBuilder::<&[u8], &[u8]>::new()
            .marker_bit(self.marker)
            .payload_type(self.payload_type)
            .sequence_number(self.sequence)
            .timestamp(self.timestamp)
            .ssrc(self.ssrc)
            .payload(self.payload)
            .write_into(out)
            .ok()
    }
}

/// Whether a datagram that came on an RTP port is RTCP after all (RFC 5761 §4): the second byte tells.
pub(super) fn is_rtcp(datagram: &[u8]) -> bool {
    matches!(datagram, [first, 192..=223, ..] if first >> 6 == 2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_packet_of_another_stack_is_read() {
        // CSRC, extension and padding at once.
        let mut bytes = vec![0b1011_0001, 0x80 | 8, 0x12, 0x34, 0, 0, 0, 160, 1, 2, 3, 4];
        bytes.extend([9, 9, 9, 9]);
        bytes.extend([0xBE, 0xDE, 0, 1, 5, 5, 5, 5]);
        bytes.extend([0xD5, 0xD5, 0xD5, 0, 2]);
        let packet = Packet::parse(&bytes).expect("valid");
        assert!(packet.marker);
        assert_eq!(
            (packet.payload_type, packet.sequence, packet.timestamp),
            (8, 0x1234, 160)
        );
        assert_eq!(
            (packet.ssrc, packet.payload),
            (0x0102_0304, &[0xD5, 0xD5, 0xD5][..])
        );
    }

    #[test]
    fn rtcp_on_the_rtp_port_is_told_apart() {
        assert!(is_rtcp(&[0x80, 200, 0, 0]) && is_rtcp(&[0x81, 201, 0, 0]));
        assert!(!is_rtcp(&[0x80, 0x80 | 8, 0, 0]) && !is_rtcp(&[0x80, 0, 0, 0]) && !is_rtcp(&[]));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = Packet::parse(&bytes);
            let _ = is_rtcp(&bytes);
        }

        #[test]
        fn what_is_written_reads_back(
            marker: bool, payload_type in 0u8..128, sequence: u16, timestamp: u32, ssrc: u32,
            payload in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let packet = Packet { marker, payload_type, sequence, timestamp, ssrc, payload: &payload };
            let mut out = [0; 256];
            let len = packet.write(&mut out).expect("fits");
            prop_assert_eq!(Packet::parse(&out[..len]).expect("our own"), packet);
        }
    }
}
