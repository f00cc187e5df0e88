//! Topic filters (section 4.7.1) and shared subscriptions (section 4.8.2), and whether a filter matches a name.

use super::{Topic, is_plain_name, wildcard};
use crate::text::{Text, check_text};
use crate::wire::{Fault, Reader};
use crate::{ReasonCode, Rule};

/// A topic filter: what a subscription asks for. Wildcards stand where they may; a shared subscription is well formed.
///
/// ```
/// use mqtt5_codec::{Filter, Rule, Topic};
/// let filter = Filter::new("oc2/cmd/ap/+")?;
/// assert!(filter.matches(Topic::new("oc2/cmd/ap/slpf")?));
/// assert!(!filter.matches(Topic::new("oc2/cmd/all")?));
///
/// let shared = Filter::new("$share/analysts/oc2/rsp")?;
/// assert_eq!(shared.share_name().unwrap(), "analysts");
/// assert_eq!(Filter::new("oc2/#/all"), Err(Rule::MULTI_LEVEL_WILDCARD));
/// # Ok::<(), Rule>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Filter<'a>(Text<'a>);

/// What a shared subscription's filter begins with.
const SHARE: &[u8] = b"$share/";

impl<'a> Filter<'a> {
    /// A topic filter. Costs one pass.
    ///
    /// # Errors
    /// What [`Text::new`] refuses, and the rules of sections 4.7.1, 4.7.3 and 4.8.2.
    pub fn new(filter: &'a str) -> Result<Self, Rule> {
        let bytes = filter.as_bytes();
        if is_plain_filter(bytes) && bytes.len() <= usize::from(u16::MAX) {
            return Ok(Self::checked(bytes));
        }
        Self::new_in_full(filter)
    }

    /// As [`new`](Self::new), with an eye for all that may be and may not. (Apart, so that the first look needs no memory.)
    #[cold]
    #[inline(never)]
    fn new_in_full(filter: &'a str) -> Result<Self, Rule> {
        let text = Text::new(filter)?;
        check(text.as_bytes()).map_err(|(rule, _)| rule)?;
        Ok(Self(text))
    }

    /// Wraps a filter that has been checked.
    #[inline]
    pub(crate) const fn checked(bytes: &'a [u8]) -> Self {
        Self(Text::checked(bytes))
    }

    /// Reads a filter.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    #[cfg_attr(not(target_pointer_width = "64"), inline)]
    pub(crate) fn read(r: &mut Reader<'a>) -> Option<Self> {
        let bytes = r.bytes()?;
        if !is_plain_filter(bytes) {
            r.checked(check_filter(bytes, r.left()))?;
        }
        Some(Self::checked(bytes))
    }

    /// The filter as a string, `$share/…` included. Costs a pass over it.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        self.0.as_str()
    }

    /// The filter's bytes.
    #[must_use]
    #[inline]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0.as_bytes()
    }

    /// The slice where it is.
    #[inline]
    pub(crate) const fn slice(&self) -> &&'a [u8] {
        self.0.slice()
    }

    /// The filter as checked text.
    #[must_use]
    #[inline]
    pub const fn text(self) -> Text<'a> {
        self.0
    }

    /// Whether this is a shared subscription.
    #[must_use]
    #[inline]
    pub fn is_shared(self) -> bool {
        self.as_bytes().starts_with(SHARE)
    }

    /// The share name and the filter behind it, of a shared subscription.
    fn split_share(self) -> Option<(&'a [u8], &'a [u8])> {
        let rest = self.as_bytes().strip_prefix(SHARE)?;
        let slash = rest.iter().position(|&byte| byte == b'/')?;
        let (name, filter) = rest.split_at_checked(slash)?;
        Some((name, filter.get(1..)?))
    }

    /// The share name of a shared subscription.
    #[must_use]
    pub fn share_name(self) -> Option<Text<'a>> {
        self.split_share().map(|(name, _)| Text::checked(name))
    }

    /// Whether a wildcard stands in the filter.
    #[must_use]
    pub fn has_wildcard(self) -> bool {
        wildcard(self.as_bytes()).is_some()
    }

    /// Whether a message with this topic name is for this subscription.
    ///
    /// Levels are compared byte by byte [MQTT-4.7.3-4]; a filter that begins with a wildcard matches no name that begins
    /// with `$` [MQTT-4.7.2-1]; `a/#` matches `a` too (section 4.7.1.2). Of a shared subscription, the filter behind the
    /// share name is what matches. Costs one pass over both.
    #[must_use]
    pub fn matches(self, topic: Topic<'_>) -> bool {
        let filter = self.split_share().map_or(self.as_bytes(), |(_, filter)| filter);
        let name = topic.as_bytes();
        if name.first() == Some(&b'$') && matches!(filter.first(), Some(b'+' | b'#')) {
            return false;
        }
        let mut levels = name.split(|&byte| byte == b'/');
        for wanted in filter.split(|&byte| byte == b'/') {
            if wanted == b"#" {
                return true;
            }
            match levels.next() {
                Some(level) if wanted == b"+" || wanted == level => {}
                _ => return false,
            }
        }
        levels.next().is_none()
    }
}

