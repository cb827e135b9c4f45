//! An agent answers on a network: only what the provider will take is queued.

use sqlx::PgConnection;

use crate::clock::Ts;
use crate::desk::agents::Agent;
use crate::desk::approvals::{self, list::HeldFile};
use crate::desk::changes::Change;
use crate::desk::channels::{self, Channel};
use crate::desk::files;
use crate::desk::kinds::IdentityKind;
use crate::desk::networks::abilities::{Abilities, FileRule, Window};
use crate::desk::networks::{Extras, parts};
use crate::desk::search;
use crate::desk::tickets::Ticket;
use crate::desk::tickets::reply::{NewReply, ReplyError};
use crate::ids::{ChannelId, ContactId, MessageId, TicketId};
use crate::text;

/// Where an answer goes when its ticket came over a network: worked out by the channel's folder, judged here.
#[derive(Debug, Clone)]
pub struct Outlet {
    pub channel: ChannelId,
    pub abilities: Abilities,
    /// Write to the commenter privately instead of in public.
    pub private: bool,
    /// An approved template instead of free words: what the provider wants to see of it, and the words that the customer reads.
    pub template: Option<serde_json::Value>,
}

/// What stands on a ticket that came over a network.
#[derive(Debug, Clone)]
pub struct Standing {
    pub public: bool,
    pub spoke_at: Option<Ts>,
    pub window_until: Option<Ts>,
    pub blocked_at: Option<Ts>,
    pub post: Option<StoredPost>,
    /// Something that the customer said in public calls us, so that an answer is taken everywhere.
    pub called: bool,
}

/// The post that a public ticket stands under.
#[derive(Debug, Clone)]
pub struct StoredPost {
    pub url: Option<String>,
    pub author: String,
    pub body: String,
}

/// How a ticket stands on its network.
pub async fn standing(db: &mut PgConnection, ticket: TicketId) -> sqlx::Result<Standing> {
    let row = sqlx::query!(
        // Where a newer ticket carries the conversation on, the customer's last word stands there.
        r#"select t.public, greatest(t.spoke_at, (select n.spoke_at from thread_keys k join tickets n on n.id = k.ticket_id
                      where k.channel_id = t.channel_id and k.key = 'conversation:' || t.conversation)) as "spoke_at: Ts", t.window_until as "window_until: Ts", t.blocked_at as "blocked_at: Ts",
                  p.id as "post_id?", p.url, p.author as "author?", p.body as "body?",
                  t.public and exists (select from messages m where m.ticket_id = t.id and m.direction = 'inbound' and m.public
                                       and m.removed_at is null and not m.extras ? 'uncalled') as "called!"
           from tickets t left join posts p on p.id = t.post_id where t.id = $1"#,
        ticket.0
    )
    .fetch_one(db)
    .await?;
    let post = row.post_id.map(|_| StoredPost { url: row.url, author: row.author.unwrap_or_default(), body: row.body.unwrap_or_default() });
    Ok(Standing {
        public: row.public,
        spoke_at: row.spoke_at,
        window_until: row.window_until,
        blocked_at: row.blocked_at,
        post,
        called: row.called,
    })
}

/// Queues an answer. Every public word of ours passes here: where its author's role asks for a second person and none has approved, it
/// goes no further. The rest (who waits, what stands in lists, when it leaves) is as for every reply.
pub(crate) async fn queue(
    change: &mut Change,
    agent: &Agent,
    ticket: &Ticket,
    new: &NewReply,
    outlet: &Outlet,
    approved: Option<&[HeldFile]>,
) -> Result<MessageId, ReplyError> {
    let no = |words: &str| Err(ReplyError::NoWay(words.to_owned()));
    let Some(channel) = channels::find(change, outlet.channel).await? else {
        return no("Its channel does not exist any more.");
    };
    if !channel.enabled {
        return no("Its channel is switched off. An admin switches it on under Settings, Channels.");
    }
    let standing = standing(change, ticket.id).await?;
    let public = standing.public && !outlet.private;
    check(outlet, &standing, public, &new.body)?;
    check_choices(outlet, public, &new.choices)?;
    match approved {
        Some(files) => check_files(outlet, public, files.iter().map(|file| (&*file.name, &*file.media_type, file.size)))?,
        None => {
            let uploads = files::uploads(change, ticket.id, agent.id).await?;
            check_files(outlet, public, uploads.iter().map(|file| (&*file.name, &*file.media_type, file.size)))?;
        }
    }
    if public && approved.is_none() && approvals::needed(change, agent.role, channel.id).await? {
        return Err(ReplyError::NeedsApproval);
    }
    let private_reply_to = if standing.public && outlet.private { check_private(change, ticket, &outlet.abilities).await? } else { None };
    let quoted = match new.answers {
        Some(id) if outlet.abilities.quotes => find_quotable(change, ticket.id, id).await?,
        _ => None,
    };
    let extras = Extras { template: outlet.template.clone(), private_reply_to, ..Extras::default() };
    let extras = serde_json::to_value(&extras).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let language = text::languages::detect(&new.body).map(str::to_owned).or_else(|| ticket.language.clone());
    let envelope = serde_json::json!({ "choices": new.choices });
    let message = sqlx::query_scalar!(
        r#"insert into messages (ticket_id, channel_id, direction, agent_id, body, language, envelope, delivery, public, extras, reply_to_id)
           values ($1, $2, 'outbound', $3, $4, $5, $6, 'queued', $7, $8, $9) returning id as "id: MessageId""#,
        ticket.id.0,
        channel.id.0,
        agent.id.0,
        new.body.trim_end(),
        language,
        envelope,
        public,
        extras,
        quoted.map(|id| id.0)
    )
    .fetch_one(&mut **change)
    .await?;
    search::index(change, ticket.id, message, language.as_deref(), &[&ticket.subject, &new.body]).await?;
    Ok(message)
}

