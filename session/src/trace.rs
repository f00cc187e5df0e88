//! What is logged: the few things that an operator wants to know of. Without the features `log` and `defmt`, nothing.

use crate::error::Fault;

#[inline]
pub(crate) fn fault(_fault: &Fault) {
    #[cfg(feature = "log")]
    log::warn!("the server broke the protocol: {_fault}");
    #[cfg(feature = "defmt")]
    defmt::warn!("the server broke the protocol: {=u8:#x} {=str}", _fault.reason.value(), _fault.rule.id());
}

#[inline]
pub(crate) fn connected(_resumed: bool, _lost: u16) {
    #[cfg(feature = "log")]
    log::info!("connected, session resumed: {_resumed}, exchanges lost: {_lost}");
    #[cfg(feature = "defmt")]
    defmt::info!("connected, session resumed: {=bool}, exchanges lost: {=u16}", _resumed, _lost);
}

#[inline]
pub(crate) fn ended(_reason: u8) {
    #[cfg(feature = "log")]
    log::info!("the server ended the connection: 0x{_reason:02X}");
    #[cfg(feature = "defmt")]
    defmt::info!("the server ended the connection: {=u8:#x}", _reason);
}