/// Checks a filter with an eye for what is wrong; `left` bytes of the packet follow it.
#[cold]
#[inline(never)]
fn check_filter(bytes: &[u8], left: usize) -> Result<(), Fault> {
    // Mostly there is nothing wrong but a wildcard between.
    if !Text::is_plain(bytes) {
        check_text(bytes, left)?;
    }
    check(bytes).map_err(|(rule, at)| Fault {
        reason: ReasonCode::TOPIC_FILTER_INVALID,
        rule,
        left: left.wrapping_add(bytes.len().wrapping_sub(at)),
    })
}

/// Whether a filter is ASCII without zero, and has no wildcard but one that is the last level. Then nothing is wrong with it. What
/// else there is takes [`check`], which is slower.
#[inline]
fn is_plain_filter(bytes: &[u8]) -> bool {
    let levels = match bytes {
        [levels @ .., b'/', b'+' | b'#'] => levels,
        _ => bytes,
    };
    is_plain_name(levels)
        && match bytes {
            [] => false,
            [b'$', ..] => check_share(bytes).is_ok(),
            _ => true,
        }
}

/// Checks a filter's form; an error says which rule it breaks and at which byte.
fn check(bytes: &[u8]) -> Result<(), (Rule, usize)> {
    let start = check_share(bytes)?;
    check_levels(bytes.get(start..).unwrap_or_default(), start)
}

/// Checks the form of what makes a subscription a shared one, if it is; gives where the filter itself begins, which is not empty then.
fn check_share(bytes: &[u8]) -> Result<usize, (Rule, usize)> {
    // [MQTT-4.8.2-1], [MQTT-4.8.2-2]: $share/NAME/FILTER
    let Some(rest) = bytes.strip_prefix(SHARE) else { return Ok(0) };
    let name = rest.iter().position(|&byte| matches!(byte, b'/' | b'+' | b'#')).unwrap_or(rest.len());
    let at = SHARE.len().saturating_add(name);
    match rest.get(name) {
        Some(b'/') if name == 0 => Err((Rule::SHARE_NAME, at)),
        Some(b'/') if name.saturating_add(1) < rest.len() => Ok(at.saturating_add(1)),
        None if name == 0 => Err((Rule::SHARE_NAME, at)),
        _ => Err((Rule::SHARE_FILTER, at)),
    }
}

