//! Addresses on networks: ranges of IP, five-tuples, MAC addresses (LS1 s3.4.1.9 to s3.4.1.14).

use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};

use crate::encoding::error::LanguageRule;
use crate::encoding::out::Writer;
use crate::encoding::source::{Kind, Reader, Shape};
use crate::encoding::text::Str;
use crate::encoding::value::{Value, Write};
use crate::language::formats;
use crate::language::vocabulary::{ConnectionKey, Protocol};

macro_rules! nets {
    ($($(#[$doc:meta])* $name:ident: $address:ident, $most:literal, $octets:literal, $parse:path, $rule:ident, $write:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct $name {
            /// The address.
            pub address: $address,
            prefix: Option<u8>,
        }

        impl $name {
            /// One host: an address without a prefix length.
            pub const fn host(address: $address) -> Self {
                Self { address, prefix: None }
            }

            #[doc = concat!("A range; `None` if the prefix length is more than ", $most, ".")]
            pub const fn new(address: $address, prefix: u8) -> Option<Self> {
                if prefix > $most { None } else { Some(Self { address, prefix: Some(prefix) }) }
            }

            #[doc = concat!("The length of the prefix that a range shares; absent, it is one host, as with ", $most, ".")]
            pub const fn prefix(&self) -> Option<u8> {
                self.prefix
            }

            /// Reads the text form, such as `address/length`.
            pub fn parse(text: &str) -> Option<Self> {
                Self::from_text(Str::new(text))
            }

            fn from_text(text: Str<'_>) -> Option<Self> {
                let (address, prefix) = $parse(text)?;
                Some(Self { address, prefix })
            }
        }

        impl<'a> Value<'a> for $name {
            #[inline(always)]
    fn empty() -> Self {
        Self::host($address::UNSPECIFIED)
    }

            fn fill(&mut self, r: &mut Reader<'a, '_>) {
                let at = r.at;
                let net = if r.kind() == Kind::List && !r.is_json() {
                    let (octets, prefix) = pair(r, at, LanguageRule::$rule);
                    octets.try_into().ok().and_then(|octets: [u8; $octets]| match (octets.into(), prefix) {
                        (address, Some(prefix)) => Self::new(address, u8::try_from(prefix).ok()?),
                        (address, None) => Some(Self::host(address)),
                    })
                } else {
                    Self::from_text(r.text_unless_concise(LanguageRule::WantList))
                };
                match net {
                    Some(net) => *self = net,
                    None => r.fail_at(at, LanguageRule::$rule),
                }
            }
        }

        impl Write for $name {
            fn write(&self, out: &mut Writer<'_>) {
                if out.concise() {
                    let mut frame = out.open_list();
                    out.item(&mut frame);
                    out.bytes($octets, self.address.octets().into_iter());
                    if let Some(prefix) = self.prefix {
                        out.item(&mut frame);
                        out.integer(u64::from(prefix));
                    }
                    return out.close(frame);
                }
                let mut line = Line::EMPTY;
                $write(self.address, &mut line);
                if let Some(prefix) = self.prefix {
                    line.put(b'/');
                    line.decimal(u32::from(prefix));
                }
                out.simple(line.as_bytes());
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut line = Line::EMPTY;
                $write(self.address, &mut line);
                if let Some(prefix) = self.prefix {
                    line.put(b'/');
                    line.decimal(u32::from(prefix));
                }
                f.pad(line.as_str())
            }
        }

        impl From<$address> for $name {
            fn from(address: $address) -> Self {
                Self::host(address)
            }
        }
    )*};
}

nets! {
    /// A range of IPv4 addresses (LS1 s3.4.1.9).
    Ipv4Net: Ipv4Addr, 32, 4, formats::ipv4_net, Ipv4Net, write_ipv4;
    /// A range of IPv6 addresses (LS1 s3.4.1.11); written as RFC 5952 recommends.
    Ipv6Net: Ipv6Addr, 128, 16, formats::ipv6_net, Ipv6Net, write_ipv6;
}

/// CBOR has the address and the prefix length as separate fields (LS1 s3.4.1.9).
fn pair<'a>(r: &mut Reader<'a, '_>, at: usize, rule: LanguageRule) -> (&'a [u8], Option<u64>) {
    let mut walk = r.open_list();
    if !r.more(&mut walk) {
        return (&[], None);
    }
    let octets = r.bytes();
    if !r.more(&mut walk) {
        return (octets, None);
    }
    let prefix = r.integer();
    let more = r.more(&mut walk);
    r.require(!more, at, rule);
    (octets, Some(prefix))
}

/// Room for the longest address and its prefix length.
struct Line {
    bytes: [u8; 48],
    length: usize,
}

impl Line {
    const EMPTY: Self = Self { bytes: [0; 48], length: 0 };

    fn put(&mut self, byte: u8) {
        if let Some(room) = self.bytes.get_mut(self.length) {
            *room = byte;
            self.length += 1;
        }
    }

