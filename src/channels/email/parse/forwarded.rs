//! Messages that came as files, made readable in place.

use mail_parser::{Message, PartType};

use super::{Headers, bodies, sent_at};
use crate::desk::envelope::Forwarded;

/// So many are shown; all are there as files.
const MAX: usize = 5;
/// Longest text of one, in characters.
const MAX_BODY: usize = 20_000;

/// The messages within this one, the first level only.
pub fn forwarded(message: &Message<'_>) -> Vec<Forwarded> {
    let inner = message.attachments().filter_map(|part| match &part.body {
        PartType::Message(inner) => Some(inner),
        _ => None,
    });
    inner
        .take(MAX)
        .map(|inner| {
            let headers = Headers::of(inner);
            Forwarded {
                from: headers.addresses("From").into_iter().next().unwrap_or_default(),
                subject: headers.subject(),
                sent_at: sent_at(inner, &headers),
                body: bodies::text(inner).chars().take(MAX_BODY).collect(),
            }
        })
        .filter(|inner| !inner.body.is_empty() || !inner.subject.is_empty() || !inner.from.address.is_empty())
        .collect()
}
