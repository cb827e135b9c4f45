//! Every id is a type of its own, so that a contact's can never stand where a ticket's belongs.

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash,
            serde::Serialize, serde::Deserialize, sqlx::Type, utoipa::ToSchema,
        )]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(pub i64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.0, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::num::ParseIntError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )*};
}

ids! {
    AgentId,
    AgentTokenId,
    ApiTokenId,
    ApprovalId,
    AttachmentId,
    CallBackId,
    CallId,
    CannedFileId,
    CannedReplyId,
    ChannelId,
    ContactId,
    DeliveryId,
    EventId,
    IdentityId,
    JobId,
    MergeId,
    MessageId,
    PartId,
    PlanId,
    PostId,
    SenderRuleId,
    SessionId,
    SideId,
    TagId,
    TeamId,
    /// Also the number that people see: `#4711`.
    TicketId,
    UploadId,
    VisitorId,
    VisitorUploadId,
    WebhookDeliveryId,
    WebhookId,
}
