//! Internationalized host names (RFC 5890 s2.3.2.3), without the tables of Unicode that RFC 5892 derives its rules from, which
//! would be larger than all of this crate.
//!
//! A name is labels between dots; U+3002, U+FF0E and U+FF61 are dots too, as input methods give them. A label of ASCII is one of
//! a host name, and with hyphens in third and fourth place begins with `xn--`; that what follows is Punycode is not checked. Any other label
//! - has at most 59 characters: `xn--` and one letter for each make 63;
//! - neither begins nor ends with a hyphen, nor has two in third and fourth place (RFC 5891 s4.2.3.1);
//! - begins with no mark of those ranges that hold nothing but marks (RFC 5891 s4.2.3.2);
//! - holds no capital of ASCII, Latin-1, Greek, Cyrillic, Armenian and Georgian, no control, no white space, nothing from the
//!   blocks that are all symbols, punctuation, forms of presentation or private, and no exception of RFC 5892 s2.6;
//! - keeps the rules for characters that need a context (RFC 5892 appendix A), but for the joining types of U+200C's second.
//!
//! So what is refused here is no U-label; what is accepted may still be none: it isn't checked that a character is assigned, nor
//! the capitals of other scripts, normalization form C, and the rule for text from right to left (RFC 5893).

use crate::encoding::text::Str;
use crate::language::formats::{label, mailbox, on_str};

/// What divides labels.
const DOTS: [char; 4] = ['.', '\u{3002}', '\u{FF0E}', '\u{FF61}'];

/// An internationalized host name; a dot at the end says "from the root".
pub(crate) fn hostname(text: Str<'_>) -> bool {
    on_str(text, |name| domain(name.strip_suffix(DOTS).unwrap_or(name)))
}

/// The same without a dot at the end.
fn domain(name: &str) -> bool {
    // 253 bytes of ASCII, each of which may stand for four.
    name.len() <= 1012 && name.split(DOTS).all(|part| if part.is_ascii() { ascii(part) } else { u_label(part) })
}

/// An internationalized e-mail address (RFC 6531 s3.3): the same with any character beyond ASCII in the local part, and an
/// internationalized host name or a literal for the domain.
pub(crate) fn email(text: Str<'_>) -> bool {
    on_str(text, |address| mailbox(address, domain))
}

fn ascii(part: &str) -> bool {
    let reserved = part.get(2..4) == Some("--");
    label(part.as_bytes()) && (!reserved || part.get(..2).is_some_and(|tag| tag.eq_ignore_ascii_case("xn")))
}

fn u_label(label: &str) -> bool {
    let mut arabic = (false, false);
    let mut before = None;
    let mut chars = label.chars().enumerate();
    while let Some((index, c)) = chars.next() {
        let after = chars.clone().next().map(|(_, c)| c);
        let hyphen = c == '-' && (index == 0 || after.is_none() || (index == 2 && after == Some('-')));
        if index == 59 || hyphen || (index == 0 && is_mark(c)) || !is_allowed(c) || !fits(label, before, c, after) {
            return false;
        }
        arabic.0 |= matches!(c, '\u{660}'..='\u{669}');
        arabic.1 |= matches!(c, '\u{6F0}'..='\u{6F9}');
        before = Some(c);
    }
    // Digits of the two Arabic sets don't stand together (RFC 5892 A.8, A.9).
    arabic != (true, true)
}

/// Marks in ranges that hold nothing else.
const fn is_mark(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36F}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5BD}' | '\u{610}'..='\u{61A}'
        | '\u{64B}'..='\u{65F}' | '\u{900}'..='\u{903}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}'
        | '\u{20D0}'..='\u{20FF}' | '\u{302A}'..='\u{302F}' | '\u{3099}'..='\u{309A}' | '\u{FE20}'..='\u{FE2F}')
}

/// What may stand in a label, as far as it can be told by ranges.
const fn is_allowed(c: char) -> bool {
    match c {
        'a'..='z' | '0'..='9' | '-' | '\u{B7}' | '\u{200C}' | '\u{200D}' | '\u{3005}'..='\u{3007}' => true,
        // Latin-1 has but ß to ö and ø to ÿ.
        '\0'..='\u{DE}' | '\u{F7}' => false,
        // The exceptions (RFC 5892 s2.6).
        '\u{640}' | '\u{7FA}' | '\u{302E}' | '\u{302F}' | '\u{3031}'..='\u{3035}' | '\u{303B}' => false,
        // Punctuation, symbols, arrows, boxes; two letters stand among them.
        '\u{214E}' | '\u{2184}' => true,
        '\u{2000}'..='\u{2BFF}' | '\u{2E00}'..='\u{2E2E}' | '\u{2E30}'..='\u{2FFF}' | '\u{3000}'..='\u{3004}' => false,
        '\u{3008}'..='\u{3029}' | '\u{3030}' | '\u{3036}'..='\u{303F}' | '\u{3200}'..='\u{33FF}' => false,
        // Private use, variants, forms of presentation, specials, pictures, tags.
        '\u{E000}'..='\u{F8FF}' | '\u{FE00}'..='\u{FE1F}' | '\u{FE30}'..='\u{FE72}' | '\u{FE74}'..='\u{FFFF}' => false,
        '\u{1F000}'..='\u{1FBEF}' | '\u{E0000}'.. => false,
        // The capitals of Greek, Cyrillic, Armenian and Georgian, which stand together.
        '\u{386}' | '\u{388}'..='\u{38F}' | '\u{391}'..='\u{3AB}' | '\u{400}'..='\u{42F}' => false,
        '\u{531}'..='\u{556}' | '\u{10A0}'..='\u{10CD}' => false,
        _ => true,
    }
}

