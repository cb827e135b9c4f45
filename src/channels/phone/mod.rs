//! The telephone: calls as exchanges tell of them (generic CTI, sipgate, Twilio Voice), or written down by hand. Nothing is answered
//! through it but by calling.

pub mod cti;
pub mod settings;
pub mod voice;

use futures_util::future::BoxFuture;

use crate::app::App;
use crate::channels::wire::hooks::{self, Answer, Hook};
use crate::channels::wire::{Guide, Health, Network, Pace, Receipt, Recipient, Way};
use crate::desk::channels::Channel;
use crate::desk::envelope::{IncomingFile, OutgoingFile};
use crate::desk::networks::abilities::Abilities;
use crate::desk::networks::parts::{NewPart, Part};
use crate::desk::networks::{Element, Fault, Media};
use crate::desk::tickets::thread::Message;

use settings::{Provider, Secrets, Settings};

/// The network.
pub struct Phone;

impl Network for Phone {
    fn guide(&self) -> Guide {
        Guide {
            fields: settings::FIELDS,
            steps: &[
                "Choose below who tells Sportello of calls, and save.",
                "A telephone exchange: enter the webhook address in its CTI or webhook settings, as what is called for new, answered and ended calls.",
                "sipgate: enter the webhook address under Webhooks, as URL for incoming and for outgoing calls.",
                "Twilio: nothing has to be entered there; “Save and test it” sets up the number.",
                "Give your people their extension or number under Settings, People, so that a call shows who took it.",
            ],
            ids: "the number",
            hook_by_hand: true,
        }
    }

    fn abilities(&self, _channel: &Channel) -> Abilities {
        Abilities::default()
    }

    fn answers(&self, _channel: &Channel) -> bool {
        false
    }

    fn hook_address(&self, app: &App, channel: &Channel) -> String {
        let plain = hooks::address(app, channel.kind, channel.id);
        let secrets: Secrets = channel.secrets(&app.keys);
        match Settings::of(channel).provider {
            Provider::Cti | Provider::Sipgate if !secrets.token.is_empty() => format!("{plain}/{}", secrets.token),
            _ => plain,
        }
    }

    fn admit(&self, app: &App, channel: &Channel, hook: &Hook) -> Answer {
        let (settings, secrets) = (Settings::of(channel), channel.secrets::<Secrets>(&app.keys));
        match settings.provider {
            Provider::Cti | Provider::Sipgate => cti::admit(&settings, &secrets, hook, &self.hook_address(app, channel)),
            Provider::Twilio => voice::admit(&settings, &secrets, channel, hook, &hooks::address(app, channel.kind, channel.id)),
            Provider::None => Answer::Refuse,
        }
    }

    fn read(&self, channel: &Channel, raw: &[u8]) -> Vec<Element> {
        let settings = Settings::of(channel);
        match settings.provider {
            Provider::Cti | Provider::Sipgate => cti::read(&settings, raw),
            Provider::Twilio => voice::read(&settings, raw),
            Provider::None => Vec::new(),
        }
    }

    fn fetch<'a>(&'a self, way: &'a Way<'a>, media: &'a Media) -> BoxFuture<'a, Result<IncomingFile, Fault>> {
        Box::pin(voice::fetch(way, media))
    }

    fn plan(&self, _channel: &Channel, _message: &Message, _files: &[OutgoingFile]) -> Vec<NewPart> {
        Vec::new()
    }

    fn send<'a>(
        &'a self,
        _way: &'a Way<'a>,
        _to: &'a Recipient,
        _message: &'a Message,
        _part: &'a Part,
        _files: &'a [OutgoingFile],
    ) -> BoxFuture<'a, Result<Receipt, Fault>> {
        Box::pin(async { Err(Fault::Permanent("Nothing can be written over the telephone: call the customer.".to_owned())) })
    }

    fn check<'a>(&'a self, way: &'a Way<'a>) -> BoxFuture<'a, Result<Health, Fault>> {
        Box::pin(async move {
            let settings = Settings::of(way.channel);
            if !crate::text::phones::is_country(&settings.country) {
                return Err(Fault::Permanent(format!("“{}” is no country code: 39 for Italy, 49 for Germany.", settings.country)));
            }
            let heard = match way.channel.last_event_at {
                Some(_) => "The exchange has told of calls already".to_owned(),
                None => "Nothing has come in so far: enter the webhook address there, then call your shop".to_owned(),
            };
            let told = |account: &str, note: String| Ok(Health { account: account.to_owned(), id: String::new(), notes: vec![note] });
            match settings.provider {
                Provider::Twilio => voice::check(way).await,
                Provider::Cti => told("generic CTI", heard),
                Provider::Sipgate => told("sipgate", heard),
                Provider::None => told("by hand", "Anybody writes a call down with “Log a call”".to_owned()),
            }
        })
    }

    fn pace(&self) -> Pace {
        Pace { per_second: 1, per_recipient: 0 }
    }
}