/// The message that an answer quotes, if its network still knows it.
async fn find_quotable(db: &mut PgConnection, ticket: TicketId, message: MessageId) -> sqlx::Result<Option<MessageId>> {
    sqlx::query_scalar!(
        r#"select id as "id: MessageId" from messages
           where id = $1 and ticket_id = $2 and direction = 'inbound' and provider_id is not null and removed_at is null"#,
        message.0,
        ticket.0
    )
    .fetch_optional(db)
    .await
}

/// The provider's id of a message, whoever said it.
pub async fn provider_id(db: &mut PgConnection, message: MessageId) -> sqlx::Result<Option<String>> {
    let id = sqlx::query_scalar!(
        "select coalesce(m.provider_id, (select p.provider_id from message_parts p where p.message_id = m.id order by position limit 1))
         from messages m where m.id = $1 and m.removed_at is null",
        message.0
    )
    .fetch_optional(db)
    .await?;
    Ok(id.flatten())
}

fn check(outlet: &Outlet, standing: &Standing, public: bool, body: &str) -> Result<(), ReplyError> {
    let no = |words: String| Err(ReplyError::NoWay(words));
    let abilities = &outlet.abilities;
    let limit = if public {
        match abilities.public_text {
            Some(limit) => limit,
            None => return no("Nothing can be answered in public here.".to_owned()),
        }
    } else {
        abilities.text
    };
    if public && !abilities.uncalled.is_empty() && !standing.called {
        return no(abilities.uncalled.clone());
    }
    if !public && standing.blocked_at.is_some() {
        return no("This customer has blocked us on this network. Try another way to reach them.".to_owned());
    }
    if !public && !outlet.private && outlet.template.is_none() {
        match abilities.window(standing.spoke_at, Ts::now()) {
            Window::Always | Window::Free(_) | Window::Human(_) => {}
            Window::Templates => {
                return no(
                    "The time for free answers is over: only an approved template can be sent until the customer writes again.".to_owned()
                );
            }
            Window::Closed => {
                return no("The time for answers is over on this network: the customer has to write again first.".to_owned());
            }
        }
    }
    let pieces = if limit.fits(body) { 1 } else { limit.split(body).len() };
    if pieces > 1 && (public || !abilities.splits) {
        let (is, max) = (limit.measure(body), limit.max());
        return no(format!("The text is too long here: {is} of {max}. Please shorten it."));
    }
    if pieces > parts::MAX_PARTS / 2 {
        return no("The text is too long for this network.".to_owned());
    }
    Ok(())
}

fn check_choices(outlet: &Outlet, public: bool, choices: &[String]) -> Result<(), ReplyError> {
    // One that is too long for a button is said in words.
    if !choices.is_empty() && (public || outlet.private || outlet.abilities.choices.is_none()) {
        return Err(ReplyError::NoWay("Quick replies cannot go along here.".to_owned()));
    }
    Ok(())
}

fn check_files<'a>(outlet: &Outlet, public: bool, uploads: impl Iterator<Item = (&'a str, &'a str, i64)>) -> Result<(), ReplyError> {
    let no = |words: String| Err(ReplyError::NoWay(words));
    let mut count = 0;
    for (name, media_type, size) in uploads {
        count += 1;
        let Some(rule) = outlet.abilities.files.as_ref().filter(|_| !public || outlet.abilities.public_files) else {
            return no(format!("“{name}” cannot go along: files cannot be sent here."));
        };
        if let Some(words) = refuses(rule, media_type, size) {
            return no(format!("“{name}” cannot go along: {words}"));
        }
        if count > rule.max_count {
            return no(format!("At most {} files with one answer, please.", rule.max_count));
        }
    }
    Ok(())
}

