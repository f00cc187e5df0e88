//! The text formats of the language (LS1 s3.1.2): host names, addresses of mail, nets and resources, each a
//! predicate or a parser over borrowed text.

use core::net::{Ipv4Addr, Ipv6Addr};

use crate::encoding::text::Str;

/// The most bytes of an escaped name that are looked at; names without escapes are not copied.
const NAME: usize = 512;

pub(crate) fn on_str(text: Str<'_>, check: fn(&str) -> bool) -> bool {
    match text.as_plain() {
        Some(plain) => check(plain),
        None => text.read(&mut [0; NAME]).is_some_and(check),
    }
}

/// A host name: labels of letters, digits and inner hyphens, 63 bytes each, 253 in all (RFC 1034 s3.5, RFC 1123 s2.1).
pub fn hostname(text: Str<'_>) -> bool {
    // A dot at the end says "from the root".
    on_str(text, |name| domain(name.strip_suffix('.').unwrap_or(name)))
}

fn domain(name: &str) -> bool {
    name.len() <= 253 && labels(name)
}

fn labels(name: &str) -> bool {
    name.as_bytes().split(|byte| *byte == b'.').all(label)
}

pub(crate) fn label(label: &[u8]) -> bool {
    matches!(label.len(), 1..=63)
        && label.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
        && label.first() != Some(&b'-')
        && label.last() != Some(&b'-')
}

/// An e-mail address: `local@domain`, the local part a dot-atom or a quoted string, the domain a name or a literal
/// in brackets (RFC 5322 s3.4.1, without comments and folding).
pub(crate) fn email(text: Str<'_>) -> bool {
    on_str(text, |address| address.is_ascii() && mailbox(address, domain))
}

pub(crate) fn mailbox(address: &str, domain_ok: fn(&str) -> bool) -> bool {
    let Some(at) = address.as_bytes().iter().rposition(|byte| *byte == b'@') else { return false };
    let (Some(local), Some(domain)) = (address.get(..at), address.get(at.saturating_add(1)..)) else { return false };
    let literal = domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let domain_ok = match literal {
        Some(literal) => match literal.strip_prefix("IPv6:") {
            Some(address) => ipv6(address.as_bytes()).is_some(),
            None => ipv4(literal.as_bytes()).is_some(),
        },
        None => domain_ok(domain),
    };
    domain_ok && local.len() <= 64 && (local.as_bytes().split(|byte| *byte == b'.').all(atom) || quoted(local))
}

fn atom(atom: &[u8]) -> bool {
    // Bytes beyond ASCII are those of characters that only an internationalized address may have.
    !atom.is_empty()
        && atom
            .iter()
            .all(|byte| !byte.is_ascii() || byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(byte))
}

fn quoted(local: &str) -> bool {
    let Some(inner) = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return false };
    let mut escaped = false;
    for c in inner.chars() {
        if c.is_control() || (c == '"' && !escaped) {
            return false;
        }
        escaped = c == '\\' && !escaped;
    }
    !escaped
}

/// A decimal number of 0 to 255 without leading zeros, and what follows it.
fn octet(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let digit = |bytes: &[u8]| bytes.first().map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10);
    let mut value = u32::from(digit(bytes)?);
    let mut rest = bytes.get(1..)?;
    while value != 0
        && value < 100
        && let (Some(digit), Some(after)) = (digit(rest), rest.get(1..))
    {
        value = value.wrapping_mul(10).wrapping_add(u32::from(digit));
        rest = after;
    }
    Some((u8::try_from(value).ok()?, rest))
}

/// Four decimal numbers of 0 to 255 without leading zeros (RFC 2673 s3.2), and what follows them.
fn quad(bytes: &[u8]) -> Option<(Ipv4Addr, &[u8])> {
    let mut octets = [0u8; 4];
    let mut rest = bytes;
    for (index, value) in octets.iter_mut().enumerate() {
        if index > 0 {
            rest = rest.strip_prefix(b".")?;
        }
        (*value, rest) = octet(rest)?;
    }
    Some((Ipv4Addr::from(octets), rest))
}

/// Four decimal numbers and nothing else.
pub(crate) fn ipv4(bytes: &[u8]) -> Option<Ipv4Addr> {
    let (address, rest) = quad(bytes)?;
    rest.is_empty().then_some(address)
}