    fn decimal(&mut self, value: u32) {
        let digit = |digit: u32| b'0' | u8::try_from(digit % 10).unwrap_or(0);
        if value >= 100 {
            self.put(digit(value / 100));
        }
        if value >= 10 {
            self.put(digit(value / 10));
        }
        self.put(digit(value));
    }

    fn hexadecimal(&mut self, value: u16) {
        for shift in [12u16, 8, 4, 0] {
            let rest = value >> shift;
            if rest != 0 || shift == 0 {
                let digit = char::from_digit(u32::from(rest & 15), 16).and_then(|c| u8::try_from(c).ok());
                self.put(digit.unwrap_or(b'0'));
            }
        }
    }

    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    fn as_str(&self) -> &str {
        core::str::from_utf8(self.as_bytes()).unwrap_or("")
    }
}

fn write_ipv4(address: Ipv4Addr, line: &mut Line) {
    for (index, octet) in address.octets().into_iter().enumerate() {
        if index > 0 {
            line.put(b'.');
        }
        line.decimal(u32::from(octet));
    }
}

/// Lower case, no leading zeros, the first longest run of two or more zero groups as `::` (RFC 5952 s4).
fn write_ipv6(address: Ipv6Addr, line: &mut Line) {
    if let Some(quad) = address.to_ipv4_mapped() {
        b"::ffff:".iter().for_each(|byte| line.put(*byte));
        return write_ipv4(quad, line);
    }
    let segments = address.segments();
    let (mut best, mut longest) = (0usize, 1usize);
    let (mut start, mut run) = (0usize, 0usize);
    for (index, segment) in segments.iter().enumerate() {
        if *segment != 0 {
            run = 0;
            continue;
        }
        if run == 0 {
            start = index;
        }
        run += 1;
        if run > longest {
            (best, longest) = (start, run);
        }
    }
    let gap = if longest > 1 { best..best.saturating_add(longest) } else { 8..8 };
    for (index, segment) in segments.iter().enumerate() {
        if gap.contains(&index) {
            if index == gap.start {
                line.put(b':');
            }
            if index.saturating_add(1) == gap.end && gap.end == 8 {
                line.put(b':');
            }
            continue;
        }
        if index > 0 {
            line.put(b':');
        }
        line.hexadecimal(*segment);
    }
}

/// A five-tuple; what is absent matches any (LS1 s3.4.1.10, s3.4.1.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FiveTuple<N> {
    /// The range of source addresses.
    pub src_addr: Option<N>,
    /// The source port.
    pub src_port: Option<u16>,
    /// The range of destination addresses.
    pub dst_addr: Option<N>,
    /// The destination port.
    pub dst_port: Option<u16>,
    /// The protocol above IP.
    pub protocol: Option<Protocol>,
}

/// A five-tuple of IPv4 (LS1 s3.4.1.10).
pub type Ipv4Connection = FiveTuple<Ipv4Net>;
/// A five-tuple of IPv6 (LS1 s3.4.1.12).
pub type Ipv6Connection = FiveTuple<Ipv6Net>;

impl<N> FiveTuple<N> {
    const ANY: Self = Self { src_addr: None, src_port: None, dst_addr: None, dst_port: None, protocol: None };
}

impl<N> Default for FiveTuple<N> {
    fn default() -> Self {
        Self::ANY
    }
}

fn port(r: &mut Reader<'_, '_>) -> Option<u16> {
    let at = r.at;
    let port = u16::try_from(r.integer()).ok();
    r.require(port.is_some(), at, LanguageRule::Port);
    port
}

impl<'a, N: Value<'a>> Value<'a> for FiveTuple<N> {
    #[inline(always)]
    fn empty() -> Self {
        Self::ANY
    }

    fn fill(&mut self, r: &mut Reader<'a, '_>) {
        let mut members = r.open(Shape::Record);
        while let Some(key) = members.only(r, LanguageRule::UnknownKey) {
            match key {
                ConnectionKey::SrcAddr => self.src_addr = Some(N::read(r)),
                ConnectionKey::SrcPort => self.src_port = port(r),
                ConnectionKey::DstAddr => self.dst_addr = Some(N::read(r)),
                ConnectionKey::DstPort => self.dst_port = port(r),
                ConnectionKey::Protocol => {
                    let at = r.at;
                    self.protocol = r.one_of(LanguageRule::Protocol);
                    let fits = r.v2() || self.protocol != Some(Protocol::Ipv6Icmp);
                    r.require(fits, at, LanguageRule::Protocol);
                }
            }
        }
        members.filled(r, LanguageRule::EmptyTarget);
    }
}

impl<N: Write> Write for FiveTuple<N> {
    fn write(&self, out: &mut Writer<'_>) {
        let mut frame = out.open(Shape::Record);
        let mut empty = true;
        if let Some(address) = &self.src_addr {
            out.field(&mut frame, ConnectionKey::SrcAddr);
            address.write(out);
            empty = false;
        }
        if let Some(port) = self.src_port {
            out.field(&mut frame, ConnectionKey::SrcPort);
            out.integer(u64::from(port));
            empty = false;
        }
        if let Some(address) = &self.dst_addr {
            out.field(&mut frame, ConnectionKey::DstAddr);
            address.write(out);
            empty = false;
        }
        if let Some(port) = self.dst_port {
            out.field(&mut frame, ConnectionKey::DstPort);
            out.integer(u64::from(port));
            empty = false;
        }
        if let Some(protocol) = self.protocol {
            out.require(protocol != Protocol::Ipv6Icmp || out.v2(), LanguageRule::Protocol);
            out.field(&mut frame, ConnectionKey::Protocol);
            out.one_of(protocol);
            empty = false;
        }
        out.require(!empty, LanguageRule::EmptyTarget);
        out.close(frame);
    }
}

