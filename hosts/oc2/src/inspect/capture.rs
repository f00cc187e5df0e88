//! Captures of networks, pcap and pcapng: their TCP segments, whatever they were captured on.

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::io::Read;

use etherparse::{EtherType, LaxNetSlice, LaxSlicedPacket, TransportSlice};
use pcap_parser::pcapng::InterfaceDescriptionBlock;
use pcap_parser::traits::PcapReaderIterator;
use pcap_parser::{Block, Linktype, PcapBlockOwned, PcapError, create_reader};

/// What is read at once, and the most that it may grow to: no packet of a network is larger, with room for comments.
const BUFFER: usize = 64 << 10;
const LARGEST_BLOCK: usize = 64 << 20;

/// Why a capture could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("it is no capture that can be read")]
    Format,
    #[error("it ends in the middle of a record")]
    Cut,
    #[error("a record in it is damaged")]
    Damaged,
    #[error("reading failed")]
    Read,
}

/// One TCP segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment<'c> {
    /// Since 1970.
    pub(crate) time: Duration,
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) sequence: u32,
    pub(crate) syn: bool,
    pub(crate) ack: bool,
    /// FIN or RST.
    pub(crate) last: bool,
    pub(crate) payload: &'c [u8],
}

/// Reads a capture, and hands over each TCP segment in it.
pub(crate) fn read(file: impl Read + Send, mut on: impl FnMut(Segment<'_>)) -> Result<(), Error> {
    let mut reader = create_reader(BUFFER, file).map_err(|error| match error {
        PcapError::ReadError => Error::Read,
        PcapError::Incomplete(_) => Error::Cut,
        _ => Error::Format,
    })?;
    let mut interfaces = Interfaces::default();
    let mut room = BUFFER;
    loop {
        let full = match reader.next() {
            Ok((used, block)) => {
                interfaces.block(&block, &mut on);
                reader.consume(used);
                continue;
            }
            Err(PcapError::Eof) => return Ok(()),
            Err(PcapError::Incomplete(_)) => false,
            Err(PcapError::BufferTooSmall) => true,
            Err(PcapError::UnexpectedEof) => return Err(Error::Cut),
            Err(PcapError::ReadError) => return Err(Error::Read),
            Err(_) => return Err(Error::Damaged),
        };
        if full {
            grow(reader.as_mut(), &mut room)?;
        } else if reader.reader_exhausted() {
            return Err(Error::Cut);
        } else {
            refill(reader.as_mut(), &mut room)?;
        }
    }
}

fn refill(reader: &mut dyn PcapReaderIterator, room: &mut usize) -> Result<(), Error> {
    match reader.refill() {
        Ok(()) => Ok(()),
        Err(PcapError::BufferTooSmall) => grow(reader, room),
        Err(_) => Err(Error::Read),
    }
}

fn grow(reader: &mut dyn PcapReaderIterator, room: &mut usize) -> Result<(), Error> {
    *room *= 2;
    let grown = *room <= LARGEST_BLOCK && reader.grow(*room);
    if !grown {
        return Err(Error::Damaged);
    }
    reader.refill().map_err(|_| Error::Read)
}

/// What packets were captured on, and how their time is counted.
#[derive(Debug, Default)]
struct Interfaces {
    /// Of a pcap file.
    link: Linktype,
    nanoseconds: bool,
    /// Of a pcapng section: link, ticks a second, seconds to add.
    sections: Vec<(Linktype, u64, i64)>,
}

impl Interfaces {
    fn block(&mut self, block: &PcapBlockOwned<'_>, on: &mut impl FnMut(Segment<'_>)) {
        match block {
            PcapBlockOwned::LegacyHeader(header) => {
                self.link = header.network;
                self.nanoseconds = header.is_nanosecond_precision();
            }
            PcapBlockOwned::Legacy(packet) => {
                let fraction = if self.nanoseconds { packet.ts_usec } else { packet.ts_usec.saturating_mul(1000) };
                let time = Duration::from_secs(packet.ts_sec.into()) + Duration::from_nanos(fraction.into());
                segment(self.link, packet.data, time, on);
            }
            PcapBlockOwned::NG(Block::SectionHeader(_)) => self.sections.clear(),
            PcapBlockOwned::NG(Block::InterfaceDescription(interface)) => self.sections.push(described(interface)),
            PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
                let interface = usize::try_from(packet.if_id).ok().and_then(|at| self.sections.get(at));
                let Some(&(link, resolution, offset)) = interface else { return };
                let ticks = u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low);
                let time = ticks_to_time(ticks, resolution, offset);
                let data = packet.data.get(..packet.caplen as usize).unwrap_or(packet.data);
                segment(link, data, time, on);
            }
            PcapBlockOwned::NG(Block::SimplePacket(packet)) => {
                if let Some(&(link, ..)) = self.sections.first() {
                    segment(link, packet.data, Duration::ZERO, on);
                }
            }
            PcapBlockOwned::NG(_) => {}
        }
    }
}