/// That a character which needs a context stands in it (RFC 5892 A.1 to A.7).
fn fits(label: &str, before: Option<char>, c: char, after: Option<char>) -> bool {
    let virama = before.is_some_and(|before| VIRAMAS.contains(&before));
    match c {
        '\u{200C}' => virama || (before.is_some() && after.is_some()),
        '\u{200D}' => virama,
        '\u{B7}' => before == Some('l') && after == Some('l'),
        '\u{375}' => after.is_some_and(|after| matches!(after, '\u{370}'..='\u{3FF}' | '\u{1F00}'..='\u{1FFF}')),
        '\u{5F3}' | '\u{5F4}' => before.is_some_and(|before| matches!(before, '\u{591}'..='\u{5F4}')),
        // Among Hiragana, Katakana and Han.
        '\u{30FB}' => label.chars().any(|c| {
            matches!(c, '\u{3005}' | '\u{3007}' | '\u{3041}'..='\u{309F}' | '\u{30A1}'..='\u{30FA}' | '\u{30FC}'..='\u{30FF}')
                || matches!(c, '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{20000}'..='\u{323AF}')
        }),
        _ => true,
    }
}

/// The viramas of the scripts that have one for conjuncts.
const VIRAMAS: [char; 14] = [
    '\u{94D}', '\u{9CD}', '\u{A4D}', '\u{ACD}', '\u{B4D}', '\u{BCD}', '\u{C4D}', '\u{CCD}', '\u{D4D}', '\u{DCA}',
    '\u{F84}', '\u{1039}', '\u{17D2}', '\u{1B44}',
];

#[cfg(test)]
mod tests {
    use super::*;

    fn all(good: &[&str], bad: &[&str]) {
        for name in good {
            assert!(hostname(Str::new(name)), "{name}");
        }
        for name in bad {
            assert!(!hostname(Str::new(name)), "{}", name.escape_unicode());
        }
    }

    #[test]
    fn addresses_of_mail_may_have_any_letters() {
        for good in ["é@bücher.example", "a@b.example"] {
            assert!(email(Str::new(good)), "{good}");
        }
        for bad in ["é", "é@", "é@b c.d"] {
            assert!(!email(Str::new(bad)), "{bad}");
        }
    }

    #[test]
    fn labels_are_of_ascii_or_of_letters_marks_and_digits() {
        all(
            &[
                "bücher.example",
                "例え.テスト",
                "a.b",
                "faß.example",
                "xn--bcher-kva.example",
                "ящик-1.рф",
                "नेपाल.example.",
                "a。ü．b",
            ],
            &["", ".", "ü..b", "bü cher.example", "a_b.example", "ü_b.example", "ab--cd.example", "xn--"],
        );
        all(
            &["ςß་〇"],
            &[
                "Bücher",
                "Ящик",
                "Ü",
                "ü®",
                "ü×",
                "“ü”",
                "ü\u{2028}",
                "ü\u{7F}",
                "☕ü",
                "😀",
                "ｕ",
                "ü\u{FE0F}",
                "ü\u{E000}",
            ],
        );
        all(&[], &["ـߺ", "〱", "实〮", "ü\u{FFFD}", "ü\u{E0001}", "№"]);
    }

    #[test]
    fn hyphens_and_marks_have_their_places() {
        all(&["ü-b", "bü-c", "a\u{301}ü", "ü\u{301}"], &["-ü", "ü-", "aü--b", "\u{301}ü", "\u{903}ü", "\u{488}ü"]);
    }

    #[test]
    fn a_label_fits_the_longest_of_the_dns() {
        let of = |count: usize| "ü".repeat(count);
        assert!(hostname(Str::new(&of(59))));
        assert!(!hostname(Str::new(&of(60))));
    }

    #[test]
    fn some_characters_need_a_context() {
        all(&["l·l"], &["a·l", "l·a", "·l", "l·"]);
        all(&["α\u{375}β"], &["α\u{375}s", "α\u{375}"]);
        all(&["א\u{5F3}ב", "א\u{5F4}ב"], &["a\u{5F3}ב", "\u{5F4}ב"]);
        all(&["・ぁ", "・ァ", "・丈"], &["・", "a・b"]);
        all(&["ب\u{660}ب", "\u{6F0}0"], &["ب\u{660}\u{6F0}"]);
        all(
            &["क\u{94D}\u{200D}ष", "क\u{94D}\u{200C}ष", "بي\u{200C}بي"],
            &["क\u{200D}ष", "\u{200D}ष", "\u{200C}ب", "ب\u{200C}"],
        );
    }
}
