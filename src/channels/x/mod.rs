//! X: direct messages, and what is said to and about an account in public. Source: docs.x.com, API v2 and X Activity API.

pub mod api;
pub mod check;
pub mod complete;
pub mod parse;
pub mod poll;
pub mod send;
pub mod settings;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::BoxFuture;
use http::Method;
use serde_json::{Map, Value, json};
use subtle::ConstantTimeEq as _;

use crate::app::App;
use crate::channels::wire::hooks::{Answer, Hook, Reply};
use crate::channels::wire::oauth::Provider;
use crate::channels::wire::{Act, Guide, Health, Network, Pace, Polled, Receipt, Recipient, Way};
use crate::desk::channels::Channel;
use crate::desk::envelope::{IncomingFile, OutgoingFile};
use crate::desk::networks::abilities::{Abilities, FileRule, PublicVerbs, TextLimit};
use crate::desk::networks::parts::{NewPart, Part};
use crate::desk::networks::{Element, Fault, Media, Said};
use crate::desk::tickets::thread::Message;
use crate::secrets;

use settings::{Secrets, Settings};

/// The longest token of a handshake, in bytes.
const MAX_TOKEN: usize = 128;

/// The network.
pub struct X;

/// `sha256=` and the HMAC in base64: of a webhook's raw bytes, or of the token of a handshake.
pub fn sign(consumer_secret: &str, bytes: &[u8]) -> String {
    format!("sha256={}", STANDARD.encode(secrets::hmac(consumer_secret, &[bytes])))
}

/// Whether a handshake's token is one: X signs webhooks with the same secret, so that whoever could have any text signed could forge them.
/// No webhook fits into these letters.
fn is_handshake(token: &str) -> bool {
    (1..=MAX_TOKEN).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_=+/.~".contains(&byte))
}

impl Network for X {
    fn guide(&self) -> Guide {
        Guide {
            fields: settings::FIELDS,
            steps: &[
                "On console.x.com, make an app inside a project, and copy its API key secret and its bearer token from “Keys and tokens”.",
                "Under “User authentication settings” choose “Read and write and Direct message” and “Web App”, enter the callback address shown here, and copy the OAuth 2.0 client ID and client secret.",
                "Enter them below and save; then press “Sign in with X” and agree as the account that your customers write to.",
                "Sportello registers its webhook and subscribes to messages, mentions, replies and quotes by itself; “Test it” shows what X has taken.",
            ],
            ids: "the account’s number",
            hook_by_hand: false,
        }
    }

    fn abilities(&self, channel: &Channel) -> Abilities {
        let settings = Settings::of(channel);
        let types = ["image/jpeg", "image/png", "image/webp", "image/gif", "video/mp4", "video/quicktime"];
        Abilities {
            text: TextLimit::Characters(10_000),
            public_text: Some(TextLimit::Weighted(280)),
            splits: true,
            files: Some(FileRule {
                max_picture: 5 << 20,
                max_animation: Some(15 << 20),
                max_other: 25 << 20,
                types: types.map(str::to_owned).to_vec(),
                max_count: 4,
            }),
            public_files: true,
            public: PublicVerbs { delete_own: true, ..PublicVerbs::default() },
            uncalled: if settings.enterprise { String::new() } else { api::UNCALLED.to_owned() },
            ..Abilities::default()
        }
    }

    fn admit(&self, app: &App, channel: &Channel, hook: &Hook) -> Answer {
        let secrets: Secrets = channel.secrets(&app.keys);
        if secrets.consumer_secret.is_empty() {
            return Answer::Refuse;
        }
        if hook.method == Method::GET {
            return match hook.query("crc_token").filter(|token| is_handshake(token)) {
                Some(token) => Answer::Say(Reply::json(&json!({ "response_token": sign(&secrets.consumer_secret, token.as_bytes()) }))),
                None => Answer::Refuse,
            };
        }
        let given = hook.header("x-twitter-webhooks-signature").unwrap_or_default();
        let same: bool = sign(&secrets.consumer_secret, &hook.body).as_bytes().ct_eq(given.as_bytes()).into();
        if same { Answer::Take(Reply::ok()) } else { Answer::Refuse }
    }

    /// One app may have several accounts; what it signs may speak of any of them.
    fn speaks_for(&self, app: &App, signed: &Channel, other: &Channel) -> bool {
        let secret = |channel: &Channel| channel.secrets::<Secrets>(&app.keys).consumer_secret;
        signed.id == other.id || secret(signed) == secret(other)
    }

    fn read(&self, channel: &Channel, raw: &[u8]) -> Vec<Element> {
        let settings = Settings::of(channel);
        parse::read(parse::Account { id: channel.address.as_deref().unwrap_or_default(), handle: &settings.handle }, raw)
    }

    fn fetch<'a>(&'a self, way: &'a Way<'a>, media: &'a Media) -> BoxFuture<'a, Result<IncomingFile, Fault>> {
        Box::pin(send::fetch(way, media))
    }

    fn complete<'a>(&'a self, way: &'a Way<'a>, said: &'a mut Said) -> BoxFuture<'a, ()> {
        Box::pin(complete::complete(way, said))
    }

    fn plan(&self, channel: &Channel, message: &Message, files: &[OutgoingFile]) -> Vec<NewPart> {
        send::plan(&self.abilities(channel), message, files)
    }

    fn send<'a>(
        &'a self,
        way: &'a Way<'a>,
        to: &'a Recipient,
        _message: &'a Message,
        part: &'a Part,
        files: &'a [OutgoingFile],
    ) -> BoxFuture<'a, Result<Receipt, Fault>> {
        Box::pin(send::send(way, to, part, files))
    }

    fn act<'a>(&'a self, way: &'a Way<'a>, target: &'a str, act: Act) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            match act {
                Act::Delete => send::delete(way, target).await,
                Act::Hide(_) | Act::Like(_) => Err(Fault::Permanent("X lets Sportello do no such thing.".to_owned())),
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

    fn polls(&self, channel: &Channel) -> bool {
        // Before the first test nobody knows whose account it is. Of what comes by itself X is asked whether it still does.
        channel.address.is_some()
    }

    fn poll<'a>(&'a self, way: &'a Way<'a>) -> BoxFuture<'a, Result<Polled, Fault>> {
        Box::pin(poll::poll(way))
    }

    fn pace(&self) -> Pace {
        Pace { per_second: 5, per_recipient: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::sign;

    /// Computed apart from this program.
    #[test]
    fn signatures_match_the_reference() {
        assert_eq!(sign("x-consumer-secret", b"crc-token-1"), "sha256=r+T4i3oz5lhVeFlaD3wXqDtNfaxnrRtrFvP85u6jyLU=");
        assert_eq!(sign("x-consumer-secret", br#"{"data":{"event_uuid":"1"}}"#), "sha256=x0eEuoYf6Fq/CWqbZfbLfUtkpsMH1a9Cz9Vtpt2ka/w=");
    }
}