fn described(interface: &InterfaceDescriptionBlock<'_>) -> (Linktype, u64, i64) {
    let resolution = interface.ts_resolution().filter(|ticks| *ticks > 0).unwrap_or(1_000_000);
    (interface.linktype, resolution, interface.ts_offset())
}

fn ticks_to_time(ticks: u64, resolution: u64, offset: i64) -> Duration {
    let seconds = (ticks / resolution).saturating_add_signed(offset);
    let fraction = u128::from(ticks % resolution) * 1_000_000_000 / u128::from(resolution);
    Duration::new(seconds, u32::try_from(fraction).unwrap_or(0))
}

/// The TCP segment in a captured frame, if there is one.
fn segment(link: Linktype, frame: &[u8], time: Duration, on: &mut impl FnMut(Segment<'_>)) {
    let Some(packet) = sliced(link, frame) else { return };
    let Some(TransportSlice::Tcp(tcp)) = &packet.transport else { return };
    let (from, to): (IpAddr, IpAddr) = match &packet.net {
        Some(LaxNetSlice::Ipv4(ip)) => (ip.header().source_addr().into(), ip.header().destination_addr().into()),
        Some(LaxNetSlice::Ipv6(ip)) => (ip.header().source_addr().into(), ip.header().destination_addr().into()),
        _ => return,
    };
    on(Segment {
        time,
        from: SocketAddr::new(from, tcp.source_port()),
        to: SocketAddr::new(to, tcp.destination_port()),
        sequence: tcp.sequence_number(),
        syn: tcp.syn(),
        ack: tcp.ack(),
        last: tcp.fin() || tcp.rst(),
        payload: tcp.payload(),
    });
}

fn sliced(link: Linktype, frame: &[u8]) -> Option<LaxSlicedPacket<'_>> {
    /// Where a frame of Linux's "cooked" captures says its protocol, and where that begins.
    fn cooked(frame: &[u8], protocol: usize, payload: usize) -> Option<LaxSlicedPacket<'_>> {
        let &[high, low] = frame.get(protocol..protocol + 2)? else { return None };
        Some(LaxSlicedPacket::from_ether_type(EtherType(u16::from_be_bytes([high, low])), frame.get(payload..)?))
    }
    match link {
        Linktype::ETHERNET => LaxSlicedPacket::from_ethernet(frame).ok(),
        Linktype::LINUX_SLL => cooked(frame, 14, 16),
        Linktype::LINUX_SLL2 => cooked(frame, 0, 20),
        // The address family, in the byte order of who captured.
        Linktype::NULL | Linktype::LOOP => LaxSlicedPacket::from_ip(frame.get(4..)?).ok(),
        // 12 and 14 are what systems call raw IP inside.
        Linktype::RAW | Linktype::IPV4 | Linktype::IPV6 | Linktype(12 | 14) => LaxSlicedPacket::from_ip(frame).ok(),
        _ => None,
    }
}
