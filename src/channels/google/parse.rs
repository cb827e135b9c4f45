//! Reviews become happenings. Pure. Source: developers.google.com/my-business, API v4.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::channels::wire::reading::{list, moment};
use crate::desk::kinds::IdentityKind;
use crate::desk::networks::{Echo, Element, Fault, Happening, Media, MediaKind, Notice, Person, Post, Review, Said, Step};
use crate::text::excerpts;

/// The longest subject, in characters.
const SUBJECT: usize = 70;

/// Reads a page of reviews, what a sweep found gone, or a push: that tells only that there is something to ask for.
pub fn read(location: &str, title: &str, raw: &[u8]) -> Vec<Element> {
    let body: Value = match serde_json::from_slice(raw) {
        Ok(body) => body,
        Err(error) => return vec![odd(format!("This is no JSON: {error}."))],
    };
    let mut elements: Vec<Element> = list(&body["reviews"]).iter().flat_map(|one| review(location, title, one)).collect();
    let gone = list(&body["gone"]).iter().filter_map(Value::as_str);
    elements.extend(gone.map(|name| noticed(name.to_owned(), Notice::Removed { at: None })));
    elements
}

fn odd(words: impl Into<String>) -> Element {
    Element { account: None, told: Err(words.into()) }
}

fn noticed(target: String, notice: Notice) -> Element {
    Element::here(Happening::Noticed { target, notice })
}

/// The key of the conversation about a review, and back: `accounts/1/locations/2/reviews/3`.
pub fn key(name: &str) -> String {
    format!("review:{name}")
}

/// What our answer to a review goes by: Google keeps one, so that its words tell which it is.
pub fn reply_id(review: &str, words: &str) -> String {
    let words: String = words.split_whitespace().collect::<Vec<_>>().join(" ");
    format!("{review}/reply/{}", hex::encode(&Sha256::digest(words.as_bytes())[..8]))
}

fn stars(value: &Value) -> Option<u8> {
    match value.as_str() {
        Some("ONE") => Some(1),
        Some("TWO") => Some(2),
        Some("THREE") => Some(3),
        Some("FOUR") => Some(4),
        Some("FIVE") => Some(5),
        _ => value.as_u64().and_then(|stars| u8::try_from(stars).ok()).filter(|stars| (1..=5).contains(stars)),
    }
}

/// What a customer wrote themselves: Google puts its translation before or behind.
pub fn original(comment: &str) -> &str {
    const TRANSLATED: &str = "(Translated by Google)";
    const ORIGINAL: &str = "(Original)";
    let comment = comment.trim();
    if let Some((_, original)) = comment.split_once(ORIGINAL).filter(|_| comment.starts_with(TRANSLATED)) {
        return original.trim();
    }
    match comment.split_once(TRANSLATED) {
        Some((original, _)) if !original.trim().is_empty() => original.trim(),
        // Only a translation: better than nothing.
        Some((_, translated)) => translated.trim(),
        None => comment,
    }
}

/// The name of a review, whether or not Google spells out where it stands.
pub fn name_of(location: &str, one: &Value) -> Option<String> {
    let name = one["name"].as_str().filter(|name| !name.is_empty()).map(str::to_owned);
    name.or_else(|| one["reviewId"].as_str().filter(|id| !id.is_empty()).map(|id| format!("{location}/reviews/{id}")))
}

