//! UDP sockets for RTP: taken in pairs, read in batches, each datagram with the time the kernel got it.
//!
//! The kernel's time matters: a thread looks at a socket every 20 ms, and jitter measured by its looking would be its
//! own.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr, SocketAddrV6, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::errno::Errno;
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg, setsockopt, sockopt,
};
use socket2::SockRef;

use super::{MediaError, PortRange};

/// Datagrams read by one system call. At 20 ms a packet there is seldom more than one.
const BATCH: usize = 8;

/// Calls made for one socket at one tick: a flood must not keep the other sessions waiting.
const CALLS: usize = 8;

/// Longer datagrams are no telephone sound; what does not fit is cut off, and then refused.
const DATAGRAM: usize = 1500;

/// Expedited forwarding: what routers give voice (RFC 3246), as the byte in the IP header.
const VOICE: u32 = 46 << 2;

/// RTP and RTCP.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) rtp: UdpSocket,
    pub(super) rtcp: UdpSocket,
    pub(super) port: u16,
}

impl Pair {
    /// Takes the first free pair, going round the range from the `start`-th; also tells which one that was.
    pub(super) fn bind(bind: IpAddr, ports: PortRange, start: u32) -> Result<(Self, u32), MediaError> {
        for offset in 0..u32::from(ports.pairs()) {
            let index = start.wrapping_add(offset) % u32::from(ports.pairs());
            let port = ports.even(index);
            match (socket(bind, port), port + 1) {
                (Ok(rtp), odd) => match socket(bind, odd) {
                    Ok(rtcp) => return Ok((Self { rtp, rtcp, port }, index)),
                    Err(error) => taken_or(error, bind, odd)?,
                },
                (Err(error), _) => taken_or(error, bind, port)?,
            }
        }
        Err(MediaError::PortsTaken {
            bind,
            ports,
            pairs: ports.pairs(),
        })
    }
}

fn taken_or(error: io::Error, bind: IpAddr, port: u16) -> Result<(), MediaError> {
    match error.kind() {
        io::ErrorKind::AddrInUse => Ok(()),
        _ => Err(MediaError::Socket {
            bind,
            port,
            source: error,
        }),
    }
}

fn socket(bind: IpAddr, port: u16) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((bind, port))?;
    socket.set_nonblocking(true)?;
    setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
    // A courtesy of the network; calls work without it.
    let marked = match bind {
        IpAddr::V4(_) => SockRef::from(&socket).set_tos_v4(VOICE),
        IpAddr::V6(_) => SockRef::from(&socket).set_tclass_v6(VOICE),
    };
    if let Err(error) = marked {
        tracing::debug!(%error, "voice packets go unmarked");
    }
    Ok(socket)
}

/// Sends one datagram, translating an IPv4 peer for an IPv6 socket.
pub(super) fn send(socket: &UdpSocket, is_v6: bool, target: SocketAddr, datagram: &[u8]) -> io::Result<()> {
    let target = match target {
        SocketAddr::V4(v4) if is_v6 => {
            SocketAddr::V6(SocketAddrV6::new(v4.ip().to_ipv6_mapped(), v4.port(), 0, 0))
        }
        other => other,
    };
    socket.send_to(datagram, target).map(|_| ())
}

/// Room for the datagrams of one system call, used again and again. Only for sockets of one address family.
pub(super) struct Batch {
    headers: MultiHeaders<SockaddrStorage>,
    datagrams: Box<[[u8; DATAGRAM]; BATCH]>,
}

impl Batch {
    pub(super) fn new() -> Self {
        Self {
            headers: headers(),
            datagrams: Box::new([[0; DATAGRAM]; BATCH]),
        }
    }

    /// Hands over what waits at a socket: how long it has waited by `wall`, from where it came, and its bytes.
    pub(super) fn receive(
        &mut self,
        socket: &UdpSocket,
        wall: SystemTime,
        mut each: impl FnMut(Duration, SocketAddr, &[u8]),
    ) -> io::Result<()> {
        for _ in 0..CALLS {
            if self.call(socket, wall, &mut each)? < BATCH {
                break;
            }
        }
        Ok(())
    }

    fn call(
        &mut self,
        socket: &UdpSocket,
        wall: SystemTime,
        each: &mut impl FnMut(Duration, SocketAddr, &[u8]),
    ) -> io::Result<usize> {
        let mut slices = self
            .datagrams
            .each_mut()
            .map(|datagram| [IoSliceMut::new(datagram)]);
        let flags = MsgFlags::MSG_DONTWAIT;
        let messages = match recvmmsg(socket.as_raw_fd(), &mut self.headers, &mut slices, flags, None) {
            Ok(messages) => messages,
            Err(Errno::EAGAIN | Errno::EINTR) => return Ok(0),
            Err(error) => return Err(error.into()),
        };
        let mut count = 0;
        let mut untimed = false;
        for message in messages {
            count += 1;
            let waited = message
                .cmsgs()
                .ok()
                .into_iter()
                .flatten()
                .find_map(|control| match control {
                    ControlMessageOwned::ScmTimestampns(at) => Some(waited(wall, at.into())),
                    _ => None,
                });
            untimed |= waited.is_none();
            let source = message.address.as_ref().and_then(address);
            if let (Some(source), Some(datagram)) = (source, message.iovs().next()) {
                each(waited.unwrap_or_default(), source, datagram);
            }
        }
        if untimed {
            // The kernel writes how much control data there was over how much there may be.
            self.headers = headers();
        }
        Ok(count)
    }
}

