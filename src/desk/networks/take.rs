//! Takes in what a network tells: each thing in a transaction of its own, once, however often and in whatever order it comes.

use sqlx::PgConnection;

use crate::clock::Ts;
use crate::desk::anger;
use crate::desk::calls;
use crate::desk::changes::{Actor, Change};
use crate::desk::channels::{self, Channel};
use crate::desk::contacts;
use crate::desk::envelope::{Address, Envelope, Incoming};
use crate::desk::events::Event;
use crate::desk::files::{self, StoredFile};
use crate::desk::kinds::{DeliveryStatus, Status};
use crate::desk::networks::abilities::Abilities;
use crate::desk::networks::notices::{self, Noticed};
use crate::desk::networks::{AccountNews, Echo, Extras, Happening, Notice, Post, Said, parts, retell};
use crate::desk::search;
use crate::desk::tickets::receive::{self, Origin};
use crate::desk::tickets::{self, Ticket};
use crate::ids::{ChannelId, ContactId, DeliveryId, MessageId, PostId, TicketId};
use crate::text;

/// A conversation that was settled longer ago begins a new ticket, in days.
const REOPENS_DAYS: i64 = 7;

/// What became of one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// A message that was not here.
    Kept(TicketId),
    Changed(TicketId),
    /// It is known now, and concerns no ticket so far.
    Noted,
    /// It is about a message that has not come yet.
    Parked,
    Duplicate,
    /// It concerns nothing here.
    Nothing,
    /// It may be our own message, whose answer is on its way: to be looked at again in a moment.
    Wait,
}

/// Where something came in.
pub struct Door<'a> {
    pub channel: &'a Channel,
    pub abilities: &'a Abilities,
    pub delivery: Option<DeliveryId>,
    /// It is still fresh: our own answer may be on its way.
    pub patient: bool,
}

/// Takes one thing in. `files` are those of a message, stored already.
///
/// # Errors
/// See [`receive::receive`]: two processes that take the same thing cross, and one of them asks again.
pub async fn take(change: &mut Change, door: &Door<'_>, happening: &Happening, files: &[StoredFile]) -> sqlx::Result<Taken> {
    match happening {
        Happening::Said(said) => match &said.echo {
            None => hear(change, door, said, files).await,
            Some(echo) => hear_ourselves(change, door, said, echo, files).await,
        },
        Happening::Noticed { target, notice } => Ok(match notices::take(change, door.channel.id, target, notice).await? {
            Noticed::Done(ticket) => Taken::Changed(ticket),
            Noticed::Parked => Taken::Parked,
        }),
        Happening::Reached { conversation, until, step } => {
            let Some(ticket) = find_conversation(change, door.channel, conversation).await? else { return Ok(Taken::Nothing) };
            for part in parts::sent_until(change, ticket, *until).await? {
                parts::step(change, part, step, Some(*until)).await?;
            }
            Ok(Taken::Changed(ticket))
        }
        Happening::Account(news) => account(change, door.channel, news).await,
        Happening::Call(news) => Ok(match calls::take::take(change, door.channel, news, files).await? {
            Some(ticket) => Taken::Changed(ticket),
            None => Taken::Noted,
        }),
    }
}

