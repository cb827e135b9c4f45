//! Messages of an mbox file (RFC 4155, in the dialect called mboxrd), one after the other and never the whole file.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};

/// A line longer than this is taken in pieces.
const MAX_PIECE: usize = 64 * 1024;

/// The messages of a file.
pub struct Messages<R> {
    reader: R,
    max: usize,
    position: u64,
    /// The `From ` line of the next message has been read.
    begun: bool,
    /// Whether the next piece begins a line, and whether the line before it was empty.
    line_start: bool,
    after_blank: bool,
}

impl<R: AsyncBufRead + Unpin> Messages<R> {
    /// Reads from `reader`; messages above `max` bytes are passed over.
    pub fn new(reader: R, max: usize) -> Self {
        Self { reader, max, position: 0, begun: false, line_start: true, after_blank: true }
    }

    /// Bytes of the file that have been read.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The next message; `Some(None)` for one that is too large.
    pub async fn next(&mut self) -> io::Result<Option<Option<Vec<u8>>>> {
        let mut message = Vec::new();
        let mut too_big = false;
        let mut any = self.begun;
        self.begun = false;
        loop {
            let Some(piece) = self.piece().await? else { break };
            if self.line_start && self.after_blank && is_separator(&piece) {
                self.after_blank = false;
                // Nothing but blank lines before the first message is no message.
                if any {
                    self.begun = true;
                    break;
                }
                any = true;
                message.clear();
                continue;
            }
            let quoted = self.line_start && is_quoted(&piece);
            let content = if quoted { &piece[1..] } else { &piece[..] };
            any |= !content.trim_ascii().is_empty();
            if message.len() + content.len() > self.max {
                too_big = true;
                message = Vec::new();
            }
            if !too_big {
                message.extend_from_slice(content);
            }
            self.after_blank = self.line_start && matches!(&*piece, b"\n" | b"\r\n");
            self.line_start = piece.ends_with(b"\n");
        }
        if !any {
            return Ok(None);
        }
        // The blank line before the next separator belongs to the file and not to the message.
        if message.ends_with(b"\n\n") {
            message.pop();
        } else if message.ends_with(b"\r\n\r\n") {
            message.truncate(message.len() - 2);
        }
        Ok(Some((!too_big).then_some(message)))
    }

    /// A line, or as much of it as one piece may hold.
    async fn piece(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut piece = Vec::new();
        loop {
            let available = self.reader.fill_buf().await?;
            if available.is_empty() {
                break;
            }
            let room = MAX_PIECE - piece.len();
            let window = &available[..available.len().min(room)];
            let end = window.iter().position(|&byte| byte == b'\n').map(|at| at + 1);
            let used = end.unwrap_or(window.len());
            piece.extend_from_slice(&window[..used]);
            self.reader.consume(used);
            self.position += u64::try_from(used).unwrap_or(0);
            if end.is_some() || piece.len() >= MAX_PIECE {
                break;
            }
        }
        Ok((!piece.is_empty()).then_some(piece))
    }
}

/// `From anna@example.it Sat Nov 21 14:05:00 2026`: the time tells it from a sentence that begins with "From".
fn is_separator(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"From ") else { return false };
    rest.len() < 500
        && rest.windows(5).any(|time| {
            let [a, b, colon, c, d] = time else { return false };
            *colon == b':' && [a, b, c, d].into_iter().all(u8::is_ascii_digit)
        })
}

/// `>From `, `>>From ` …: each has one mark too many.
fn is_quoted(line: &[u8]) -> bool {
    let bare = line.iter().position(|&byte| byte != b'>').map_or(&[][..], |at| &line[at..]);
    line.starts_with(b">") && bare.starts_with(b"From ")
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn split(file: &[u8], max: usize) -> Vec<Option<String>> {
        let mut messages = Messages::new(tokio::io::BufReader::with_capacity(7, file), max);
        let mut found = Vec::new();
        while let Some(message) = messages.next().await.expect("memory does not fail") {
            found.push(message.map(|message| String::from_utf8(message).expect("text")));
        }
        found
    }

    #[tokio::test]
    async fn messages_are_split_and_unquoted() {
        let file = b"From a@b.it Sat Nov 21 14:05:00 2026\nSubject: one\n\nFrom here on it rains.\n>From me\n>>From you\n\nFrom c@d.it Sat Nov 21 14:06:00 2026\nSubject: two\n\ntext\n";
        assert_eq!(
            split(file, 1000).await,
            [Some("Subject: one\n\nFrom here on it rains.\nFrom me\n>From you\n".to_owned()), Some("Subject: two\n\ntext\n".to_owned())]
        );
    }

    #[tokio::test]
    async fn one_that_is_too_large_does_not_stop_the_others() {
        let file = b"From a@b.it Sat Nov 21 14:05:00 2026\nSubject: one\n\nlong long long long\n\nFrom c@d.it Sat Nov 21 14:06:00 2026\nSubject: two\n\n";
        assert_eq!(split(file, 20).await, [None, Some("Subject: two\n".to_owned())]);
    }

    #[tokio::test]
    async fn a_file_without_a_separator_is_one_message() {
        assert_eq!(split(b"Subject: x\n\ny\n", 1000).await, [Some("Subject: x\n\ny\n".to_owned())]);
        assert_eq!(split(b"", 1000).await, []);
        assert_eq!(split(b"\n\n", 1000).await, []);
    }
}
