//! What concerns the account, and customers who go by another number or id from now on.

use serde_json::Value;

use super::{Address, Told, id_of};
use crate::desk::networks::{AccountNews, Happening};

/// What a change of the account says to an admin; `None`: not a kind that is known.
pub(super) fn account(field: &str, value: &Value) -> Option<String> {
    let text = |key: &str| id_of(&value[key]).unwrap_or_default();
    let named = |key: &str| value[key].as_str().filter(|text| !text.is_empty() && *text != "NONE").map(str::to_owned);
    let because = |reason: Option<String>| reason.map(|reason| format!(" Reason: {reason}.")).unwrap_or_default();
    Some(match field {
        "message_template_status_update" => {
            let (name, language) = (text("message_template_name"), text("message_template_language"));
            let event = text("event").to_lowercase().replace('_', " ");
            format!("The template “{name}” ({language}) is {event} now.{}", because(named("reason")))
        }
        "message_template_quality_update" => {
            let (name, score) = (text("message_template_name"), text("new_quality_score").to_lowercase());
            format!("Customers’ opinion of the template “{name}” is {score} now.")
        }
        "template_category_update" => {
            let (name, category) = (text("message_template_name"), text("new_category").to_lowercase());
            format!("The template “{name}” is in the category {category} now.")
        }
        "phone_number_quality_update" => {
            let limit = named("current_limit").or_else(|| named("max_daily_conversations_per_business"));
            let limit = limit.map(|limit| format!(" Its limit is {limit}.")).unwrap_or_default();
            format!("The number {}: {}.{limit}", text("display_phone_number"), text("event").to_lowercase().replace('_', " "))
        }
        "phone_number_name_update" => {
            let (name, decision) = (text("requested_verified_name"), text("decision").to_lowercase());
            format!("The display name “{name}” is {decision}.{}", because(named("rejection_reason")))
        }
        "account_review_update" => format!("Meta has judged the account: {}.", text("decision").to_lowercase()),
        "account_update" | "account_alerts" | "business_capability_update" | "security" => {
            let what = named("event").or_else(|| named("alert_description")).or_else(|| named("alert_type"));
            let what = what.unwrap_or_else(|| field.to_owned()).to_lowercase().replace('_', " ");
            let info = &value["ban_info"]["waba_ban_state"];
            let more = named("alert_description").or_else(|| info.as_str().map(str::to_owned));
            format!("News of the WhatsApp account: {what}.{}", because(more.filter(|more| more.to_lowercase() != what)))
        }
        _ => return None,
    })
}

/// A message of WhatsApp itself about a customer.
pub(super) fn system(message: &Value) -> Told {
    let system = &message["system"];
    let body = system["body"].as_str().unwrap_or_default();
    match system["type"].as_str().unwrap_or_default() {
        // Before 2022 it was called otherwise, and the new number stood elsewhere.
        "user_changed_number" | "customer_changed_number" | "user_changed_user_id" => {
            let written = moved(body);
            let mut old = Address::of(message);
            if let Some(id) = id_of(&system["previous_user_id"]) {
                old.user_id = Some(id);
            }
            if old == Address::default() {
                old = Address::new(&Value::from(written.map(|(old, _)| old).unwrap_or_default()), &Value::Null);
            }
            let phone = if system["wa_id"].is_null() { &system["new_wa_id"] } else { &system["wa_id"] };
            let mut new = Address::new(phone, &system["user_id"]);
            if new == Address::default() {
                new = Address::new(&Value::from(written.map(|(_, new)| new).unwrap_or_default()), &Value::Null);
            }
            joined(&old, &new)
        }
        "customer_identity_changed" | "user_identity_changed" => {
            vec![Err(format!("The security code of {} has changed.", Address::of(message).conversation().unwrap_or_default()))]
        }
        other => vec![Err(format!("WhatsApp told: {body} ({other})"))],
    }
}

/// `User A changed from B to C`
fn moved(body: &str) -> Option<(&str, &str)> {
    let (_, rest) = body.rsplit_once(" from ")?;
    let (old, new) = rest.split_once(" to ")?;
    let is_address = |text: &str| !text.is_empty() && text.bytes().any(|byte| byte.is_ascii_digit()) && !text.contains(' ');
    Some((old.trim(), new.trim().trim_end_matches('.'))).filter(|(old, new)| is_address(old) && is_address(new))
}

/// The id that stands for a customer is another now.
pub(super) fn user_id_update(update: &Value) -> Told {
    let id = &update["user_id"];
    let first = |values: [&Value; 3]| values.into_iter().find_map(id_of).map(Value::from).unwrap_or_default();
    let old = first([&id["previous"], &update["previous_user_id"], &update["old_user_id"]]);
    let new = first([&id["current"], &update["current_user_id"], &update["new_user_id"]]);
    let old = Address { user_id: id_of(&old), ..Address::default() };
    joined(&old, &Address::new(&update["wa_id"], if new.is_null() { id } else { &new }))
}

/// The words for a customer who wants, or no longer wants, offers. Answers to what they ask are not meant.
pub(super) fn preference(preference: &Value) -> String {
    let who = Address::new(&preference["wa_id"], &preference["user_id"]).conversation().unwrap_or_default();
    let what = preference["detail"].as_str().or_else(|| preference["value"].as_str()).unwrap_or_default();
    format!("{who} about marketing messages: {what}")
}

/// One customer under two addresses: the conversation goes on under the new one, and whoever has the old one has both.
fn joined(old: &Address, new: &Address) -> Told {
    let (Some(from), Some(to)) = (old.conversation(), new.conversation()) else {
        return vec![Err("A customer goes by another number, and it is not told which.".to_owned())];
    };
    // The conversation may go by the id alone, where the number was hidden.
    let names = std::iter::once(from).chain(old.aliases()).filter(|name| *name != to);
    let mut told: Told = names.map(|from| Ok(Happening::Account(AccountNews::Renamed { from, to: to.clone() }))).collect();
    told.push(Ok(Happening::Account(AccountNews::Known { conversation: to, identities: new.identities() })));
    told
}
