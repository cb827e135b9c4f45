//! What all networks share: the door for their webhooks, the way to their APIs, the loop that sends.

pub mod acts;
pub use crate::http::outside as calls;
pub mod editor;
pub mod faces;
pub mod hooks;
pub mod oauth;
pub mod polling;
pub mod reading;
pub mod sending;
pub mod signed;
pub mod taking;
pub mod telling;

use futures_util::future::BoxFuture;

use crate::app::App;
use crate::channels::wire::calls::Caller;
use crate::channels::wire::hooks::{Answer, Hook};
use crate::desk::changes::Change;
use crate::desk::channels::{self as rows, Channel};
use crate::desk::envelope::{IncomingFile, OutgoingFile};
use crate::desk::kinds::{ChannelKind, IdentityKind};
use crate::desk::networks::abilities::Abilities;
pub use crate::desk::networks::acts::Act;
use crate::desk::networks::parts::{NewPart, Part};
use crate::desk::networks::{Element, Fault, Media, Said};
use crate::desk::tickets::thread::Message;

/// What a folder of a network implements. Everything that talks to the provider has a time-out and a size limit by the [`Caller`].
pub trait Network: Send + Sync {
    /// How an admin connects it.
    fn guide(&self) -> Guide;

    /// What can be sent, how long, until when.
    fn abilities(&self, channel: &Channel) -> Abilities;

    /// Whether agents answer through it at all; else its tickets are answered by mail.
    fn answers(&self, channel: &Channel) -> bool {
        let _ = channel;
        true
    }

    /// The address that an admin enters at the provider's.
    fn hook_address(&self, app: &App, channel: &Channel) -> String {
        hooks::address(app, channel.kind, channel.id)
    }

    /// Whether a webhook is the provider's, judged on its raw bytes in constant time, and what to answer at once. Handshakes end here.
    fn admit(&self, app: &App, channel: &Channel, hook: &Hook) -> Answer;

    /// Whether what the provider signed for one channel may speak of another: where an app of theirs serves several accounts.
    fn speaks_for(&self, app: &App, signed: &Channel, other: &Channel) -> bool {
        let _ = app;
        signed.id == other.id
    }

    /// What a stored webhook tells. Pure; never fails as a whole.
    fn read(&self, channel: &Channel, raw: &[u8]) -> Vec<Element>;

    /// Fetches a file of a message.
    fn fetch<'a>(&'a self, way: &'a Way<'a>, media: &'a Media) -> BoxFuture<'a, Result<IncomingFile, Fault>>;

    /// Fills in what a message did not tell: the sender's name and picture, the post around it. What cannot be found out is left as it is.
    fn complete<'a>(&'a self, way: &'a Way<'a>, said: &'a mut Said) -> BoxFuture<'a, ()> {
        let _ = (way, said);
        Box::pin(async {})
    }

    /// Cuts an outgoing message into what the provider takes in one call each; all of it in one, unless the network says otherwise.
    fn plan(&self, channel: &Channel, message: &Message, files: &[OutgoingFile]) -> Vec<NewPart> {
        let _ = (channel, files);
        vec![NewPart { body: message.body.trim().to_owned(), ..NewPart::default() }]
    }

    /// Sends one part; answers with the provider's id of it.
    fn send<'a>(
        &'a self,
        way: &'a Way<'a>,
        to: &'a Recipient,
        message: &'a Message,
        part: &'a Part,
        files: &'a [OutgoingFile],
    ) -> BoxFuture<'a, Result<Receipt, Fault>>;

    /// Does something to a public message.
    fn act<'a>(&'a self, way: &'a Way<'a>, target: &'a str, act: Act) -> BoxFuture<'a, Result<(), Fault>> {
        let _ = (way, target, act);
        Box::pin(async { Err(Fault::Permanent("This network cannot do that.".into())) })
    }

    /// Puts our emoji on a message of the customer's, or takes it away.
    fn react<'a>(
        &'a self,
        way: &'a Way<'a>,
        to: &'a Recipient,
        target: &'a str,
        emoji: Option<&'a str>,
    ) -> BoxFuture<'a, Result<(), Fault>> {
        let _ = (way, to, target, emoji);
        Box::pin(async { Err(Fault::Permanent("This network takes no reactions.".into())) })
    }

    /// Tells the customer's side that we have read up to a message, or are typing.
    fn tell<'a>(&'a self, way: &'a Way<'a>, to: &'a Recipient, sign: Sign) -> BoxFuture<'a, Result<(), Fault>> {
        let _ = (way, to, sign);
        Box::pin(async { Ok(()) })
    }

    /// Asks the provider whether we are let in, and as whom; shown on the channel's page. Subscribes to what the desk needs.
    fn check<'a>(&'a self, way: &'a Way<'a>) -> BoxFuture<'a, Result<Health, Fault>>;

    /// How an admin signs in at the provider's in a browser; `None`: what lets us in is entered.
    fn oauth(&self, channel: &Channel, secrets: &serde_json::Map<String, serde_json::Value>) -> Option<oauth::Provider> {
        let _ = (channel, secrets);
        None
    }

    /// Whether an admin signs in in a browser, once the app is entered.
    fn signs_in(&self) -> bool {
        false
    }

    /// What an admin has to choose among once the provider has let us in; `None`: nothing, or nothing any more.
    fn choices<'a>(&'a self, way: &'a Way<'a>) -> BoxFuture<'a, Result<Option<Choices>, Fault>> {
        let _ = way;
        Box::pin(async { Ok(None) })
    }

    /// Whether a webhook only tells that there is something to ask for.
    fn nudges(&self) -> bool {
        false
    }

    /// Whether it has to be asked for what is new.
    fn polls(&self, channel: &Channel) -> bool {
        let _ = channel;
        false
    }

    /// Fetches what does not come by itself.
    fn poll<'a>(&'a self, way: &'a Way<'a>) -> BoxFuture<'a, Result<Polled, Fault>> {
        let _ = way;
        Box::pin(async { Err(Fault::Permanent("This network sends by itself what is new.".into())) })
    }

    /// How fast the provider lets us send.
    fn pace(&self) -> Pace;
}

