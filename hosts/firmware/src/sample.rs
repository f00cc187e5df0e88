//! The PUBLISH that is measured: QoS 1, 322 bytes, of which 256 are payload, with a content type and two user properties.

/// Its bytes, from a word's beginning on.
pub static PUBLISH: &[u8; 322] = &ALIGNED.0;

#[repr(align(4))]
struct Aligned([u8; 322]);

static ALIGNED: Aligned = Aligned({
    let head = *b"\x32\xBF\x02\x00\x0Foc2/cmd/ap/slpf\x00\x07\x2B\
        \x03\x00\x10application/json\
        \x26\x00\x07msgType\x00\x03req\
        \x26\x00\x01v\x00\x032.0";
    let mut bytes = [b'x'; 322];
    let mut at = 0;
    while at < head.len() {
        bytes[at] = head[at];
        at += 1;
    }
    assert!(head.len() == 322 - 256);
    bytes
});
