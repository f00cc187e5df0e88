//! Whether JSON is as a schema says.

use serde_json::{Value, json};

/// Whether a value is as a schema says, as far as ours use it: type, const, enum, properties, required, items, and
/// whether other keys may stand there.
pub(crate) fn fits(value: &Value, schema: &Value, at: &str) {
    if let Some(wanted) = schema.get("const") {
        assert_eq!(value, wanted, "{at}");
    }
    if let Some(wanted) = schema.get("enum") {
        assert!(wanted.as_array().unwrap().contains(value), "{at}: {value}");
    }
    if let Some(kinds) = schema.get("type") {
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let kinds = kinds.as_array().cloned().unwrap_or_else(|| vec![kinds.clone()]);
        assert!(kinds.contains(&json!(kind)), "{at} is {kind}");
    }
    for required in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
        if value.is_object() {
            assert!(value.get(required.as_str().unwrap()).is_some(), "{at} has no {required}");
        }
    }
    let free = schema.get("additionalProperties") == Some(&json!(true));
    for (key, part) in value.as_object().into_iter().flatten().filter(|_| !free) {
        let properties = schema.get("properties").unwrap_or_else(|| panic!("{at} may have no keys"));
        fits(part, properties.get(key).unwrap_or_else(|| panic!("{at} may have no {key}")), &format!("{at}.{key}"));
    }
    for part in value.as_array().into_iter().flatten() {
        fits(part, schema.get("items").unwrap(), &format!("{at}[]"));
    }
}
