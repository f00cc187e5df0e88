//! Numbers that JSON and CBOR both hold exactly: a decimal of at most 53 bits and a power of ten.

use crate::encoding::text::cut;

/// The largest integer that every JSON reader holds exactly (RFC 7493 s2.2).
pub(crate) const MAX_INTEGER: u64 = (1 << 53) - 1;

/// A number of 0 or more (LS1 s3.1.1, type Number): `digits` × 10^`exponent`, kept exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Number {
    digits: u64,
    exponent: i8,
}

impl Number {
    pub(crate) const ZERO: Self = Self { digits: 0, exponent: 0 };

    /// `digits` × 10^`exponent`; `None` if `digits` needs more than 53 bits, or `exponent` is not within -22 to 22: a double
    /// holds these exactly.
    pub fn new(digits: u64, exponent: i8) -> Option<Self> {
        if digits > MAX_INTEGER || exponent.unsigned_abs() > 22 {
            return None;
        }
        Some(Self { digits, exponent }.reduced())
    }

    /// One form for one value: no zero at the end of the digits, unless the exponent would rise above 0.
    fn reduced(mut self) -> Self {
        if self.digits == 0 {
            self.exponent = 0;
        }
        while self.exponent < 0 && self.digits.is_multiple_of(10) {
            self.digits /= 10;
            self.exponent += 1;
        }
        while self.exponent > 0 && self.digits <= MAX_INTEGER / 10 {
            self.digits = self.digits.saturating_mul(10);
            self.exponent -= 1;
        }
        self
    }

    /// The value as the nearest double.
    pub fn to_f64(self) -> f64 {
        scaled(self.digits, i32::from(self.exponent)).unwrap_or(0.0)
    }

    /// The decimal that reads back as this double; `None` below 0, and for what needs more than 53 bits or 19 places.
    pub fn from_f64(value: f64) -> Option<Self> {
        // Minus zero is zero.
        if value.to_bits() << 1 == 0 {
            return Some(Self::ZERO);
        }
        let (digits, places) = shortest(value).filter(|_| value.is_sign_positive())?;
        Self::new(digits, i8::try_from(places).ok()?.checked_neg()?)
    }

    /// The value, if it is an integer.
    pub const fn integer(self) -> Option<u64> {
        if self.exponent == 0 { Some(self.digits) } else { None }
    }

    /// The digits and the power of ten.
    pub(crate) const fn parts(self) -> (u64, i8) {
        (self.digits, self.exponent)
    }

    /// A number of JSON, spelled as RFC 8259 s6 says.
    pub(crate) fn from_json(span: &str) -> Option<Self> {
        let (mantissa, exponent) = match span.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (span, 0),
        };
        let (whole, fraction) = cut(mantissa, b'.').unwrap_or((mantissa, ""));
        let mut fraction = fraction.trim_end_matches('0');
        let mut digits = 0u64;
        if whole.starts_with('-') {
            // Only minus zero is no less than 0.
            return (whole == "-0" && fraction.is_empty()).then_some(Self { digits: 0, exponent: 0 });
        }
        let mut shift = exponent;
        for byte in whole.bytes().chain(fraction.bytes()) {
            digits = digits.checked_mul(10)?.checked_add(u64::from(byte.wrapping_sub(b'0')))?;
        }
        while let Some((_, rest)) = fraction.split_at_checked(1) {
            shift = shift.checked_sub(1)?;
            fraction = rest;
        }
        if digits == 0 {
            return Some(Self { digits: 0, exponent: 0 });
        }
        while digits.is_multiple_of(10) && (digits > MAX_INTEGER || shift < 0) {
            digits /= 10;
            shift = shift.checked_add(1)?;
        }
        Self::new(digits, i8::try_from(shift).ok()?)
    }
}

impl From<u32> for Number {
    fn from(value: u32) -> Self {
        Self { digits: u64::from(value), exponent: 0 }
    }
}

/// 10^`power`, for at most 22.
fn ten(power: u32) -> Option<u128> {
    (power <= 22).then(|| (0..power).fold(1u128, |product, _| product.wrapping_mul(10)))
}

/// `value` × 2^`power`, where neither is near the ends of a double's range.
pub(crate) fn twice(value: f64, power: i32) -> f64 {
    let shift = i64::from(power).wrapping_shl(52);
    if value == 0.0 { 0.0 } else { f64::from_bits(value.to_bits().wrapping_add_signed(shift)) }
}

/// `top` / `bottom` as the nearest double, ties to even: divided bit by bit, which is slow, rare and small.
fn ratio(mut top: u128, bottom: u128) -> f64 {
    // The quotient's first 55 bits: what a double keeps, the one that decides its rounding, and one for all that follow.
    const FULL: u64 = 1 << 54;
    let (mut quotient, mut rest, mut power, mut more) = (0u64, 0u128, 0i32, false);
    let mut whole = u128::BITS;
    while whole > 0 || (quotient < FULL && rest != 0) {
        rest = (rest << 1) | (top >> 127);
        top <<= 1;
        let one = rest >= bottom;
        if one {
            rest = rest.wrapping_sub(bottom);
        }
        if quotient >= FULL {
            more |= one;
            power += 1;
        } else {
            quotient = (quotient << 1) | u64::from(one);
            power -= i32::from(whole == 0);
        }
        whole = whole.saturating_sub(1);
    }
    twice((quotient | u64::from(more || rest != 0)) as f64, power)
}

/// `digits` × 10^`power` as the nearest double; `None` beyond what fits.
fn scaled(digits: u64, power: i32) -> Option<f64> {
    let scale = if digits == 0 { 1 } else { ten(power.unsigned_abs())? };
    Some(if power < 0 { ratio(u128::from(digits), scale) } else { ratio(u128::from(digits).checked_mul(scale)?, 1) })
}