impl Recipient {
    /// The customer's first address of a kind.
    pub fn address(&self, kind: IdentityKind) -> Option<&str> {
        self.identities.iter().find(|(other, _)| *other == kind).map(|(_, address)| &**address)
    }
}

/// How an admin connects a network.
#[derive(Debug, Clone, Copy)]
pub struct Guide {
    pub fields: &'static [Field],
    /// What is to be done at the provider's, in order.
    pub steps: &'static [&'static str],
    /// What names the account in its webhooks (`the page’s id`).
    pub ids: &'static str,
    /// The admin enters the webhook's address at the provider's; else that is done by [`Network::check`].
    pub hook_by_hand: bool,
}

/// Something that a channel of a network is configured with.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// In the settings or secrets of the channel's folder.
    pub name: &'static str,
    pub label: &'static str,
    pub hint: &'static str,
    /// Kept sealed, and never shown again.
    pub secret: bool,
    /// Nobody enters it: a long random text is chosen when the channel is made. Shown, so that it can be entered at the provider's, if it
    /// has a label.
    pub chosen: bool,
    pub required: bool,
    pub default: &'static str,
    /// Only few ever change it.
    pub advanced: bool,
    /// What can be chosen, as value and words; none: it is typed.
    pub choices: &'static [(&'static str, &'static str)],
    /// Shown only while the field with choices stands at this one.
    pub only: &'static str,
}

impl Field {
    /// Something that everybody may see.
    pub const fn plain(name: &'static str, label: &'static str, hint: &'static str) -> Self {
        Self { name, label, hint, secret: false, chosen: false, required: true, default: "", advanced: false, choices: &[], only: "" }
    }

    /// Something that is kept sealed.
    pub const fn secret(name: &'static str, label: &'static str, hint: &'static str) -> Self {
        Self { secret: true, ..Self::plain(name, label, hint) }
    }

    /// A secret that we choose and nobody has to see.
    pub const fn chosen(name: &'static str) -> Self {
        Self { secret: true, chosen: true, required: false, ..Self::plain(name, "", "") }
    }

    /// A secret that we choose and an admin enters at the provider's.
    pub const fn shown(name: &'static str, label: &'static str, hint: &'static str) -> Self {
        Self { secret: true, chosen: true, required: false, ..Self::plain(name, label, hint) }
    }

    /// Where the provider's API is.
    pub const fn base(default: &'static str) -> Self {
        Self {
            required: false,
            default,
            advanced: true,
            ..Self::plain("base", "API address", "Only for a server of one’s own, or for tests.")
        }
    }

    /// One of several.
    pub const fn choice(
        name: &'static str,
        label: &'static str,
        hint: &'static str,
        choices: &'static [(&'static str, &'static str)],
        default: &'static str,
    ) -> Self {
        Self { choices, default, ..Self::plain(name, label, hint) }
    }

    /// Asked only where this was chosen; then, too, it may be left empty as far as the form is concerned.
    pub const fn only_for(self, choice: &'static str) -> Self {
        Self { only: choice, required: false, ..self }
    }

    /// The type of its input.
    pub const fn input(&self) -> &'static str {
        if self.secret { "password" } else { "text" }
    }

    /// May be left empty.
    pub const fn optional(self) -> Self {
        Self { required: false, ..self }
    }

    /// What stands there unless somebody changes it.
    pub const fn with_default(self, default: &'static str) -> Self {
        Self { default, ..self }
    }

    /// Only few ever change it.
    pub const fn advanced(self) -> Self {
        Self { advanced: true, ..self }
    }
}