async fn account(change: &mut Change, channel: &Channel, news: &AccountNews) -> sqlx::Result<Taken> {
    match news {
        AccountNews::SignInLost(words) => {
            channels::lose_sign_in(change, channel.id, words).await?;
            change.touch_settings();
            Ok(Taken::Nothing)
        }
        AccountNews::Notice(words) => {
            channels::note_error(change, channel.id, words).await?;
            change.touch_settings();
            Ok(Taken::Nothing)
        }
        AccountNews::Blocked { conversation, blocked } => {
            let Some(ticket) = find_conversation(change, channel, conversation).await? else { return Ok(Taken::Nothing) };
            set_blocked(change, ticket, *blocked).await?;
            Ok(Taken::Changed(ticket))
        }
        AccountNews::Renamed { from, to } => {
            let Some(ticket) = find_conversation(change, channel, from).await? else { return Ok(Taken::Nothing) };
            remember_conversation(change, channel, to, ticket).await?;
            // What still comes under the old name belongs here; answers go to the new one.
            remember_key(change, channel, &alias_key(from), ticket).await?;
            sqlx::query!("delete from thread_keys where channel_id = $1 and key = $2", channel.id.0, conversation_key(from))
                .execute(&mut **change)
                .await?;
            sqlx::query!("update tickets set conversation = $2 where id = $1", ticket.0, to).execute(&mut **change).await?;
            Ok(Taken::Changed(ticket))
        }
        AccountNews::Known { conversation, identities } => {
            let Some(ticket) = find_conversation(change, channel, conversation).await? else { return Ok(Taken::Nothing) };
            let Some(ticket) = tickets::lock(change, ticket).await? else { return Ok(Taken::Nothing) };
            for (kind, address) in identities {
                contacts::add_identity(change, ticket.contact_id, *kind, address).await?;
            }
            change.touch(ticket.id);
            Ok(Taken::Changed(ticket.id))
        }
    }
}

/// Notes that a customer does not want to hear from us on this network, or does again.
pub async fn set_blocked(change: &mut Change, ticket: TicketId, blocked: bool) -> sqlx::Result<()> {
    sqlx::query!("update tickets set blocked_at = case when $2 then coalesce(blocked_at, now()) end where id = $1", ticket.0, blocked)
        .execute(&mut **change)
        .await?;
    change.touch(ticket);
    Ok(())
}

/// Whether a message of this id is here, whoever said it.
pub async fn is_known(db: &mut PgConnection, channel: &Channel, id: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from messages where channel_id = $1 and provider_id = $2)
               or exists (select from message_parts where channel_id = $1 and provider_id = $2) as "known!""#,
        channel.id.0,
        id
    )
    .fetch_one(db)
    .await
}

/// Ids of the customers' messages on a channel that begin like this and were not taken back; the newest ten thousand.
pub async fn heard(db: &mut PgConnection, channel: ChannelId, prefix: &str) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"select provider_id as "provider_id!" from messages
           where channel_id = $1 and direction = 'inbound' and removed_at is null and starts_with(provider_id, $2) order by id desc limit 10000"#,
        channel.0,
        prefix
    )
    .fetch_all(db)
    .await
}

fn conversation_key(conversation: &str) -> String {
    format!("conversation:{conversation}")
}

/// Finds a conversation, but is not where answers go to.
fn alias_key(conversation: &str) -> String {
    format!("alias:{conversation}")
}

/// The ticket that a conversation is in, or was in last.
pub async fn find_conversation(db: &mut PgConnection, channel: &Channel, conversation: &str) -> sqlx::Result<Option<TicketId>> {
    match find_key(db, channel, &conversation_key(conversation)).await? {
        Some(ticket) => Ok(Some(ticket)),
        None => find_key(db, channel, &alias_key(conversation)).await,
    }
}

