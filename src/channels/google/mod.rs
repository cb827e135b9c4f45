//! Reviews of a place on Google (Business Profile). Source: developers.google.com/my-business, reviews API v4.

pub mod api;
pub mod check;
pub mod parse;
pub mod poll;
pub mod push;
pub mod send;
pub mod settings;

use futures_util::future::BoxFuture;
use http::Method;
use serde_json::{Map, Value};

use crate::app::App;
use crate::channels::wire::hooks::{self, Answer, Hook, Reply};
use crate::channels::wire::oauth::Provider;
use crate::channels::wire::{Act, Choices, Guide, Health, Network, Pace, Polled, Receipt, Recipient, Way};
use crate::clock::Ts;
use crate::desk::channels::Channel;
use crate::desk::envelope::{IncomingFile, OutgoingFile};
use crate::desk::networks::abilities::{Abilities, PublicVerbs, TextLimit};
use crate::desk::networks::parts::Part;
use crate::desk::networks::{Element, Fault, Media, Said};
use crate::desk::tickets::thread::Message;

use push::Expected;
use settings::Settings;

/// The network.
pub struct Google;

impl Network for Google {
    fn guide(&self) -> Guide {
        Guide {
            fields: settings::FIELDS,
            steps: &[
                "In the Google Cloud console, make a project and ask Google to approve it for the Business Profile API (developers.google.com/my-business, “Request access”); until then its quota is 0.",
                "Switch on in it: Google My Business API, My Business Account Management API, My Business Business Information API.",
                "Under “Credentials” make an OAuth client of the type “Web application” with the callback address shown here as its redirect URI.",
                "Enter its ID and secret below and save; then press “Sign in with Google” as somebody who manages the place, and choose the place.",
                "Only if Google is to tell of reviews at once: switch on the My Business Notifications API too, make a Pub/Sub topic to which mybusiness-api-pubsub@system.gserviceaccount.com may publish, and a push subscription with authentication to the webhook address shown here; enter topic and service account below, under “More”.",
            ],
            ids: "the place",
            hook_by_hand: true,
        }
    }

    fn abilities(&self, _channel: &Channel) -> Abilities {
        Abilities {
            text: TextLimit::Bytes(4096),
            public_text: Some(TextLimit::Bytes(4096)),
            splits: false,
            public: PublicVerbs { delete_own: true, ..PublicVerbs::default() },
            ..Abilities::default()
        }
    }

    /// By the token that Google signs; its keys lie with the channel, where each poll looks after them.
    fn admit(&self, app: &App, channel: &Channel, hook: &Hook) -> Answer {
        let settings = Settings::of(channel);
        let address = hooks::address(app, channel.kind, channel.id);
        let audience = if settings.push_audience.is_empty() { &address } else { &settings.push_audience };
        let token = hook.header("authorization").and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
        let expected = Expected { email: &settings.push_email, audience };
        let genuine = hook.method == Method::POST && push::is_genuine(token, &channel.cursor["keys"], expected, Ts::now().0.as_second());
        if genuine { Answer::Take(Reply::ok()) } else { Answer::Refuse }
    }

    fn read(&self, channel: &Channel, raw: &[u8]) -> Vec<Element> {
        let settings = Settings::of(channel);
        parse::read(&settings.location, &settings.title, raw)
    }

    fn fetch<'a>(&'a self, way: &'a Way<'a>, media: &'a Media) -> BoxFuture<'a, Result<IncomingFile, Fault>> {
        Box::pin(async move {
            let fetched = way.calls.fetch(&media.source, |request| request).await?;
            Ok(fetched.into_file("review".to_owned(), None))
        })
    }

    fn complete<'a>(&'a self, way: &'a Way<'a>, said: &'a mut Said) -> BoxFuture<'a, ()> {
        Box::pin(send::complete(way, said))
    }

    fn send<'a>(
        &'a self,
        way: &'a Way<'a>,
        to: &'a Recipient,
        message: &'a Message,
        part: &'a Part,
        _files: &'a [OutgoingFile],
    ) -> BoxFuture<'a, Result<Receipt, Fault>> {
        Box::pin(send::send(way, to, message, part))
    }

    fn act<'a>(&'a self, way: &'a Way<'a>, target: &'a str, act: Act) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            match act {
                Act::Delete => send::delete(way, target).await,
                Act::Hide(_) | Act::Like(_) => Err(Fault::Permanent("Google lets nobody but itself do that to a review.".to_owned())),
            }
        })
    }

    fn check<'a>(&'a self, way: &'a Way<'a>) -> BoxFuture<'a, Result<Health, Fault>> {
        Box::pin(check::check(way))
    }

    fn oauth(&self, channel: &Channel, secrets: &Map<String, Value>) -> Option<Provider> {
        settings::provider(channel, secrets)
    }

    fn signs_in(&self) -> bool {
        true
    }

    fn choices<'a>(&'a self, way: &'a Way<'a>) -> BoxFuture<'a, Result<Option<Choices>, Fault>> {
        Box::pin(check::places(way))
    }

    fn nudges(&self) -> bool {
        true
    }

    fn polls(&self, channel: &Channel) -> bool {
        !Settings::of(channel).location.is_empty()
    }

    fn poll<'a>(&'a self, way: &'a Way<'a>) -> BoxFuture<'a, Result<Polled, Fault>> {
        Box::pin(poll::poll(way))
    }

    fn pace(&self) -> Pace {
        Pace { per_second: 4, per_recipient: 0 }
    }
}