/// A decimal number of at most `most` digits without leading zeros.
pub(crate) fn decimal(digits: &[u8], most: usize) -> Option<u32> {
    if digits.is_empty() || digits.len() > most || (digits.len() > 1 && digits.starts_with(b"0")) {
        return None;
    }
    digits.iter().try_fold(0u32, |sum, digit| sum.checked_mul(10)?.checked_add(char::from(*digit).to_digit(10)?))
}

/// Eight groups of hexadecimal digits, `::` for a run of zeros, perhaps a dotted quad at the end (RFC 4291 s2.2).
pub fn ipv6(bytes: &[u8]) -> Option<Ipv6Addr> {
    let split = bytes.windows(2).position(|pair| pair == b"::");
    let mut segments = [0u16; 8];
    match split {
        None => {
            if groups(bytes, &mut segments)? != 8 {
                return None;
            }
        }
        Some(at) => {
            let mut tail = [0u16; 8];
            let head_count = groups(bytes.get(..at)?, &mut segments)?;
            let tail_count = groups(bytes.get(at.checked_add(2)?..)?, &mut tail)?;
            // The double colon stands for at least one group, and a dotted quad only at the very end.
            if head_count.checked_add(tail_count)? > 7 || bytes.get(..at)?.contains(&b'.') {
                return None;
            }
            for (segment, group) in segments.iter_mut().rev().zip(tail.get(..tail_count)?.iter().rev()) {
                *segment = *group;
            }
        }
    }
    Some(Ipv6Addr::from(segments))
}

/// Reads groups divided by single colons; how many there are.
fn groups(bytes: &[u8], segments: &mut [u16; 8]) -> Option<usize> {
    if bytes.is_empty() {
        return Some(0);
    }
    let mut count = 0usize;
    let mut parts = bytes.split(|byte| *byte == b':').peekable();
    while let Some(part) = parts.next() {
        if part.contains(&b'.') {
            if parts.peek().is_some() {
                return None;
            }
            let [a, b, c, d] = ipv4(part)?.octets();
            *segments.get_mut(count)? = u16::from_be_bytes([a, b]);
            *segments.get_mut(count.checked_add(1)?)? = u16::from_be_bytes([c, d]);
            return count.checked_add(2);
        }
        if part.is_empty() || part.len() > 4 {
            return None;
        }
        let group = part.iter().try_fold(0u32, |sum, digit| Some((sum << 4) | char::from(*digit).to_digit(16)?))?;
        *segments.get_mut(count)? = u16::try_from(group).ok()?;
        count = count.checked_add(1)?;
    }
    Some(count)
}

/// What follows an address: nothing, or a slash and a prefix length of at most `most`.
fn prefix(rest: &[u8], most: u32) -> Option<Option<u8>> {
    let Some((slash, digits)) = rest.split_first() else { return Some(None) };
    let prefix = decimal(digits, 3).filter(|prefix| *slash == b'/' && *prefix <= most)?;
    Some(Some(u8::try_from(prefix).ok()?))
}

/// An IPv4 address with or without a prefix length (RFC 4632 s3.1).
pub(crate) fn ipv4_net(text: Str<'_>) -> Option<(Ipv4Addr, Option<u8>)> {
    let mut buffer = [0; 24];
    let (address, rest) = quad(text.read(&mut buffer)?.as_bytes())?;
    Some((address, prefix(rest, 32)?))
}

/// An IPv6 address with or without a prefix length (RFC 4291 s2.3).
pub(crate) fn ipv6_net(text: Str<'_>) -> Option<(Ipv6Addr, Option<u8>)> {
    let mut buffer = [0; 64];
    let bytes = text.read(&mut buffer)?.as_bytes();
    let slash = bytes.iter().position(|byte| *byte == b'/').unwrap_or(bytes.len());
    let (before, rest) = bytes.split_at_checked(slash)?;
    Some((ipv6(before)?, prefix(rest, 128)?))
}

