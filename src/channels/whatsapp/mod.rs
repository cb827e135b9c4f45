//! WhatsApp: a business number that customers write to. Source: developers.facebook.com, WhatsApp Business Cloud API, Graph API v25.

pub mod composer;
pub mod faults;
pub mod parse;
pub mod send;
pub mod settings;
pub mod templates;

use futures_util::future::BoxFuture;

use crate::app::App;
use crate::channels::meta;
use crate::channels::wire::hooks::{self, Answer, Hook};
use crate::channels::wire::{Guide, Health, Network, Pace, Receipt, Recipient, Sign, Way};
use crate::desk::channels::Channel;
use crate::desk::envelope::{IncomingFile, OutgoingFile};
use crate::desk::networks::abilities::{Abilities, FileRule, TextLimit, WindowRule};
use crate::desk::networks::parts::{NewPart, Part};
use crate::desk::networks::{Element, Fault, Media};
use crate::desk::tickets::thread::Message;

use settings::Secrets;

/// The network.
pub struct Whatsapp;

/// What Meta takes for sending.
const TYPES: &[&str] = &[
    "image/jpeg",
    "image/png",
    "image/webp",
    "audio/aac",
    "audio/mp4",
    "audio/mpeg",
    "audio/amr",
    "audio/ogg",
    "audio/opus",
    "video/mp4",
    "video/3gpp",
    "text/plain",
    "application/pdf",
    "application/msword",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.openxmlformats-officedocument.",
];

impl Network for Whatsapp {
    fn guide(&self) -> Guide {
        Guide {
            fields: settings::FIELDS,
            steps: &[
                "On developers.facebook.com make an app of the type Business, and add WhatsApp to it. Register your shop’s number there.",
                "In Meta’s Business settings make a system user, give it the app and the WhatsApp account, and let it generate a token with whatsapp_business_messaging and whatsapp_business_management.",
                "Enter the two ids from WhatsApp, API setup, the token, and the app’s secret below, and save.",
                "In the app under WhatsApp, Configuration, enter this channel’s webhook address and verify token, and subscribe to the fields messages, smb_message_echoes, message_template_status_update, account_update, phone_number_quality_update and user_id_update.",
            ],
            ids: "the phone number’s id",
            hook_by_hand: true,
        }
    }

    fn abilities(&self, _channel: &Channel) -> Abilities {
        Abilities {
            text: TextLimit::Characters(4096),
            splits: true,
            // What is too large for a picture or a film goes as a document.
            files: Some(FileRule {
                max_picture: send::MAX_DOCUMENT,
                max_animation: None,
                max_other: send::MAX_DOCUMENT,
                types: TYPES.iter().map(|&kind| kind.to_owned()).collect(),
                max_count: 10,
            }),
            choices: Some((send::MAX_BUTTONS, send::MAX_BUTTON)),
            window: Some(WindowRule { free: 24 * 3600, human: None, templates: true }),
            marks: true,
            reactions: ["👍", "❤️", "🎉", "👏", "😢", "🙏"].map(str::to_owned).to_vec(),
            quotes: true,
            ..Abilities::default()
        }
    }

    fn admit(&self, app: &App, channel: &Channel, hook: &Hook) -> Answer {
        let secrets: Secrets = channel.secrets(&app.keys);
        meta::admit(hook, &secrets.verify_token, &[&secrets.app_secret])
    }

    fn speaks_for(&self, app: &App, signed: &Channel, other: &Channel) -> bool {
        meta::share_an_app(app, signed, other)
    }

    fn read(&self, channel: &Channel, raw: &[u8]) -> Vec<Element> {
        parse::read(channel, raw)
    }

    fn fetch<'a>(&'a self, way: &'a Way<'a>, media: &'a Media) -> BoxFuture<'a, Result<IncomingFile, Fault>> {
        Box::pin(send::fetch(way, media))
    }

    fn plan(&self, channel: &Channel, message: &Message, files: &[OutgoingFile]) -> Vec<NewPart> {
        send::plan(&self.abilities(channel), message, files)
    }

    fn send<'a>(
        &'a self,
        way: &'a Way<'a>,
        to: &'a Recipient,
        message: &'a Message,
        part: &'a Part,
        files: &'a [OutgoingFile],
    ) -> BoxFuture<'a, Result<Receipt, Fault>> {
        Box::pin(send::send(way, to, message, part, files))
    }

    fn react<'a>(
        &'a self,
        way: &'a Way<'a>,
        to: &'a Recipient,
        target: &'a str,
        emoji: Option<&'a str>,
    ) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(send::react(way, to, target, emoji))
    }

    fn tell<'a>(&'a self, way: &'a Way<'a>, to: &'a Recipient, sign: Sign) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(send::tell(way, to, sign))
    }

    fn check<'a>(&'a self, way: &'a Way<'a>) -> BoxFuture<'a, Result<Health, Fault>> {
        let hook = hooks::address(way.app, way.channel.kind, way.channel.id);
        Box::pin(async move { send::check(way, &hook).await })
    }

    fn pace(&self) -> Pace {
        Pace { per_second: 80, per_recipient: 6 }
    }
}
