//! Channels of the shop's own making: forums, comments, reviews, apps. A program of theirs tells the API what customers say
//! (`desk::api_channels` has the words) and is posted what agents answer.

mod editor;
pub mod parse;
pub mod send;

use futures_util::future::BoxFuture;

use crate::app::App;
use crate::channels::wire::hooks::{Answer, Hook};
use crate::channels::wire::{Guide, Health, Network, Pace, Receipt, Recipient, Way};
use crate::desk::api_channels::{Settings, has_door};
use crate::desk::channels::Channel;
use crate::desk::envelope::{IncomingFile, OutgoingFile};
use crate::desk::networks::abilities::{Abilities, FileRule, TextLimit, WindowRule};
use crate::desk::networks::parts::Part;
use crate::desk::networks::{Element, Fault, Media};
use crate::desk::tickets::thread::Message;

pub use editor::router as editor_router;

/// The network.
pub struct ApiChannel;

impl Network for ApiChannel {
    /// It has a page of its own.
    fn guide(&self) -> Guide {
        Guide { fields: &[], steps: &[], ids: "", hook_by_hand: false }
    }

    /// Channels that only carry tickets made by the API are answered by mail.
    fn answers(&self, channel: &Channel) -> bool {
        has_door(channel) && Settings::of(channel).sends()
    }

    fn abilities(&self, channel: &Channel) -> Abilities {
        let settings = Settings::of(channel);
        let limit = TextLimit::Characters(if settings.sends() { settings.text_limit } else { 0 });
        Abilities {
            text: limit,
            public_text: settings.sends().then_some(limit),
            splits: false,
            files: settings.sends().then_some(FileRule {
                max_picture: 20 << 20,
                max_animation: None,
                max_other: 20 << 20,
                types: Vec::new(),
                max_count: 10,
            }),
            public_files: true,
            window: settings.window_hours.map(|hours| WindowRule { free: hours * 3600, human: None, templates: false }),
            ..Abilities::default()
        }
    }

    /// Nothing comes by this door: the API takes what these programs tell.
    fn admit(&self, _app: &App, _channel: &Channel, _hook: &Hook) -> Answer {
        Answer::Refuse
    }

    fn read(&self, channel: &Channel, raw: &[u8]) -> Vec<Element> {
        parse::read(channel, raw)
    }

    fn fetch<'a>(&'a self, way: &'a Way<'a>, media: &'a Media) -> BoxFuture<'a, Result<IncomingFile, Fault>> {
        Box::pin(send::fetch(way, media))
    }

    /// Everything in one: what we post has no shape but ours.
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

    fn check<'a>(&'a self, way: &'a Way<'a>) -> BoxFuture<'a, Result<Health, Fault>> {
        Box::pin(send::check(way))
    }

    fn pace(&self) -> Pace {
        Pace { per_second: 20, per_recipient: 0 }
    }
}