/// A channel and the means to reach its provider.
pub struct Way<'a> {
    pub app: &'a App,
    pub channel: &'a Channel,
    pub calls: Caller,
}

/// Whom an answer goes to.
#[derive(Debug, Clone)]
pub struct Recipient {
    /// The key of the conversation, as its messages gave it.
    pub conversation: String,
    /// The provider's id of the customer's newest message.
    pub newest: Option<String>,
    /// Every address of the customer, of whatever kind.
    pub identities: Vec<(IdentityKind, String)>,
    pub name: String,
    /// The provider's id of the post that the conversation stands under.
    pub post: Option<String>,
    /// Public, or between the two.
    pub public: bool,
    /// To the author of this comment, privately.
    pub private_reply_to: Option<String>,
    /// The message goes out in the hours in which only a person may answer.
    pub human_hours: bool,
    /// The provider's id of the message that ours quotes.
    pub reply_to: Option<String>,
}

/// What a provider answered to a part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Its id there.
    pub id: String,
    /// Who received it goes by this address too: where a private answer to a public word tells it.
    pub person: Option<(IdentityKind, String)>,
}

impl Receipt {
    /// Taken, under this id.
    pub fn of(id: impl Into<String>) -> Self {
        Self { id: id.into(), person: None }
    }
}

/// What the customer's side may see of us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    Typing,
    Read,
}

/// How an account stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// As whom we are let in (`Bar Sport`, `@barsport_bot`).
    pub account: String,
    /// The id under which webhooks name it; becomes the channel's address.
    pub id: String,
    /// One line each: what is subscribed, what is missing.
    pub notes: Vec<String>,
}

/// What an admin chooses among: what each is called by the provider, and in words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choices {
    /// The setting that it becomes.
    pub field: &'static str,
    pub label: &'static str,
    pub of: Vec<(String, String)>,
}

/// What a poll brought: stored as if it had come by webhook, and how far it went.
#[derive(Debug, Clone, Default)]
pub struct Polled {
    /// Raw answers of the provider, for [`Network::read`].
    pub raw: Vec<Vec<u8>>,
    /// Kept with the channel when what was brought is stored.
    pub cursor: serde_json::Value,
    /// Seconds until the next.
    pub again: i64,
}

/// How fast a provider lets us send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Calls per second, for the whole channel.
    pub per_second: u32,
    /// Seconds between two messages to one customer.
    pub per_recipient: i64,
}

/// Keeps what channels declare about themselves beside them, where the desk reads it; after an upgrade that may be more than before.
pub async fn declare(app: &App) -> sqlx::Result<()> {
    let mut change = Change::begin(app).await?;
    let mut any = false;
    for channel in rows::list(&mut change).await? {
        if let Some(net) = network(channel.kind) {
            any |= declare_one(&mut change, net, &channel).await?;
        }
    }
    if any {
        change.touch_settings();
    }
    change.commit().await
}

/// The same for one channel. `true`: it is another than before.
pub async fn declare_one(change: &mut Change, net: &dyn Network, channel: &Channel) -> sqlx::Result<bool> {
    let abilities = net.answers(channel).then(|| net.abilities(channel));
    rows::set_abilities(change, channel.id, abilities.as_ref()).await
}

/// The networks that can be connected, in the order in which they are offered.
pub fn offered() -> impl Iterator<Item = (ChannelKind, &'static dyn Network)> {
    ChannelKind::ALL.iter().filter_map(|kind| Some((*kind, network(*kind)?))).filter(|(kind, _)| *kind != ChannelKind::Api)
}

/// The folder of a kind of channel, if it is a network.
pub fn network(kind: ChannelKind) -> Option<&'static dyn Network> {
    match kind {
        ChannelKind::Facebook => Some(&crate::channels::facebook::Facebook),
        ChannelKind::Instagram => Some(&crate::channels::instagram::Instagram),
        ChannelKind::Sms => Some(&crate::channels::sms::Sms),
        ChannelKind::Phone => Some(&crate::channels::phone::Phone),
        ChannelKind::Telegram => Some(&crate::channels::telegram::Telegram),
        ChannelKind::Whatsapp => Some(&crate::channels::whatsapp::Whatsapp),
        ChannelKind::Api => Some(&crate::channels::api_channel::ApiChannel),
        ChannelKind::X => Some(&crate::channels::x::X),
        ChannelKind::Google => Some(&crate::channels::google::Google),
        ChannelKind::Email | ChannelKind::Form | ChannelKind::Chat | ChannelKind::CallBack => None,
    }
}
