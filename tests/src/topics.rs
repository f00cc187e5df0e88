//! Topic names, filters and matching as a plain reading of sections 4.7 and 4.8.2 has them, to compare the codec with. It knows
//! nothing of lengths and of U+0000, which are rules of every text.

use mqtt5_codec::{Filter, Topic};

/// Whether a text may be a topic name.
#[must_use]
pub fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.contains(['+', '#'])
}

/// Whether a text may be a filter, shared or not.
#[must_use]
pub fn is_filter(text: &str) -> bool {
    if let Some(rest) = text.strip_prefix("$share/") {
        return rest
            .split_once('/')
            .is_some_and(|(name, filter)| is_name(name) && !filter.is_empty() && are_levels(filter));
    }
    !text.is_empty() && are_levels(text)
}

fn are_levels(text: &str) -> bool {
    let levels: Vec<&str> = text.split('/').collect();
    levels.iter().enumerate().all(|(at, level)| match *level {
        "+" => true,
        "#" => at + 1 == levels.len(),
        level => !level.contains(['+', '#']),
    })
}

/// Whether a valid filter matches a name, level by level.
#[must_use]
pub fn matches(filter: &str, name: &str) -> bool {
    fn levels(filter: &[&str], name: &[&str]) -> bool {
        match (filter.split_first(), name.split_first()) {
            (Some((&"#", _)), _) => true,
            (Some((&wanted, filter)), Some((&level, name))) => {
                (wanted == "+" || wanted == level) && levels(filter, name)
            }
            (None, None) => true,
            _ => false,
        }
    }
    let filter =
        filter.strip_prefix("$share/").and_then(|rest| rest.split_once('/')).map_or(filter, |(_, filter)| filter);
    if name.starts_with('$') && filter.starts_with(['+', '#']) {
        return false;
    }
    levels(&filter.split('/').collect::<Vec<_>>(), &name.split('/').collect::<Vec<_>>())
}

/// Compares the codec with the plain reading, for any two texts without U+0000 and of at most 65,535 bytes.
///
/// # Panics
/// When they differ.
pub fn law(filter: &str, name: &str) {
    let (parsed, topic) = (Filter::new(filter), Topic::new(name));
    assert_eq!(parsed.is_ok(), is_filter(filter), "{filter:?}");
    assert_eq!(topic.is_ok(), is_name(name), "{name:?}");
    if let (Ok(parsed), Ok(topic)) = (parsed, topic) {
        assert_eq!(parsed.matches(topic), matches(filter, name), "{filter:?} {name:?}");
        // A name is also a filter that matches itself, unless it would be a shared one.
        if let Ok(same) = Filter::new(name)
            && !same.is_shared()
        {
            assert!(same.matches(topic), "{name:?}");
        }
    }
}
