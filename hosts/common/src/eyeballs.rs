//! In which order the addresses of a name are tried, and how soon the next one (RFC 8305, "happy eyeballs").

use core::net::SocketAddr;
use core::time::Duration;

/// How long an address may take before the next one is tried beside it (RFC 8305 section 5).
pub const STAGGER: Duration = Duration::from_millis(250);

/// The addresses with the two families in turn, beginning with that of the first: a family without a route keeps nobody
/// waiting for long.
#[must_use]
pub fn interleaved(places: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first = places.first().is_some_and(SocketAddr::is_ipv6);
    let (mut one, mut other): (Vec<_>, Vec<_>) = places.into_iter().partition(|place| place.is_ipv6() == first);
    one.reverse();
    other.reverse();
    let mut order = Vec::with_capacity(one.len() + other.len());
    while let Some(place) = one.pop() {
        order.push(place);
        order.extend(other.pop());
    }
    other.reverse();
    order.extend(other);
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_families_take_turns_and_none_is_left_out() {
        let places = |list: &[&str]| list.iter().map(|place| place.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let [a, b, c, d] = ["[::1]:1", "[::2]:1", "10.0.0.1:1", "10.0.0.2:1"];
        assert_eq!(interleaved(places(&[a, b, c])), places(&[a, c, b]));
        assert_eq!(interleaved(places(&[c, a, d, b])), places(&[c, a, d, b]));
        assert_eq!(interleaved(places(&[a, c, d])), places(&[a, c, d]));
        assert_eq!(interleaved(Vec::new()), []);
    }
}