/// A resource identifier: a scheme, then what RFC 3986 s2 and s3 allow; beyond ASCII only where `international` (RFC 3987).
fn resource(text: Str<'_>, international: bool) -> bool {
    let mut chars = text.chars();
    if !chars.next().is_some_and(|c| c.is_ascii_alphabetic()) {
        return false;
    }
    loop {
        match chars.next() {
            Some(':') => break,
            Some(c) if c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.') => {}
            _ => return false,
        }
    }
    let mut ahead = chars.clone();
    if ahead.next() == Some('/') && ahead.next() == Some('/') {
        chars = ahead;
        match authority(chars, international) {
            Some(rest) => chars = rest,
            None => return false,
        }
    }
    let mut fragment = false;
    let mut query = false;
    while let Some(c) = chars.next() {
        let allowed = match c {
            '%' => hex_pair(&mut chars),
            '#' if !fragment => {
                fragment = true;
                true
            }
            '?' => {
                query = true;
                true
            }
            '/' | ':' | '@' => true,
            _ => unreserved(c, international, query || fragment) || sub_delimiter(c),
        };
        if !allowed {
            return false;
        }
    }
    true
}

/// A URI (RFC 3986).
pub(crate) fn uri(text: Str<'_>) -> bool {
    resource(text, false)
}

/// An IRI (RFC 3987).
pub(crate) fn iri(text: Str<'_>) -> bool {
    resource(text, true)
}

/// `[userinfo@]host[:port]`; what follows it.
fn authority(
    mut chars: crate::encoding::text::Chars<'_>,
    international: bool,
) -> Option<crate::encoding::text::Chars<'_>> {
    let ends = |c: char| matches!(c, '/' | '?' | '#');
    // A user stands before the host exactly if an @ comes before the authority's end.
    if chars.clone().take_while(|c| !ends(*c)).any(|c| c == '@') {
        loop {
            match chars.next()? {
                '@' => break,
                '%' if hex_pair(&mut chars) => {}
                ':' => {}
                c if unreserved(c, international, false) || sub_delimiter(c) => {}
                _ => return None,
            }
        }
    }
    let mut rest = chars.clone();
    if rest.next() == Some('[') {
        let mut literal = [0u8; 64];
        let mut length = 0usize;
        loop {
            match rest.next()? {
                ']' => break,
                c => {
                    *literal.get_mut(length)? = u8::try_from(c).ok()?;
                    length = length.checked_add(1)?;
                }
            }
        }
        let literal = literal.get(..length)?;
        let future = literal.first().is_some_and(|c| c.eq_ignore_ascii_case(&b'v')) && literal.contains(&b'.');
        if !future && ipv6(literal).is_none() {
            return None;
        }
        chars = rest;
    } else {
        loop {
            let here = chars.clone();
            match chars.next() {
                None => return Some(chars),
                Some(c) if ends(c) || c == ':' => {
                    chars = here;
                    break;
                }
                Some('%') if hex_pair(&mut chars) => {}
                Some(c) if unreserved(c, international, false) || sub_delimiter(c) => {}
                Some(_) => return None,
            }
        }
    }
    let mut rest = chars.clone();
    if rest.next() == Some(':') {
        chars = rest;
        loop {
            let here = chars.clone();
            match chars.next() {
                Some(c) if c.is_ascii_digit() => {}
                Some(c) if ends(c) => return Some(here),
                None => return Some(chars),
                Some(_) => return None,
            }
        }
    }
    match chars.clone().next() {
        Some(c) if !ends(c) => None,
        _ => Some(chars),
    }
}

fn hex_pair(chars: &mut crate::encoding::text::Chars<'_>) -> bool {
    chars.next().is_some_and(|c| c.is_ascii_hexdigit()) && chars.next().is_some_and(|c| c.is_ascii_hexdigit())
}

fn unreserved(c: char, international: bool, private: bool) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~');
    }
    // ucschar and, in queries, iprivate of RFC 3987 s2.2.
    international
        && match u32::from(c) {
            0xA0..=0xD7FF | 0xF900..=0xFDCF | 0xFDF0..=0xFFEF => true,
            0xE000..=0xF8FF | 0xF_0000..=0x10_FFFD => private,
            code => (0x1_0000..=0xE_FFFD).contains(&code) && code & 0xFFFF <= 0xFFFD,
        }
}

const fn sub_delimiter(c: char) -> bool {
    matches!(c, '!' | '$' | '&' | '\'' | '(' | ')' | '*' | '+' | ',' | ';' | '=')
}

