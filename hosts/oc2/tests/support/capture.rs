//! Captures of one TCP connection, from 10.0.0.1:50000 to 10.0.0.2:1883, in IPv4 on Ethernet.

/// 28 November 2026, 09:00 UTC.
const TIME: u32 = 1_795_856_400;

/// A file that frames are written into.
pub(crate) trait Capture {
    fn frame(&mut self, frame: &[u8]);
    fn bytes(&self) -> Vec<u8>;

    /// The client's first segment, or the server's.
    fn syn(&mut self, up: bool, sequence: u32) {
        self.frame(&frame(up, sequence, 0x02, b""));
    }

    fn segment(&mut self, up: bool, sequence: u32, payload: &[u8]) {
        self.frame(&frame(up, sequence, 0x18, payload));
    }
}

fn frame(up: bool, sequence: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let (client, server) = ([10, 0, 0, 1], [10, 0, 0, 2]);
    let (ports, [from, to]) =
        if up { ([0xC3, 0x50, 0x07, 0x5B], [client, server]) } else { ([0x07, 0x5B, 0xC3, 0x50], [server, client]) };
    let length = u16::try_from(40 + payload.len()).unwrap().to_be_bytes();
    let ethernet = b"\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01\x08\x00";
    let ip = [&[0x45, 0, length[0], length[1], 0, 0, 0x40, 0, 64, 6, 0, 0][..], &from, &to].concat();
    let tcp = [&ports[..], &sequence.to_be_bytes(), &[0, 0, 0, 0, 0x50, flags, 0xFF, 0xFF, 0, 0, 0, 0]].concat();
    // A frame is filled up to 60 bytes, and the filling is no payload.
    let mut frame = [ethernet, ip.as_slice(), &tcp, payload].concat();
    frame.resize(frame.len().max(60), 0);
    frame
}

/// pcap, little-endian, microseconds.
pub(crate) struct Pcap(Vec<u8>);

impl Pcap {
    pub(crate) fn new() -> Self {
        Self(b"\xd4\xc3\xb2\xa1\x02\x00\x04\x00\0\0\0\0\0\0\0\0\xff\xff\0\0\x01\0\0\0".to_vec())
    }
}

impl Capture for Pcap {
    fn frame(&mut self, frame: &[u8]) {
        let length = u32::try_from(frame.len()).unwrap();
        for number in [TIME, 1, length, length] {
            self.0.extend(number.to_le_bytes());
        }
        self.0.extend(frame);
    }

    fn bytes(&self) -> Vec<u8> {
        self.0.clone()
    }
}

/// pcapng, big-endian, one interface with microseconds.
pub(crate) struct Pcapng(Vec<u8>);

impl Pcapng {
    pub(crate) fn new() -> Self {
        let section = b"\x0a\x0d\x0d\x0a\0\0\0\x1c\x1a\x2b\x3c\x4d\0\x01\0\0\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\x1c";
        let interface = b"\0\0\0\x01\0\0\0\x14\0\x01\0\0\0\0\xff\xff\0\0\0\x14";
        Self([&section[..], interface].concat())
    }
}

impl Capture for Pcapng {
    fn frame(&mut self, frame: &[u8]) {
        let mut data = frame.to_vec();
        data.resize(frame.len().next_multiple_of(4), 0);
        let [block, length] = [32 + data.len(), frame.len()].map(|length| u32::try_from(length).unwrap());
        let ticks = u64::from(TIME) * 1_000_000 + 1;
        let (high, low) = (u32::try_from(ticks >> 32).unwrap(), u32::try_from(ticks & 0xFFFF_FFFF).unwrap());
        for number in [6, block, 0, high, low, length, length] {
            self.0.extend(number.to_be_bytes());
        }
        self.0.extend(data);
        self.0.extend(block.to_be_bytes());
    }

    fn bytes(&self) -> Vec<u8> {
        self.0.clone()
    }
}