async fn find_key(db: &mut PgConnection, channel: &Channel, key: &str) -> sqlx::Result<Option<TicketId>> {
    sqlx::query_scalar!(r#"select ticket_id as "ticket: TicketId" from thread_keys where channel_id = $1 and key = $2"#, channel.id.0, key)
        .fetch_optional(db)
        .await
}

async fn remember_conversation(db: &mut PgConnection, channel: &Channel, conversation: &str, ticket: TicketId) -> sqlx::Result<()> {
    remember_key(db, channel, &conversation_key(conversation), ticket).await
}

async fn remember_all(db: &mut PgConnection, channel: &Channel, said: &Said, ticket: TicketId) -> sqlx::Result<()> {
    remember_conversation(db, channel, &said.conversation, ticket).await?;
    for alias in &said.aliases {
        remember_key(db, channel, &alias_key(alias), ticket).await?;
    }
    Ok(())
}

async fn remember_key(db: &mut PgConnection, channel: &Channel, key: &str, ticket: TicketId) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into thread_keys (channel_id, key, ticket_id) values ($1, $2, $3)
         on conflict (channel_id, key) do update set ticket_id = excluded.ticket_id where thread_keys.ticket_id <> excluded.ticket_id",
        channel.id.0,
        key,
        ticket.0
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The ticket that a conversation goes on in, locked. Two messages of a new conversation, understood side by side, wait for each other here.
async fn find_ticket(change: &mut Change, channel: &Channel, said: &Said) -> sqlx::Result<Option<Ticket>> {
    let key = conversation_key(&said.conversation);
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended($1, $2))", key, channel.id.0).fetch_one(&mut **change).await?;
    let mut found = find_conversation(change, channel, &said.conversation).await?;
    for alias in &said.aliases {
        if found.is_none() {
            found = find_conversation(change, channel, alias).await?;
        }
    }
    let Some(id) = found else { return Ok(None) };
    let Some(ticket) = tickets::lock(change, id).await? else { return Ok(None) };
    let long_settled =
        ticket.status == Status::Solved && ticket.solved_at.is_some_and(|at| Ts::now().seconds_since(at) > REOPENS_DAYS * 24 * 3600);
    Ok(Some(ticket).filter(|_| !long_settled))
}

async fn hear(change: &mut Change, door: &Door<'_>, said: &Said, files: &[StoredFile]) -> sqlx::Result<Taken> {
    let channel = door.channel;
    if is_known(change, channel, &said.id).await? {
        return Ok(Taken::Duplicate);
    }
    let ticket = find_ticket(change, channel, said).await?;
    let contact = recognize(change, said).await?;
    let incoming = incoming(said, files);
    let origin = Origin {
        channel,
        delivery: door.delivery,
        files,
        ticket: ticket.as_ref().map(|ticket| ticket.id),
        contact: Some(contact),
        acknowledge: false,
    };
    let received = receive::store(change, &origin, &incoming).await?;
    if received.outcome == receive::Outcome::Duplicate {
        return Ok(Taken::Duplicate);
    }
    remember_all(change, channel, said, received.ticket).await?;
    let post = match &said.post {
        Some(post) => Some(keep_post(change, channel, post).await?),
        None => None,
    };
    decorate(change, channel, received.message, said).await?;
    // A provider's clock that runs ahead gives no right for longer.
    let spoke = said.at.map_or_else(Ts::now, |at| at.min(Ts::now()));
    let named = (received.outcome == receive::Outcome::Created && said.subject.is_empty()).then_some(received.message);
    let free = door.abilities.window.map(|rule| rule.free).filter(|_| said.opens_window && !said.public);
    sqlx::query!(
        "update tickets set public = public or $2, post_id = coalesce(post_id, $3),
                spoke_at = case when $4 then greatest(spoke_at, $5) else spoke_at end,
                window_until = case when $6::float8 is null then window_until else greatest(window_until, $5 + make_interval(secs => $6)) end,
                blocked_at = case when $2 then blocked_at end, excerpt = case when excerpt = '' then $7 else excerpt end, conversation = $8,
                named_after = coalesce($9, named_after)
         where id = $1",
        received.ticket.0,
        said.public,
        post.map(|id| id.0),
        said.opens_window,
        spoke as Ts,
        free.map(|seconds| seconds as f64),
        line(said, files),
        said.conversation,
        named.map(|id| id.0)
    )
    .execute(&mut **change)
    .await?;
    if retell::is_due(change, received.ticket, received.message).await? {
        retell::retell(change, received.ticket).await?;
        retell::settle(change, received.ticket).await?;
    }
    if let (Some((kind, address)), Some(followers)) = (&said.person.identity, said.person.followers) {
        contacts::note_followers(change, *kind, address, followers).await?;
    }
    if said.review.is_some() || said.extras.review.is_some() || anger::hears(change, &said.text).await? {
        anger::look(change, received.message).await?;
    }
    notices::catch_up(change, channel.id, &said.id).await?;
    Ok(Taken::Kept(received.ticket))
}