fn headers() -> MultiHeaders<SockaddrStorage> {
    MultiHeaders::preallocate(BATCH, Some(nix::cmsg_space!(libc::timespec)))
}

/// A wall clock may be set at any moment; a wait beyond a second is no wait.
fn waited(wall: SystemTime, since_1970: Duration) -> Duration {
    let waited = wall.duration_since(UNIX_EPOCH + since_1970).unwrap_or_default();
    if waited > Duration::from_secs(1) {
        Duration::ZERO
    } else {
        waited
    }
}

fn address(storage: &SockaddrStorage) -> Option<SocketAddr> {
    if let Some(v4) = storage.as_sockaddr_in() {
        return Some(SocketAddr::V4((*v4).into()));
    }
    let v6 = SocketAddrV6::from(*storage.as_sockaddr_in6()?);
    Some(match v6.ip().to_ipv4_mapped() {
        Some(v4) => SocketAddr::new(v4.into(), v6.port()),
        None => SocketAddr::V6(v6),
    })
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    /// A range of four ports that were free a moment ago.
    fn range() -> PortRange {
        let free = |port: u16| UdpSocket::bind((LOOPBACK, port)).is_ok();
        let start = rand::random_range(2_500..15_000u16) * 4;
        let low = (start..65_000)
            .step_by(4)
            .find(|low| (0..4).all(|offset| free(low + offset)));
        let low = low.expect("four free ports in a row");
        PortRange::new(low, low + 3).expect("two pairs")
    }

    #[test]
    fn a_pair_is_even_and_odd_and_taken_ones_are_skipped() {
        let range = range();
        let (first, at) = Pair::bind(LOOPBACK, range, 1).expect("free");
        assert_eq!((first.port % 2, at), (0, 1));
        assert_eq!(first.rtcp.local_addr().expect("bound").port(), first.port + 1);
        let (second, at) = Pair::bind(LOOPBACK, range, 1).expect("the other");
        assert_eq!(at, 0, "round the range");
        assert_ne!(first.port, second.port);
    }

    #[test]
    fn when_every_pair_is_taken_the_error_says_how_to_mend_it() {
        let range = range();
        let _rtp_of_one = Pair::bind(LOOPBACK, range, 0).expect("free");
        let _rtcp_of_other = UdpSocket::bind((LOOPBACK, range.even(1) + 1)).expect("free");
        let error = Pair::bind(LOOPBACK, range, 7).expect_err("none left").to_string();
        assert!(
            error.contains(&range.to_string()) && error.contains("widen line.rtp_ports"),
            "{error}"
        );
    }

    #[test]
    fn an_address_that_is_not_ours_is_named() {
        let range = PortRange::new(20_000, 20_001).expect("valid");
        let error = Pair::bind([192, 0, 2, 1].into(), range, 0)
            .expect_err("not here")
            .to_string();
        assert!(
            error.contains("192.0.2.1:20000") && error.contains("line.bind"),
            "{error}"
        );
    }

    #[test]
    fn a_batch_brings_every_datagram_with_its_source_and_its_age() {
        let receiver = socket(LOOPBACK, 0).expect("a port");
        let sender = socket(LOOPBACK, 0).expect("a port");
        let target = receiver.local_addr().expect("bound");
        for n in 0..20u8 {
            send(&sender, false, target, &[n; 3]).expect("sent");
        }
        let mut batch = Batch::new();
        let mut got = Vec::new();
        // As if looked at 100 ms later.
        let wall = SystemTime::now() + Duration::from_millis(100);
        batch
            .receive(&receiver, wall, |age, source, datagram| {
                got.push((age, source, datagram.to_vec()))
            })
            .expect("received");
        assert_eq!(got.len(), 20, "more than one call's worth");
        for (n, (age, source, datagram)) in (0u8..).zip(&got) {
            assert_eq!(
                (datagram.as_slice(), *source),
                (&[n; 3][..], sender.local_addr().expect("bound"))
            );
            assert!((95..400).contains(&age.as_millis()), "{age:?}");
        }
        batch
            .receive(&receiver, wall, |_, _, _| panic!("nothing is left"))
            .expect("empty");
    }

    #[test]
    fn an_ipv6_socket_speaks_with_ipv4_peers() {
        let Ok(v6) = socket("::".parse().expect("an address"), 0) else {
            return;
        };
        let v4 = socket(LOOPBACK, 0).expect("a port");
        let v4_at = v4.local_addr().expect("bound");
        send(&v6, true, v4_at, b"there").expect("sent");
        send(
            &v4,
            false,
            (LOOPBACK, v6.local_addr().expect("bound").port()).into(),
            b"back",
        )
        .expect("sent");
        let mut got = Vec::new();
        Batch::new()
            .receive(&v6, SystemTime::now(), |_, source, datagram| {
                got.push((source, datagram.to_vec()))
            })
            .expect("received");
        assert_eq!(got, [(v4_at, b"back".to_vec())]);
    }
}