/// A command identifier: at most 36 characters, none of them white space (LS1 s3.4.2.16).
pub(crate) fn command_id(text: Str<'_>) -> bool {
    let mut chars = text.chars();
    chars.by_ref().take(36).all(|c| !c.is_whitespace()) && chars.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(check: impl Fn(Str<'_>) -> bool, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(check(Str::new(text)), "{text}");
        }
        for text in bad {
            assert!(!check(Str::new(text)), "{text}");
        }
    }

    #[test]
    fn host_names() {
        all(
            hostname,
            &["a", "example.com", "xn--bcher-kva.example", "a-b.c1", "3com.com", "example.com."],
            &["", ".", "a..b", "-a.com", "a-.com", "a_b.com", "bücher.example", "a b"],
        );
        let long = core::str::from_utf8(&[b'a'; 64]).unwrap();
        assert!(!hostname(Str::new(long)));
    }

    #[test]
    fn e_mail_addresses() {
        all(
            email,
            &["a@b.example", "a.b+c@example.com", "\"a b\"@example.com", "a@[192.0.2.1]", "a@[IPv6:2001:db8::1]"],
            &["", "a", "@b.c", "a@", "a..b@c.d", "a b@c.d", "a@b_c.d", "é@example.com", "\"a\"b\"@c.d"],
        );
    }

    #[test]
    fn nets() {
        assert_eq!(ipv4_net(Str::new("198.51.100.0/24")), Some((Ipv4Addr::new(198, 51, 100, 0), Some(24))));
        assert_eq!(ipv4_net(Str::new("198.51.100.7")), Some((Ipv4Addr::new(198, 51, 100, 7), None)));
        for bad in [
            "",
            "1.2.3",
            "1.2.3.4.5",
            "256.1.1.1",
            "01.2.3.4",
            "1.2.3.4/33",
            "1.2.3.4/",
            "1.2.3.4/024",
            "1.2.3.4/-1",
            " 1.2.3.4",
            "1.2.3.x",
        ] {
            assert_eq!(ipv4_net(Str::new(bad)), None, "{bad}");
        }
        for good in ["::", "::1", "2001:db8::/32", "1:2:3:4:5:6:7:8", "::ffff:192.0.2.1", "1::8/128", "fe80::1:2"] {
            let (address, _) = ipv6_net(Str::new(good)).unwrap();
            assert_eq!(Ok(address), good.split('/').next().unwrap().parse(), "{good}");
        }
        for bad in [
            "",
            ":",
            ":::",
            "1:2",
            "1:2:3:4:5:6:7:8:9",
            "1::2::3",
            "12345::",
            "::1/129",
            "1:2:3:4:5:6:7::8",
            "::1.2.3",
            "1.2.3.4::",
            "g::",
        ] {
            assert_eq!(ipv6_net(Str::new(bad)), None, "{bad}");
        }
    }

    #[test]
    fn resources() {
        let good = [
            "http://example.com",
            "https://u:p@example.com:8080/a/b?c=d&e#f",
            "urn:uuid:6ba7b810",
            "mailto:a@b.c",
            "file:///etc/hosts",
            "http://[2001:db8::1]:80/",
            "a:",
            "http://%41/",
            "http://example.com/a//b?x/y?z",
            "http://[v1.a]/",
        ];
        let bad = [
            "",
            "example.com",
            "/a/b",
            "1http://a",
            ":a",
            "http://a b",
            "http://a/%4",
            "http://a/%zz",
            "http://[::1",
            "http://[zz]/",
            "http://a:8x/",
            "http://a/#b#c",
            "http://a/<b>",
            "http://bücher.example/",
            "http://a]b/",
        ];
        all(|text| resource(text, false), &good, &bad);
        all(
            |text| resource(text, true),
            &["http://bücher.example/ä?\u{e000}#ü", "http://a/"],
            &["bücher", "http://a/\u{e000}", "http://a/ b"],
        );
        assert!(resource(Str::from_json(r"http:\/\/example.com\/", true), false));
    }

    #[test]
    fn command_identifiers() {
        all(
            command_id,
            &["", "a", "d1ac0489-ed51-4345-9175-f3078f30afe5"],
            &["a b", "a\t", "d1ac0489-ed51-4345-9175-f3078f30afe5x"],
        );
    }
}
