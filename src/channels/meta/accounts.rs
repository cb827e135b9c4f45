//! How an account stands with Meta: what is subscribed, what the sign-in allows, how long it lasts.

use serde_json::{Value, json};

use crate::channels::meta::{Graph, judge};
use crate::channels::wire::reading::time_of;
use crate::desk::networks::Fault;

/// Subscribes a page to all of `wanted`, else to what is `needed`, without taking away what another channel of this app has subscribed.
pub async fn subscribe(graph: &Graph<'_>, page: &str, wanted: &[&str], needed: &[&str]) -> Result<Vec<String>, Fault> {
    let path = format!("{page}/subscribed_apps");
    let present = graph.get(&path).await.map(|answer| subscribed(&answer)).unwrap_or_default();
    let mut last = Fault::Permanent("Meta refused it.".to_owned());
    for fields in [wanted, needed] {
        let mut all: Vec<String> = fields.iter().map(|&field| field.to_owned()).collect();
        all.extend(present.iter().filter(|field| !fields.contains(&field.as_str())).cloned());
        match graph.post_again(&path, &json!({ "subscribed_fields": all.join(",") })).await {
            Ok(_) => return Ok(all),
            Err(Fault::Permanent(words)) => last = Fault::Permanent(words),
            Err(other) => return Err(other),
        }
    }
    Err(last)
}

fn subscribed(answer: &Value) -> Vec<String> {
    let apps = answer["data"].as_array().into_iter().flatten();
    let fields = apps.flat_map(|app| app["subscribed_fields"].as_array()).flatten();
    // Old ones come as objects with a name.
    fields.filter_map(|field| field.as_str().or_else(|| field["name"].as_str())).map(str::to_owned).collect()
}

/// What Meta knows about the token: until when it lasts, what it does not allow.
pub async fn look_at_token(graph: &Graph<'_>, app_id: &str, app_secret: &str, scopes: &[&str]) -> Vec<String> {
    if app_id.is_empty() || app_secret.is_empty() {
        return Vec::new();
    }
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("input_token", &graph.token)
        .append_pair("access_token", &format!("{app_id}|{app_secret}"))
        .finish();
    // The app asks here, not the page.
    let asked = async {
        let url = format!("{}/debug_token?{query}", graph.base.trim_end_matches('/'));
        judge(&graph.way.calls.ask(graph.way.calls.request(http::Method::GET, &url)?).await?)
    };
    let Ok(answer) = asked.await else {
        return vec!["Meta does not tell how the sign-in stands; check the app’s number and secret.".to_owned()];
    };
    let data = &answer["data"];
    let mut notes = Vec::new();
    if data["is_valid"].as_bool() == Some(false) {
        notes.push("Meta says that the sign-in is no longer valid.".to_owned());
    }
    if let Some(granted) = data["scopes"].as_array() {
        let missing: Vec<&str> =
            scopes.iter().copied().filter(|scope| !granted.iter().any(|granted| granted.as_str() == Some(*scope))).collect();
        if !missing.is_empty() {
            notes.push(format!("The sign-in does not allow: {}", missing.join(", ")));
        }
    }
    match time_of(&data["expires_at"]).filter(|at| at.0.as_second() > 0) {
        Some(until) => notes.push(format!("The sign-in lasts until {until}")),
        None => notes.push("The sign-in does not run out".to_owned()),
    }
    notes
}
