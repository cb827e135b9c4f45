//! SMS through Twilio, both ways. Source: twilio.com/docs/messaging, API 2010-04-01.

pub mod parse;
pub mod send;
pub mod settings;

use futures_util::future::BoxFuture;
use http::Method;

use crate::app::App;
use crate::channels::twilio;
use crate::channels::wire::hooks::{Answer, Hook, Reply};
use crate::channels::wire::{Guide, Health, Network, Pace, Receipt, Recipient, Way};
use crate::desk::channels::Channel;
use crate::desk::envelope::{IncomingFile, OutgoingFile};
use crate::desk::networks::abilities::{Abilities, TextLimit};
use crate::desk::networks::parts::{NewPart, Part};
use crate::desk::networks::{Element, Fault, Media};
use crate::desk::tickets::thread::Message;

use settings::Secrets;

/// The network.
pub struct Sms;

impl Network for Sms {
    fn guide(&self) -> Guide {
        Guide {
            fields: settings::FIELDS,
            steps: &[
                "In Twilio’s console buy a number that can send and receive SMS.",
                "Copy the Account SID and the auth token from the console’s first page, and enter them below with the number.",
                "Press “Save and test it”: Sportello tells Twilio by itself where to send what customers write.",
            ],
            ids: "the number",
            hook_by_hand: false,
        }
    }

    fn abilities(&self, _channel: &Channel) -> Abilities {
        // Pictures would have to lie where everybody can fetch them.
        Abilities { text: TextLimit::Utf16(1600), splits: true, files: None, ..Abilities::default() }
    }

    fn admit(&self, app: &App, channel: &Channel, hook: &Hook) -> Answer {
        let secrets: Secrets = channel.secrets(&app.keys);
        if hook.method != Method::POST || !twilio::is_genuine(hook, &secrets.auth_token) {
            return Answer::Refuse;
        }
        // Nothing is to be said at once.
        Answer::Take(Reply::xml("<Response></Response>"))
    }

    fn read(&self, _channel: &Channel, raw: &[u8]) -> Vec<Element> {
        parse::read(raw)
    }

    fn fetch<'a>(&'a self, way: &'a Way<'a>, media: &'a Media) -> BoxFuture<'a, Result<IncomingFile, Fault>> {
        Box::pin(send::fetch(way, media))
    }

    fn plan(&self, channel: &Channel, message: &Message, _files: &[OutgoingFile]) -> Vec<NewPart> {
        send::plan(&self.abilities(channel), message)
    }

    fn send<'a>(
        &'a self,
        way: &'a Way<'a>,
        to: &'a Recipient,
        _message: &'a Message,
        part: &'a Part,
        _files: &'a [OutgoingFile],
    ) -> BoxFuture<'a, Result<Receipt, Fault>> {
        Box::pin(send::send(way, to, part))
    }

    fn check<'a>(&'a self, way: &'a Way<'a>) -> BoxFuture<'a, Result<Health, Fault>> {
        Box::pin(send::check(way))
    }

    fn pace(&self) -> Pace {
        Pace { per_second: 10, per_recipient: 0 }
    }
}