/// The double nearest to a number of JSON, for up to 19 digits and 22 places; `None` beyond.
pub(crate) fn double(span: &str) -> Option<f64> {
    let unsigned = span.strip_prefix('-').unwrap_or(span);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = cut(mantissa, b'.').unwrap_or((mantissa, ""));
    let fraction = fraction.trim_end_matches('0');
    let mut digits = 0u64;
    for byte in whole.bytes().chain(fraction.bytes()) {
        digits = digits.checked_mul(10)?.checked_add(u64::from(byte & 15))?;
    }
    let mut power = exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    while power < -22 && digits.is_multiple_of(10) && digits > 0 {
        digits /= 10;
        power = power.checked_add(1)?;
    }
    let value = scaled(digits, power)?;
    Some(if unsigned.len() < span.len() { -value } else { value })
}

/// The shortest decimal that reads back as this double, its sign left out: digits and how many of them are places; `None`
/// for what has more than 19 of either.
pub(crate) fn shortest(value: f64) -> Option<(u64, u32)> {
    let bits = value.to_bits() & (u64::MAX >> 1);
    let magnitude = f64::from_bits(bits);
    let exponent = i32::try_from(bits >> 52).ok()?.checked_sub(1075)?;
    if magnitude == 0.0 {
        return Some((0, 0));
    }
    let mantissa = u128::from((bits & (u64::MAX >> 12)) | (1 << 52));
    for places in 0..=19u32 {
        let product = mantissa.checked_mul(ten(places)?)?;
        let down = match exponent < 0 {
            true => product.checked_shr(exponent.unsigned_abs()).unwrap_or(0),
            false if product.leading_zeros() > exponent.unsigned_abs() => product << (exponent & 127),
            false => return None,
        };
        for digits in [down, down.wrapping_add(1)] {
            let digits = u64::try_from(digits).ok()?;
            if ratio(u128::from(digits), ten(places)?).to_bits() == bits {
                return Some((digits, places));
            }
        }
    }
    None
}

/// The length of the number that begins here and whether it has neither fraction nor exponent.
pub(crate) fn span(bytes: &[u8]) -> Option<(usize, bool)> {
    let digits = |rest: &[u8]| rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut at = usize::from(bytes.first() == Some(&b'-'));
    at += match bytes.get(at)? {
        b'0' => 1,
        b'1'..=b'9' => digits(bytes.get(at..)?),
        _ => return None,
    };
    let mut whole = true;
    if bytes.get(at) == Some(&b'.') {
        let count = digits(bytes.get(at.checked_add(1)?..)?);
        if count == 0 {
            return None;
        }
        at = at.checked_add(count)?.checked_add(1)?;
        whole = false;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        at = at.checked_add(1)?;
        if matches!(bytes.get(at), Some(b'+' | b'-')) {
            at = at.checked_add(1)?;
        }
        let count = digits(bytes.get(at..)?);
        if count == 0 {
            return None;
        }
        at = at.checked_add(count)?;
        whole = false;
    }
    Some((at, whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_are_read_and_written_as_the_nearest() {
        let mut state = 7u64;
        for round in 0..20_000u32 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let places = (state >> 8) as usize % 13;
            let text = std::format!("{}.{:0places$}", state >> 44, state % 10u64.pow(places as u32));
            let value: f64 = text.parse().unwrap();
            assert_eq!(double(&text), Some(value), "{round} {text}");
            let (digits, places) = shortest(value).unwrap();
            let again = std::format!("{digits}e-{places}");
            assert_eq!(again.parse(), Ok(value), "{again}");
            assert!(digits.to_string().len() <= 17, "{again} for {text}");
        }
        for (text, value) in
            [("-0.5", -0.5), ("1e3", 1e3), ("-0", 0.0), ("0.30000000000000004", 0.1 + 0.2), ("0e99", 0.0)]
        {
            assert_eq!(double(text), Some(value), "{text}");
        }
        for (value, shown) in [(0.0, (0, 0)), (-2.5, (25, 1)), (1e18, (1_000_000_000_000_000_000, 0)), (0.001, (1, 3))]
        {
            assert_eq!(shortest(value), Some(shown));
        }
        for beyond in [f64::NAN, f64::INFINITY, 1e300, 5e-324] {
            assert_eq!(shortest(beyond), None, "{beyond}");
        }
        assert_eq!(double("1e99"), None);
    }

    use std::string::ToString;

    #[test]
    fn a_number_is_the_same_from_json_and_from_a_double() {
        for (text, value) in [
            ("0", 0.0),
            ("30", 30.0),
            ("0.5", 0.5),
            ("1.25e1", 12.5),
            ("1e3", 1000.0),
            ("0.1", 0.1),
            ("100.00", 100.0),
            ("123456.789", 123456.789),
            ("1e-7", 1e-7),
        ] {
            let number = Number::from_json(text).unwrap();
            assert_eq!(number.to_f64(), value, "{text}");
            assert_eq!(Number::from_f64(value), Some(number), "{text}");
        }
        assert_eq!(Number::from_json("-0"), Number::from_f64(0.0));
        assert_eq!(Number::from_json("-1"), None);
        assert_eq!(Number::from_f64(-0.0), Some(Number::ZERO));
        assert_eq!(Number::from_f64(-1.0), None);
        assert_eq!(Number::from_f64(f64::NAN), None);
        assert_eq!(Number::from_json("1e99"), None);
        assert_eq!(Number::from_json("9007199254740993"), None);
    }
}