fn review(location: &str, title: &str, one: &Value) -> Vec<Element> {
    let Some(name) = name_of(location, one) else { return vec![odd("A review without a name.")] };
    let comment = original(one["comment"].as_str().unwrap_or_default()).to_owned();
    let rating = Review { stars: stars(&one["starRating"]), recommends: None };
    let (created, updated) = (moment(&one["createTime"]), moment(&one["updateTime"]));
    let person = reviewer(&name, &one["reviewer"]);
    let post = Post {
        id: name.clone(),
        url: one["reviewReplyUrl"].as_str().map(str::to_owned),
        text: Some(if title.is_empty() { "Review on Google".to_owned() } else { format!("Review of {title}") }),
        ..Post::default()
    };
    let said = Said {
        id: name.clone(),
        conversation: key(&name),
        public: true,
        person: person.clone(),
        subject: subject(&rating, &comment),
        text: comment.clone(),
        at: created.or(updated),
        media: list(&one["reviewMediaItems"]).iter().filter_map(media).collect(),
        post: Some(post.clone()),
        review: Some(rating.clone()),
        opens_window: true,
        ..Said::default()
    };
    let mut elements = vec![Element::here(Happening::Said(Box::new(said)))];
    if updated.is_some_and(|at| created.is_none_or(|created| at > created)) {
        elements.push(noticed(name.clone(), Notice::Rated { review: rating }));
        elements.push(noticed(name.clone(), Notice::Edited { text: comment, at: updated }));
    }
    if let Some(words) = one["reviewReply"]["comment"].as_str().filter(|words| !words.trim().is_empty()) {
        elements.extend(reply(&name, &one["reviewReply"], words, person, post));
    }
    elements
}

/// Google gives its reviewers no number that would tell them again.
fn reviewer(review: &str, one: &Value) -> Person {
    let name = one["displayName"].as_str().filter(|_| one["isAnonymous"].as_bool() != Some(true));
    Person {
        identity: Some((IdentityKind::Google, review.rsplit('/').next().unwrap_or(review).to_owned())),
        name: name.unwrap_or("A Google user").to_owned(),
        picture: one["profilePhotoUrl"].as_str().map(str::to_owned),
        ..Person::default()
    }
}

fn subject(rating: &Review, comment: &str) -> String {
    let stars = match rating.stars {
        Some(1) => "1 star".to_owned(),
        Some(stars) => format!("{stars} stars"),
        None => "Review".to_owned(),
    };
    if comment.is_empty() { stars } else { format!("{stars}: {}", excerpts::excerpt(comment, SUBJECT)) }
}

fn media(item: &Value) -> Option<Media> {
    let video = item["videoUrl"].as_str();
    let url = video.or_else(|| ["mediaUrl", "googleUrl", "url", "thumbnailUrl"].iter().find_map(|key| item[*key].as_str()))?;
    let kind = if video.is_some() { MediaKind::Video } else { MediaKind::Picture };
    Some(Media { kind, source: url.to_owned(), name: None, media_type: None })
}

/// Our answer as it stands there, and whether Google shows it.
fn reply(name: &str, told: &Value, words: &str, person: Person, post: Post) -> Vec<Element> {
    let id = reply_id(name, words);
    let at = moment(&told["updateTime"]);
    let said = Said {
        id: id.clone(),
        conversation: key(name),
        public: true,
        echo: Some(Echo { part: None, app: None }),
        person,
        text: words.trim().to_owned(),
        at,
        post: Some(post),
        ..Said::default()
    };
    let mut elements = vec![Element::here(Happening::Said(Box::new(said)))];
    if let Some(step) = standing(told) {
        elements.push(noticed(id, Notice::Progress { step, part: None, at }));
    }
    elements
}

/// What Google made of our answer; `None`: nothing yet.
pub fn standing(told: &Value) -> Option<Step> {
    let violation = &told["policyViolation"];
    let why = violation.as_str().or_else(|| violation["policy"].as_str()).or_else(|| violation["reason"].as_str());
    match told["reviewReplyState"].as_str() {
        _ if !violation.is_null() && violation.as_bool() != Some(false) => Some(refused(why)),
        Some("REJECTED") => Some(refused(None)),
        Some("APPROVED") => Some(Step::Delivered),
        _ => None,
    }
}