/// A MAC address of 6 (EUI-48) or 8 (EUI-64) octets (LS1 s3.4.1.14).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct MacAddr {
    octets: [u8; 8],
    long: bool,
}

impl MacAddr {
    /// An EUI-48.
    pub const fn eui48(octets: [u8; 6]) -> Self {
        let [a, b, c, d, e, f] = octets;
        Self { octets: [a, b, c, d, e, f, 0, 0], long: false }
    }

    /// An EUI-64.
    pub const fn eui64(octets: [u8; 8]) -> Self {
        Self { octets, long: true }
    }

    /// The 6 or 8 octets.
    pub fn octets(&self) -> &[u8] {
        let length = if self.long { 8 } else { 6 };
        self.octets.get(..length).unwrap_or_default()
    }

    /// Reads pairs of hexadecimal digits divided by colons, or all by hyphens.
    pub fn parse(text: &str) -> Option<Self> {
        let between = *text.as_bytes().get(2)?;
        if !matches!(between, b':' | b'-') {
            return None;
        }
        let mut octets = [0u8; 8];
        let mut count = 0usize;
        for pair in text.as_bytes().split(|byte| *byte == between) {
            let [high, low] = pair else { return None };
            let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            *octets.get_mut(count)? = (digit(*high)? << 4) | digit(*low)?;
            count = count.checked_add(1)?;
        }
        matches!(count, 6 | 8).then_some(Self { octets, long: count == 8 })
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, octet) in self.octets().iter().enumerate() {
            let colon = if index > 0 { ":" } else { "" };
            write!(f, "{colon}{octet:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'a> Value<'a> for MacAddr {
    #[inline(always)]
    fn empty() -> Self {
        Self::eui48([0; 6])
    }

    fn fill(&mut self, r: &mut Reader<'a, '_>) {
        let at = r.at;
        let found = if r.kind() == Kind::Bytes {
            let bytes = r.bytes();
            match (bytes.try_into(), bytes.try_into()) {
                (Ok(six), _) => Some(Self::eui48(six)),
                (_, Ok(eight)) => Some(Self::eui64(eight)),
                _ => None,
            }
        } else {
            r.text_unless_concise(LanguageRule::WantBinary).read(&mut [0; 24]).and_then(Self::parse)
        };
        match found {
            Some(found) => *self = found,
            None => r.fail_at(at, LanguageRule::MacAddr),
        }
    }
}

impl Write for MacAddr {
    fn write(&self, out: &mut Writer<'_>) {
        let octets = self.octets();
        if out.concise() {
            out.bytes(octets.len(), octets.iter().copied())
        } else {
            out.hex(octets.len(), octets.iter().copied(), ":")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_address_is_written_as_rfc_5952_recommends() {
        for text in [
            "::",
            "::1",
            "1::",
            "2001:db8::1",
            "2001:db8:0:1:1:1:1:1",
            "2001:0:0:1::1",
            "1:2:3:4:5:6:7:8",
            "::ffff:192.0.2.1",
            "fe80::/10",
            "0:1::",
        ] {
            assert_eq!(format(Ipv6Net::parse(text).unwrap()).as_str(), text);
        }
        assert_eq!(format(Ipv6Net::parse("2001:DB8:0000:0:0:0:0:0A").unwrap()).as_str(), "2001:db8::a");
        assert_eq!(format(Ipv6Net::parse("0:0:0:1:0:0:0:0").unwrap()).as_str(), "0:0:0:1::");
    }

    fn format(net: Ipv6Net) -> Line {
        let mut line = Line::EMPTY;
        write_ipv6(net.address, &mut line);
        if let Some(prefix) = net.prefix() {
            line.put(b'/');
            line.decimal(u32::from(prefix));
        }
        line
    }

    #[test]
    fn mac_addresses() {
        assert_eq!(MacAddr::parse("C7:59:22:bf:0A:01"), Some(MacAddr::eui48([0xC7, 0x59, 0x22, 0xBF, 0x0A, 0x01])));
        assert_eq!(MacAddr::parse("C7-59-22-BF-0A-01-02-03").map(|mac| mac.octets().len()), Some(8));
        for bad in [
            "",
            "C7",
            "C7:59:22:BF:0A",
            "C7:59:22:BF:0A:01:02",
            "C7:59-22:BF:0A:01",
            "G7:59:22:BF:0A:01",
            "C759.22BF.0A01",
            "+7:59:22:BF:0A:01",
        ] {
            assert_eq!(MacAddr::parse(bad), None, "{bad}");
        }
    }
}