/// What a message carries beside what every message does.
async fn decorate(change: &mut Change, channel: &Channel, message: MessageId, said: &Said) -> sqlx::Result<()> {
    let extras = Extras { review: said.review.clone().or_else(|| said.extras.review.clone()), ..said.extras.clone() };
    let extras = serde_json::to_value(&extras).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let answers = sqlx::query_scalar!(
        r#"update messages m set public = $2, extras = $3, sent_at = coalesce($4, m.created_at),
                  reply_to_id = coalesce((select id from messages o where o.channel_id = $5 and o.provider_id = $6),
                                         (select message_id from message_parts p where p.channel_id = $5 and p.provider_id = $6))
           where id = $1 returning reply_to_id as "id: MessageId""#,
        message.0,
        said.public,
        extras,
        said.at as Option<Ts>,
        channel.id.0,
        said.reply_to
    )
    .fetch_one(&mut **change)
    .await?;
    if let (None, Some(target)) = (answers, &said.reply_to) {
        notices::take(change, channel.id, target, &Notice::Quoted { by: message }).await?;
    }
    Ok(())
}

async fn recognize(change: &mut Change, said: &Said) -> sqlx::Result<ContactId> {
    let person = &said.person;
    let unknown = (crate::desk::kinds::IdentityKind::External, format!("unknown:{}", said.conversation));
    let identity = person.identity.clone().unwrap_or(unknown);
    let name = if person.name.is_empty() { person.handle.clone().unwrap_or_default() } else { person.name.clone() };
    contacts::recognize(change, &identity, &person.also, &name, said.language.as_deref()).await
}

fn incoming(said: &Said, files: &[StoredFile]) -> Incoming {
    let language = said.language.clone().or_else(|| text::languages::detect(&said.text).map(str::to_owned));
    Incoming {
        provider_id: said.id.clone(),
        from: Address { name: said.person.name.clone(), address: said.person.handle.clone().unwrap_or_default() },
        subject: subject(said, files),
        body: said.text.clone(),
        language,
        envelope: Envelope {
            from: Some(Address { name: said.person.name.clone(), address: said.person.handle.clone().unwrap_or_default() }),
            ..Envelope::default()
        },
        sent_at: said.at,
        ..Incoming::default()
    }
}

/// What a list calls a conversation that has no subject: its first words.
fn subject(said: &Said, files: &[StoredFile]) -> String {
    if said.subject.is_empty() { retell::subject(&line(said, files)) } else { said.subject.clone() }
}

/// The line that a list shows of a message.
fn line(said: &Said, files: &[StoredFile]) -> String {
    retell::line(&said.text, &said.extras, files.first().map(|file| (&*file.name, &*file.media_type)))
}

async fn keep_post(db: &mut PgConnection, channel: &Channel, post: &Post) -> sqlx::Result<PostId> {
    sqlx::query_scalar!(
        r#"insert into posts (channel_id, provider_id, url, author, body) values ($1, $2, $3, $4, $5)
           on conflict (channel_id, provider_id) do update set url = coalesce(excluded.url, posts.url),
               author = case when excluded.author <> '' then excluded.author else posts.author end,
               body = case when excluded.body <> '' then excluded.body else posts.body end
           returning id as "id: PostId""#,
        channel.id.0,
        post.id,
        // It becomes a link on agents' screens.
        post.url.as_deref().filter(|url| url.starts_with("https://") || url.starts_with("http://")),
        post.author.as_deref().unwrap_or_default(),
        post.text.as_deref().unwrap_or_default()
    )
    .fetch_one(db)
    .await
}