/// Checks that there is a level, and that wildcards fill a whole one. `offset` is where the levels begin.
fn check_levels(bytes: &[u8], offset: usize) -> Result<(), (Rule, usize)> {
    if bytes.is_empty() {
        return Err((Rule::TOPIC_EMPTY, offset));
    }
    let (mut before, mut rest) = (b'/', bytes);
    while let Some((from, byte, after)) = wildcard(rest) {
        let begins = from.last().copied().unwrap_or(before) == b'/';
        let rule = match (byte, after) {
            (b'#', []) | (b'+', [] | [b'/', ..]) if begins => None,
            (b'#', _) => Some(Rule::MULTI_LEVEL_WILDCARD),
            _ => Some(Rule::SINGLE_LEVEL_WILDCARD),
        };
        if let Some(rule) = rule {
            let at = bytes.len().saturating_sub(after.len()).saturating_sub(1);
            return Err((rule, offset.saturating_add(at)));
        }
        (before, rest) = (byte, after);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;

    #[test]
    fn mqtt_4_7_1_1_the_multi_level_wildcard_is_the_whole_last_level() {
        for good in ["#", "a/#", "/#", "+/#", "$SYS/#"] {
            assert!(Filter::new(good).is_ok(), "{good}");
        }
        for bad in ["a#", "a/b#", "a/#/b", "##", "#/a", "日#", "$share/g/a#"] {
            assert_eq!(Filter::new(bad), Err(Rule::MULTI_LEVEL_WILDCARD), "{bad}");
        }
    }

    #[test]
    fn mqtt_4_7_1_2_the_single_level_wildcard_is_a_whole_level() {
        for good in ["+", "+/+", "/+", "a/+/b", "+/a/#"] {
            assert!(Filter::new(good).is_ok(), "{good}");
        }
        for bad in ["a+", "+a", "a/+b/c", "++", "$share/g/+a"] {
            assert_eq!(Filter::new(bad), Err(Rule::SINGLE_LEVEL_WILDCARD), "{bad}");
        }
    }

    #[test]
    fn mqtt_4_8_2_1_a_share_name_has_at_least_one_character() {
        assert_eq!(Filter::new("$share//a"), Err(Rule::SHARE_NAME));
        assert_eq!(Filter::new("$share/"), Err(Rule::SHARE_NAME));
        assert_eq!(Filter::new("$share/g/a/b").unwrap().share_name().unwrap(), "g");
        // Not the keyword: ordinary filters.
        assert!(!Filter::new("$share").unwrap().is_shared());
        assert!(!Filter::new("$shares/g/a").unwrap().is_shared());
    }

    #[test]
    fn mqtt_4_8_2_2_a_share_name_has_no_wildcard_and_a_filter_follows() {
        for bad in ["$share/g", "$share/g/", "$share/g+/a", "$share/#/a", "$share/+/a", "$share/g#"] {
            assert_eq!(Filter::new(bad), Err(Rule::SHARE_FILTER), "{bad}");
        }
        assert!(Filter::new("$share/g//").is_ok());
    }

    #[test]
    fn every_short_filter_is_taken_or_refused_level_by_level() {
        // Section 4.7.1 once more, with the levels cut apart.
        let levels = |filter: &str| {
            let last = filter.split('/').count() - 1;
            filter
                .split('/')
                .enumerate()
                .all(|(at, level)| level == "+" || level == "#" && at == last || !level.contains(['+', '#']))
        };
        let mut filters = std::vec![String::new()];
        for at in 0.. {
            let Some(filter) = filters.get(at).cloned() else { break };
            let (plain, shared) = (Filter::new(&filter), std::format!("$share/{filter}"));
            assert_eq!(plain.is_ok(), !filter.is_empty() && levels(&filter), "{filter}");
            let good = filter.split_once('/').is_some_and(|(name, filter)| {
                !name.is_empty() && !name.contains(['+', '#']) && !filter.is_empty() && levels(filter)
            });
            assert_eq!(Filter::new(&shared).is_ok(), good, "{shared}");
            if filter.len() < 6 {
                filters.extend(["a", "/", "+", "#"].map(|next| filter.clone() + next));
            }
        }
        assert_eq!(filters.len(), 5461);
    }

    fn matches(filter: &str, name: &str) -> bool {
        Filter::new(filter).unwrap().matches(Topic::new(name).unwrap())
    }

    #[test]
    fn filters_match_level_by_level() {
        for (filter, name) in [
            ("a/b", "a/b"),
            ("a/#", "a"),
            ("a/#", "a/b/c"),
            ("#", "a/b"),
            ("+", "a"),
            ("a/+", "a/"),
            ("/+", "/a"),
            ("+/+", "/a"),
            ("a/+/c/#", "a/b/c"),
            ("$SYS/#", "$SYS/a"),
            ("$SYS/+", "$SYS/a"),
            ("$share/g/a/+", "a/b"),
            ("$share/g/#", "a"),
        ] {
            assert!(matches(filter, name), "{filter} {name}");
        }
        for (filter, name) in [
            ("a/b", "a"),
            ("a", "a/b"),
            ("a/+", "a"),
            ("a/+", "a/b/c"),
            ("+", "/a"),
            ("a//b", "a/b"),
            ("A", "a"),
            ("a", "b"),
        ] {
            assert!(!matches(filter, name), "{filter} {name}");
        }
    }

    #[test]
    fn mqtt_4_7_2_1_a_leading_wildcard_matches_no_name_that_begins_with_a_dollar() {
        for filter in ["#", "+/a", "+/#", "$share/g/#", "$share/g/+/a"] {
            assert!(!matches(filter, "$SYS/a"), "{filter}");
        }
    }

    #[test]
    fn mqtt_4_7_3_4_nothing_is_normalised_when_matching() {
        assert!(!matches("caf\u{E9}", "cafe\u{301}"));
        assert!(!matches("ACCOUNTS", "Accounts"));
        assert!(!matches("/finance", "finance"));
    }
}
