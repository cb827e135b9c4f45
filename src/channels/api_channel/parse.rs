//! What a program told becomes happenings. Pure.

use crate::desk::api_channels::{By, NewMessage, NewReview, NewStatus, Progress, Settings, Told, media_kind};
use crate::desk::channels::Channel;
use crate::desk::kinds::IdentityKind;
use crate::desk::networks::{Echo, Element, Fault, Happening, Media, Notice, Person, Post, Review, Said, Step};
use crate::ids::ChannelId;

/// What a file's `source` begins with when it lies in the blob store already.
pub const KEPT: &str = "blob:";

/// Reads one thing, as the API stored it.
pub fn read(channel: &Channel, raw: &[u8]) -> Vec<Element> {
    let told = match serde_json::from_slice::<Told>(raw) {
        Ok(told) => told,
        Err(error) => return vec![Element { account: None, told: Err(format!("It cannot be read: {error}.")) }],
    };
    let noticed = |target: &str, notice: Notice| Element::here(Happening::Noticed { target: target.to_owned(), notice });
    match told {
        Told::Message { message, proven, files } => {
            let mut said = said(channel, *message, proven);
            let kept = files.into_iter().map(|file| Media {
                kind: media_kind(&file.media_type),
                source: format!("{KEPT}{}", file.sha256),
                name: Some(file.name),
                media_type: Some(file.media_type),
            });
            said.media.extend(kept);
            vec![Element::here(Happening::Said(Box::new(said)))]
        }
        Told::Edit { id, edit } => {
            let (restored, at) = (edit.restored, edit.at);
            let text = edit.text.map(|text| if restored { Notice::Restored { text, at } } else { Notice::Edited { text, at } });
            let review = edit.review.map(|review| Notice::Rated { review: rating(review) });
            let hidden = edit.hidden.map(|hidden| Notice::Hidden { hidden });
            text.into_iter().chain(review).chain(hidden).map(|notice| noticed(&id, notice)).collect()
        }
        Told::Removal { id, at } => vec![noticed(&id, Notice::Removed { at })],
        Told::Reaction { id, reaction } => {
            vec![noticed(&id, Notice::Reacted { by: reaction.by.into(), emoji: reaction.emoji, at: reaction.at })]
        }
        Told::Progress(status) => {
            let notice = Notice::Progress { step: step(&status), part: None, at: status.at };
            vec![noticed(&status.id, notice)]
        }
    }
}

fn step(status: &NewStatus) -> Step {
    match status.status {
        Progress::Delivered => Step::Delivered,
        Progress::Read => Step::Read,
        Progress::Failed => {
            let words = status.reason.clone().filter(|reason| !reason.trim().is_empty());
            Step::Failed(Fault::Permanent(words.unwrap_or_else(|| "The other side could not deliver it and gave no reason.".to_owned())))
        }
    }
}

fn rating(review: NewReview) -> Review {
    Review { stars: review.stars, recommends: review.recommends }
}

/// What a customer is known by: an identifier means something on its own channel only.
pub fn identity(channel: ChannelId, identifier: &str) -> (IdentityKind, String) {
    (IdentityKind::External, format!("{channel}:{identifier}"))
}

fn said(channel: &Channel, message: NewMessage, proven: bool) -> Said {
    let contact = message.contact;
    let sure = proven || contact.verified;
    let addresses = [(IdentityKind::Email, contact.email.clone()), (IdentityKind::Phone, contact.phone.clone())];
    let also = addresses.into_iter().filter_map(|(kind, address)| address.map(|address| (kind, address))).filter(|_| sure).collect();
    let media = message.attachments.into_iter().map(|link| {
        let path = url::Url::parse(&link.url).ok().map(|url| url.path().to_owned()).unwrap_or_default();
        let name = link.name.or_else(|| path.rsplit('/').next().filter(|name| !name.is_empty()).map(str::to_owned));
        let guess = mime_guess::from_path(name.as_deref().unwrap_or_default()).first_raw().unwrap_or_default();
        Media { kind: media_kind(guess), source: link.url, name, media_type: None }
    });
    Said {
        conversation: message.conversation.unwrap_or_else(|| contact.identifier.clone()),
        public: message.public.unwrap_or(Settings::of(channel).public),
        echo: (message.by == By::Shop).then_some(Echo { part: None, app: None }),
        person: Person {
            identity: Some(identity(channel.id, &contact.identifier)),
            also,
            name: contact.name.unwrap_or_default(),
            handle: contact.email.or(contact.phone),
            picture: contact.picture,
            followers: None,
        },
        id: message.id,
        text: message.text,
        at: message.at,
        reply_to: message.reply_to,
        media: media.collect(),
        post: message.post.map(|post| Post { id: post.id, url: post.url, text: post.text, author: post.author, picture: None }),
        review: message.review.map(rating),
        subject: message.subject.unwrap_or_default(),
        language: message.language,
        opens_window: message.by == By::Customer,
        ..Said::default()
    }
}
