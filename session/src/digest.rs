//! Names that are compared and never shown, in four bytes each: client identifiers, authentication methods.

use core::num::NonZeroU32;

/// Tells strings apart (FNV-1a).
pub(crate) fn digest(bytes: &[u8]) -> NonZeroU32 {
    let hash = bytes.iter().fold(0x811C_9DC5u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
    NonZeroU32::MIN | hash
}