/// What we said comes back: from here, it is known or will be in a moment; from the provider's own app, it is part of the conversation.
async fn hear_ourselves(change: &mut Change, door: &Door<'_>, said: &Said, echo: &Echo, files: &[StoredFile]) -> sqlx::Result<Taken> {
    let channel = door.channel;
    if is_known(change, channel, &said.id).await? {
        return Ok(Taken::Duplicate);
    }
    if let Some(part) = echo.part
        && parts::taken(change, channel.id, part, &said.id).await?
    {
        return Ok(Taken::Duplicate);
    }
    let ticket = find_ticket(change, channel, said).await?;
    if let Some(ticket) = &ticket
        && let Some((part, state)) = parts::find_nameless(change, ticket.id, &said.text).await?
    {
        if state == DeliveryStatus::Sending && door.patient {
            return Ok(Taken::Wait);
        }
        parts::taken(change, channel.id, part, &said.id).await?;
        return Ok(Taken::Duplicate);
    }
    // What we say in public to nobody in particular is no conversation.
    if ticket.is_none() && said.public && said.person.identity.is_none() {
        return Ok(Taken::Nothing);
    }
    let excerpt = text::excerpts::excerpt(&said.text, 200);
    let named = ticket.is_none() && said.subject.is_empty();
    let id = match ticket {
        Some(ticket) => {
            sqlx::query!(
                "update tickets set message_count = message_count + 1, last_message_at = now(), excerpt = $2, last_direction = 'outbound',
                        first_answered_at = coalesce(first_answered_at, now()), updated_at = now()
                 where id = $1",
                ticket.id.0,
                excerpt
            )
            .execute(&mut **change)
            .await?;
            ticket.id
        }
        None => {
            let contact = recognize(change, said).await?;
            begin_with_ours(change, channel, contact, said, &excerpt).await?
        }
    };
    remember_all(change, channel, said, id).await?;
    let message = sqlx::query_scalar!(
        r#"insert into messages (ticket_id, channel_id, direction, body, language, provider_id, delivery)
           values ($1, $2, 'outbound', $3, $4, $5, 'sent') returning id as "id: MessageId""#,
        id.0,
        channel.id.0,
        said.text,
        text::languages::detect(&said.text),
        said.id
    )
    .fetch_one(&mut **change)
    .await?;
    files::attach(change, id, message, files).await?;
    let mut said = said.clone();
    said.extras.app = Some(echo.app.clone().unwrap_or_else(|| channel.kind.label().to_owned()));
    decorate(change, channel, message, &said).await?;
    if named {
        sqlx::query!("update tickets set named_after = $2 where id = $1", id.0, message.0).execute(&mut **change).await?;
    }
    if retell::is_due(change, id, message).await? {
        retell::retell(change, id).await?;
    }
    // Where the customer's next words have overtaken it, it answers nothing any more.
    retell::settle(change, id).await?;
    search::index(change, id, message, None, &[&said.text]).await?;
    change.record(id, Actor::System, Event::Replied { message }).await?;
    notices::catch_up(change, channel.id, &said.id).await?;
    Ok(Taken::Kept(id))
}

/// A conversation that the shop began elsewhere, or whose first message comes late.
async fn begin_with_ours(change: &mut Change, channel: &Channel, contact: ContactId, said: &Said, excerpt: &str) -> sqlx::Result<TicketId> {
    let id = sqlx::query_scalar!(
        r#"insert into tickets (channel_id, contact_id, subject, team_id, language, status, message_count, excerpt, last_direction, public, first_answered_at, conversation)
           values ($1, $2, $3, $4, $5, 'pending', 1, $6, 'outbound', $7, now(), $8) returning id as "id: TicketId""#,
        channel.id.0,
        contact.0,
        subject(said, &[]),
        channel.team_id.map(|id| id.0),
        channel.language,
        excerpt,
        said.public,
        said.conversation
    )
    .fetch_one(&mut **change)
    .await?;
    change.record(id, Actor::System, Event::Created {}).await?;
    Ok(id)
}
