//! What all providers write now one way, now another. Pure.

use serde_json::Value;

use crate::clock::Ts;

/// The elements of an array; none where there is none.
pub fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// A number or a string, as text.
pub fn id_of(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        _ => None,
    }
}

/// A time as RFC 3339 writes it.
pub fn moment(value: &Value) -> Option<Ts> {
    value.as_str()?.parse::<jiff::Timestamp>().ok().map(Ts)
}

/// Seconds or milliseconds since 1970, as a number or a string.
pub fn time_of(value: &Value) -> Option<Ts> {
    /// No time in seconds has so many; every one in milliseconds since 1973 has.
    const MILLISECONDS: i64 = 100_000_000_000;
    let number = value.as_i64().or_else(|| value.as_str()?.parse().ok())?;
    let time = if number.abs() >= MILLISECONDS { jiff::Timestamp::from_millisecond(number) } else { jiff::Timestamp::from_second(number) };
    time.ok().map(Ts)
}
