//! What the settings of Meta's networks share.

use serde::{Deserialize, Deserializer};

/// Several secrets: a list, or one text with a secret a line.
///
/// # Errors
/// When it is neither, nor nothing.
pub fn secrets_list<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        List(Vec<String>),
        Text(String),
    }
    let clean = |list: Vec<String>| list.into_iter().map(|one| one.trim().to_owned()).filter(|one| !one.is_empty()).collect();
    Ok(match Option::<Given>::deserialize(from)? {
        None => Vec::new(),
        Some(Given::List(list)) => clean(list),
        Some(Given::Text(text)) => clean(text.split([',', ' ', '\n', '\r', '\t']).map(str::to_owned).collect()),
    })
}