fn refuses(rule: &FileRule, media_type: &str, size: i64) -> Option<String> {
    let max = match media_type {
        "image/gif" => rule.max_animation.unwrap_or(rule.max_picture),
        picture if picture.starts_with("image/") => rule.max_picture,
        _ => rule.max_other,
    };
    if !rule.types.is_empty() && !rule.types.iter().any(|allowed| media_type.starts_with(allowed)) {
        return Some("this network does not take this kind of file.".to_owned());
    }
    (size > max).then(|| format!("this network takes up to {}.", files::human_size(max)))
}

/// The comment to which a private message may still be written.
async fn check_private(db: &mut PgConnection, ticket: &Ticket, abilities: &Abilities) -> Result<Option<String>, ReplyError> {
    let no = |words: &str| Err(ReplyError::NoWay(words.to_owned()));
    let Some(days) = abilities.public.private_reply_days else {
        return no("This network cannot take a public conversation to a private one.");
    };
    let newest = sqlx::query!(
        r#"select provider_id as "provider_id!", coalesce(sent_at, created_at) as "at!: Ts" from messages
           where ticket_id = $1 and direction = 'inbound' and public and provider_id is not null and removed_at is null order by id desc limit 1"#,
        ticket.id.0
    )
    .fetch_optional(&mut *db)
    .await?;
    let Some(newest) = newest else { return no("There is no comment left to answer privately.") };
    if Ts::now().seconds_since(newest.at) > days * 24 * 3600 {
        return Err(ReplyError::NoWay(format!("A comment can be answered privately for {days} days; that time is over.")));
    }
    let used = sqlx::query_scalar!(
        r#"select exists (select from messages where ticket_id = $1 and direction = 'outbound' and delivery <> 'failed'
                          and extras ->> 'private_reply_to' = $2) as "used!""#,
        ticket.id.0,
        newest.provider_id
    )
    .fetch_one(db)
    .await?;
    if used {
        return no("This comment has been answered privately already. The conversation goes on when the customer writes back.");
    }
    Ok(Some(newest.provider_id))
}

/// What a channel needs to know to send: the key of the conversation, the customer's newest message, and who they are there.
#[derive(Debug, Clone)]
pub struct Addressee {
    pub conversation: String,
    pub newest: Option<String>,
    pub identities: Vec<(IdentityKind, String)>,
    pub name: String,
    pub post: Option<String>,
    pub spoke_at: Option<Ts>,
}

/// Who is on the other side of a ticket's network.
pub async fn addressee(db: &mut PgConnection, channel: &Channel, ticket: TicketId) -> sqlx::Result<Option<Addressee>> {
    let row = sqlx::query!(
        r#"select t.conversation as "conversation!", c.id as "contact: ContactId", c.name, p.provider_id as "post?",
                  greatest(t.spoke_at, n.spoke_at) as "spoke_at: Ts",
                  (select provider_id from messages m where m.ticket_id = t.id and m.direction = 'inbound' and m.removed_at is null
                   order by m.extras ? 'uncalled', id desc limit 1) as newest
           from tickets t join contacts c on c.id = t.contact_id
           left join thread_keys k on k.channel_id = $1 and k.key = 'conversation:' || t.conversation
           left join tickets n on n.id = k.ticket_id
           left join posts p on p.id = t.post_id where t.id = $2 and t.conversation is not null"#,
        channel.id.0,
        ticket.0
    )
    .fetch_optional(&mut *db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let identities = sqlx::query!(
        r#"select kind as "kind: IdentityKind", address from identities where contact_id = $1 order by id limit 50"#,
        row.contact.0
    )
    .fetch_all(db)
    .await?;
    Ok(Some(Addressee {
        conversation: row.conversation,
        newest: row.newest,
        identities: identities.into_iter().map(|row| (row.kind, row.address)).collect(),
        name: row.name,
        post: row.post,
        spoke_at: row.spoke_at,
    }))
}

/// Whether an earlier answer of this ticket on this channel has not left yet: they arrive in the order in which they were written.
pub async fn earlier_waits(db: &mut PgConnection, channel: ChannelId, ticket: TicketId, before: MessageId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from messages where ticket_id = $1 and channel_id = $2 and id < $3 and direction = 'outbound'
                          and delivery in ('queued', 'sending')) as "waits!""#,
        ticket.0,
        channel.0,
        before.0
    )
    .fetch_one(db)
    .await
}

/// Seconds until the next message to this ticket's customer may leave, when they must be `gap` seconds apart.
pub async fn pause(db: &mut PgConnection, ticket: TicketId, gap: i64) -> sqlx::Result<i64> {
    if gap == 0 {
        return Ok(0);
    }
    let since = sqlx::query_scalar!(
        r#"select max(p.sent_at) as "at: Ts" from message_parts p join messages m on m.id = p.message_id
           where m.ticket_id = $1 and m.created_at > now() - interval '1 day'"#,
        ticket.0
    )
    .fetch_one(db)
    .await?;
    Ok(since.map_or(0, |at| (gap - Ts::now().seconds_since(at)).max(0)))
}
