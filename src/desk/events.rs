//! The history of a ticket: what happened, in words that stay readable when names change.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use crate::clock::Ts;
use crate::desk::kinds::{Priority, Status};
use crate::ids::{AgentId, ApprovalId, ContactId, EventId, MessageId, SideId, TagId, TeamId, TicketId};

/// Something that happened to a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "data", rename_all = "snake_case")]
pub enum Event {
    Created {},
    Received {
        message: MessageId,
    },
    /// A customer's message brought a solved, pending or snoozed ticket back.
    Reopened {
        from: Status,
    },
    Replied {
        message: MessageId,
    },
    Noted {
        message: MessageId,
    },
    /// A reply was taken back before it left.
    Undone {
        message: MessageId,
    },
    Acknowledged {
        message: MessageId,
    },
    SendFailed {
        message: MessageId,
        reason: String,
    },
    SendRetried {
        message: MessageId,
    },
    /// It left and came back: it did not arrive.
    Bounced {
        message: MessageId,
        /// Whom it did not reach.
        address: String,
        /// In plain words.
        reason: String,
        /// Where the ticket stood that is open again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reopened: Option<Status>,
    },
    /// A mail server still tries.
    DeliveryDelayed {
        message: MessageId,
        address: String,
        said: String,
    },
    /// A receipt: it was read, or deleted unread.
    ReceiptCame {
        message: MessageId,
        read: bool,
    },
    /// Its reader called it spam.
    SpamReported {
        message: MessageId,
        address: String,
    },
    Assigned {
        to: Option<AgentId>,
    },
    TeamChanged {
        to: Option<TeamId>,
    },
    StatusChanged {
        from: Status,
        to: Status,
    },
    Snoozed {
        until: Ts,
    },
    /// A snooze ran out.
    Woken {},
    PriorityChanged {
        to: Priority,
    },
    Tagged {
        tag: TagId,
    },
    Untagged {
        tag: TagId,
    },
    SubjectChanged {
        from: String,
        to: String,
    },
    /// Somebody who is not the customer wrote into the conversation for the first time.
    Joined {
        contact: ContactId,
        name: String,
        address: String,
    },
    /// A part of the conversation was passed on to somebody outside.
    Forwarded {
        side: SideId,
        to: String,
    },
    /// Something was asked of somebody outside, beside the conversation.
    SideOpened {
        side: SideId,
        to: String,
    },
    /// Somebody outside answered, beside the conversation.
    SideAnswered {
        side: SideId,
        from: String,
    },
    /// A reply is to leave later.
    ReplyPlanned {
        until: Ts,
    },
    /// A reply for later was taken back.
    PlanWithdrawn {},
    /// A reply for later will not leave by itself: somebody wrote in between, or it could not be sent.
    PlanStopped {},
    /// The link to a large file opens it no more.
    LinkRevoked {
        file: String,
    },
    /// The customer said on their own page that it is settled.
    ClosedByCustomer {},
    ChatStarted {},
    /// Somebody took the chat.
    ChatAccepted {},
    /// It rang here and nobody answered.
    ChatMissed {
        agent: AgentId,
    },
    /// The promised moment passed; the visitor was told so.
    ChatLate {},
    /// Nobody took it; the visitor was offered other ways.
    ChatParked {},
    /// Given to a colleague or a team, with a summary in a note.
    ChatTransferred {
        agent: Option<AgentId>,
        team: Option<TeamId>,
    },
    ChatInvited {
        agent: AgentId,
    },
    /// Taken over by a lead.
    ChatSteppedIn {},
    /// Whoever held it left or fell silent, so it rings again.
    ChatHandedOver {
        from: AgentId,
    },
    ChatContinuesByMail {},
    /// The customer wants to be called, between these moments.
    CallbackRequested {
        phone: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<Ts>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Ts>,
    },
    /// The call will be at another time.
    CallbackMoved {
        from: Ts,
        until: Ts,
    },
    /// Its time comes: whoever is to call was reminded.
    CallbackDue {},
    /// Its time passed without a call.
    CallbackLate {},
    /// The customer was reached.
    CallbackDone {},
    /// Nobody answered; `next` is when we try again.
    CallbackNotReached {
        attempt: i16,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next: Option<Ts>,
    },
    /// The call is no longer wanted.
    CallbackWithdrawn {},
    ChatEnded {
        by: ChatEnd,
    },
    ChatRated {
        stars: i16,
    },
    VisitorBlocked {},
    /// A customer called and nobody answered; perhaps they left a message on the answering machine.
    CallMissed {
        message: MessageId,
    },
    /// An agent wrote down what was said on the telephone.
    CallLogged {
        message: MessageId,
    },
    /// Its author changed the words of a message on their network.
    MessageEdited {
        message: MessageId,
    },
    /// Its author took a message back.
    MessageRemoved {
        message: MessageId,
    },
    /// A message that had been taken back is there again.
    MessageRestored {
        message: MessageId,
    },
    /// An agent hid a public message, or showed it again.
    MessageHidden {
        message: MessageId,
        hidden: bool,
    },
    /// An agent deleted a public message.
    MessageDeleted {
        message: MessageId,
    },
    /// The rating that came with a message is another now; both in words.
    RatingChanged {
        message: MessageId,
        from: String,
        to: String,
    },
    /// A public answer waits for a second person.
    ApprovalAsked {
        approval: ApprovalId,
    },
    /// A second person sent it.
    Approved {
        approval: ApprovalId,
        author: AgentId,
        message: MessageId,
        /// In other words than its author's.
        edited: bool,
    },
    /// A second person gave it back.
    ApprovalReturned {
        approval: ApprovalId,
        author: AgentId,
        reason: String,
    },
    /// Its author took it back before anybody decided.
    ApprovalWithdrawn {
        approval: ApprovalId,
    },
    /// A bad rating or words of anger: why, in words.
    AngerFound {
        message: MessageId,
        public: bool,
        reasons: Vec<String>,
    },
    /// It rings at those who lead; at all of them from the second round on.
    AngerRang {
        round: i16,
    },
    /// Nobody who leads took it: they were written to.
    AngerMailed {},
    /// Somebody who leads took it.
    AngerTaken {},
    /// An agent says that nobody is angry.
    AngerCalmed {},
    /// An agent says that somebody is angry after all.
    AngerRestored {},
    /// Better stars or other words: nothing of it stands there any more.
    AngerGone {
        message: MessageId,
    },
}