fn refused(why: Option<&str>) -> Step {
    let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
    Step::Failed(Fault::Permanent(format!("Google does not show this answer: it is against its rules{why}. Write another one.")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(elements: &[Element]) -> Vec<&Happening> {
        elements.iter().filter_map(|element| element.told.as_ref().ok()).collect()
    }

    #[test]
    fn the_original_is_what_counts() {
        assert_eq!(original("(Translated by Google) Long wait\n\n(Original)\nAttesa lunga"), "Attesa lunga");
        assert_eq!(original("Attesa lunga\n\n(Translated by Google)\nLong wait"), "Attesa lunga");
        assert_eq!(original("(Translated by Google) Long wait"), "Long wait");
        assert_eq!(original(" Attesa lunga "), "Attesa lunga");
        assert_eq!(original("A play (Original)"), "A play (Original)");
        assert_eq!(original(""), "");
    }

    #[test]
    fn a_review_is_read_with_its_stars_and_our_answer() {
        let raw = json!({ "reviews": [{ "name": "accounts/1122/locations/3344/reviews/AbFvOq1", "reviewId": "AbFvOq1",
            "reviewer": { "displayName": "Anna Verdi", "profilePhotoUrl": "https://lh3.googleusercontent.com/a", "isAnonymous": false },
            "starRating": "TWO", "comment": "Attesa lunga", "createTime": "2026-10-01T08:00:00.123Z", "updateTime": "2026-10-02T08:00:00Z",
            "reviewReply": { "comment": "Ci scusiamo", "updateTime": "2026-10-02T10:00:00Z", "reviewReplyState": "APPROVED" },
            "reviewMediaItems": [], "reviewReplyUrl": "https://business.google.com/r" }],
            "averageRating": 4.3, "totalReviewCount": 120, "nextPageToken": "CAoQ" });
        let elements = read("accounts/1122/locations/3344", "Bottega", raw.to_string().as_bytes());
        let told = told(&elements);
        let Happening::Said(said) = told[0] else { panic!("{told:?}") };
        assert_eq!(
            (&*said.text, &*said.person.name, said.review.clone().and_then(|review| review.stars)),
            ("Attesa lunga", "Anna Verdi", Some(2))
        );
        assert_eq!(said.subject, "2 stars: Attesa lunga");
        assert!(matches!(told[1], Happening::Noticed { notice: Notice::Rated { .. }, .. }));
        assert!(matches!(told[2], Happening::Noticed { notice: Notice::Edited { .. }, .. }));
        let Happening::Said(reply) = told[3] else { panic!("{told:?}") };
        assert_eq!(reply.id, reply_id("accounts/1122/locations/3344/reviews/AbFvOq1", " Ci  scusiamo"));
        assert!(matches!(told[4], Happening::Noticed { notice: Notice::Progress { step: Step::Delivered, .. }, .. }));
    }

    #[test]
    fn what_is_odd_or_missing_never_stops_the_rest() {
        assert!(read("l", "", b"{}").is_empty());
        assert!(read("l", "", br#"{"message":{"data":"eyJ9","messageId":"1"},"subscription":"s"}"#).is_empty());
        assert!(read("l", "", b"<html>")[0].told.is_err());
        let raw = json!({ "reviews": [{}, { "reviewId": "x", "starRating": "STAR_RATING_UNSPECIFIED", "reviewer": { "isAnonymous": true, "displayName": "A" } },
            { "reviewId": "y", "starRating": "FIVE", "createTime": "2026-10-01T08:00:00Z", "updateTime": "2026-10-01T08:00:00Z",
              "reviewReply": { "comment": "Grazie", "reviewReplyState": "REJECTED" } }], "gone": ["l/reviews/z"] });
        let elements = read("l", "", raw.to_string().as_bytes());
        assert!(elements[0].told.is_err());
        let told = told(&elements);
        let Happening::Said(anonymous) = told[0] else { panic!("{told:?}") };
        assert_eq!((&*anonymous.id, &*anonymous.person.name, &*anonymous.subject), ("l/reviews/x", "A Google user", "Review"));
        let Happening::Said(silent) = told[1] else { panic!("{told:?}") };
        assert_eq!((&*silent.text, &*silent.subject), ("", "5 stars"));
        assert!(matches!(told[3], Happening::Noticed { notice: Notice::Progress { step: Step::Failed(_), .. }, .. }));
        assert!(matches!(told[4], Happening::Noticed { notice: Notice::Removed { .. }, .. }));
    }
}
