//! Asks Google as whom we are let in, and lets an admin choose a place.

use http::Method;
use serde_json::{Value, json};

use crate::channels::google::api::Api;
use crate::channels::wire::reading::list;
use crate::channels::wire::{Choices, Health, Way};
use crate::desk::changes::Change;
use crate::desk::channels;
use crate::desk::networks::Fault;

/// Pages of accounts, and of places.
const MAX_PAGES: usize = 10;

/// Whether the place's reviews can be read.
pub async fn check(way: &Way<'_>) -> Result<Health, Fault> {
    let api = Api::new(way);
    let location = &api.settings.location;
    if location.is_empty() {
        // Whoever is not let in reads that first.
        accounts(&api).await?;
        return Err(Fault::Permanent("Google lets us in. Choose the place whose reviews come here.".to_owned()));
    }
    if !is_place(location) {
        return Err(Fault::Permanent("The place must look like accounts/1122/locations/3344.".to_owned()));
    }
    let query = [("pageSize", "1"), ("orderBy", "updateTime desc")];
    let page = api.reviews(Method::GET, &format!("{location}/reviews"), &query, &Value::Null).await?;
    let mut notes = vec![match (page["totalReviewCount"].as_u64(), page["averageRating"].as_f64()) {
        (Some(count), Some(average)) => format!("{count} reviews, {average:.1} stars on average"),
        _ => "No reviews so far".to_owned(),
    }];
    let title = title(&api).await.unwrap_or_default();
    if !title.is_empty() {
        remember(way, &title).await.map_err(|error| Fault::Later { words: error.to_string(), after: None })?;
    }
    notes.push(push(&api).await);
    Ok(Health { account: if title.is_empty() { location.clone() } else { title }, id: location.clone(), notes })
}

fn is_place(name: &str) -> bool {
    let mut parts = name.split('/');
    let clean = |part: Option<&str>| {
        part.is_some_and(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'))
    };
    parts.next() == Some("accounts")
        && clean(parts.next())
        && parts.next() == Some("locations")
        && clean(parts.next())
        && parts.next().is_none()
}

async fn title(api: &Api<'_>) -> Option<String> {
    let place = api.settings.location.split_once("/locations/")?.1;
    let found = api.get(&api.settings.locations_base, &format!("locations/{place}"), &[("readMask", "name,title")]).await.ok()?;
    found["title"].as_str().map(str::to_owned)
}

/// Has Google tell of new reviews at once, where a topic is entered.
async fn push(api: &Api<'_>) -> String {
    let (topic, account) = (&api.settings.push_topic, api.settings.account());
    if topic.is_empty() {
        return "Sportello asks Google every two minutes.".to_owned();
    }
    let name = format!("{account}/notificationSetting");
    let body = json!({ "name": name, "pubsubTopic": topic, "notificationTypes": ["NEW_REVIEW", "UPDATED_REVIEW"] });
    let query = [("updateMask", "pubsubTopic,notificationTypes")];
    match api.call(Method::PATCH, &api.settings.notifications_base, &name, &query, &body).await {
        Ok(_) if api.settings.push_email.is_empty() => {
            "Google tells the topic of new reviews; enter the service account of its push subscription, so that what it pushes is taken."
                .to_owned()
        }
        Ok(_) => "Google tells of new reviews at once; Sportello asks every two minutes besides.".to_owned(),
        Err(fault) => format!("Google does not tell of new reviews by itself; Sportello asks every two minutes. {fault}"),
    }
}

async fn remember(way: &Way<'_>, title: &str) -> sqlx::Result<()> {
    let mut change = Change::begin(way.app).await?;
    channels::merge_settings(&mut change, way.channel.id, [("title".to_owned(), json!(title))]).await?;
    change.touch_settings();
    change.commit().await
}

/// Every page of a list.
async fn all(api: &Api<'_>, base: &str, path: &str, query: &[(&str, &str)], key: &str) -> Result<Vec<Value>, Fault> {
    let (mut found, mut token) = (Vec::new(), None::<String>);
    for _ in 0..MAX_PAGES {
        let mut query = query.to_vec();
        query.extend(token.as_deref().map(|token| ("pageToken", token)));
        let page = api.get(base, path, &query).await?;
        found.extend_from_slice(list(&page[key]));
        token = page["nextPageToken"].as_str().filter(|token| !token.is_empty()).map(str::to_owned);
        if token.is_none() {
            break;
        }
    }
    Ok(found)
}

async fn accounts(api: &Api<'_>) -> Result<Vec<Value>, Fault> {
    all(api, &api.settings.accounts_base, "accounts", &[], "accounts").await
}

/// The places that the account manages, until one is chosen.
pub async fn places(way: &Way<'_>) -> Result<Option<Choices>, Fault> {
    let api = Api::new(way);
    if !api.settings.location.is_empty() {
        return Ok(None);
    }
    let mut of = Vec::new();
    for account in accounts(&api).await? {
        let Some(name) = account["name"].as_str() else { continue };
        let query = [("readMask", "name,title,storefrontAddress"), ("pageSize", "100")];
        let places = all(&api, &api.settings.locations_base, &format!("{name}/locations"), &query, "locations").await?;
        of.extend(places.iter().filter_map(|place| {
            let id = place["name"].as_str()?;
            // Some APIs name it below its account, some do not.
            let id = if id.starts_with("accounts/") { id.to_owned() } else { format!("{name}/{id}") };
            let street = place["storefrontAddress"]["addressLines"][0].as_str().unwrap_or_default();
            let town = place["storefrontAddress"]["locality"].as_str().unwrap_or_default();
            let words: Vec<&str> =
                [place["title"].as_str().unwrap_or(&id), street, town].into_iter().filter(|text| !text.is_empty()).collect();
            Some((id.clone(), words.join(", ")))
        }));
    }
    Ok((!of.is_empty()).then_some(Choices { field: "location", label: "Place", of }))
}