/// Who ended a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChatEnd {
    Agent,
    Visitor,
    /// Nobody had said anything for a long time.
    Silence,
}

/// One entry of the history.
#[derive(Debug, Clone)]
pub struct Entry {
    pub id: EventId,
    pub agent: Option<AgentId>,
    /// `None`: written by a newer version.
    pub event: Option<Event>,
    pub at: Ts,
}

impl From<Record> for Entry {
    fn from(row: Record) -> Self {
        let event = serde_json::from_value(serde_json::json!({ "kind": row.kind, "data": row.data })).ok();
        Self { id: row.id, agent: row.agent_id, event, at: row.created_at }
    }
}

/// An entry as its row tells it, for programs: also one that this version does not know.
#[derive(Debug, Clone, Deserialize)]
pub struct Record {
    pub id: EventId,
    pub agent_id: Option<AgentId>,
    /// See [`Event`].
    pub kind: String,
    pub data: serde_json::Value,
    pub created_at: Ts,
}

/// At most `limit` entries of a ticket after `after`, oldest first.
pub async fn after(db: &mut PgConnection, ticket: TicketId, after: Option<EventId>, limit: i64) -> sqlx::Result<Vec<Record>> {
    sqlx::query_as!(
        Record,
        r#"select id as "id: EventId", agent_id, kind, data, created_at from events where ticket_id = $1 and id > $2 order by id limit $3"#,
        ticket.0,
        after.map_or(0, |id| id.0),
        limit
    )
    .fetch_all(db)
    .await
}
