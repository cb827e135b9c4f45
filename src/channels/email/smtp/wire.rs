//! Lines and mails off the wire. Only CR LF ends a line and only CR LF . CR LF a mail, so that nobody can smuggle a second one in.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

/// A command line with its extensions (RFC 5321, 4.5.3.1.4 asks for 512 and more per extension).
const MAX_LINE: usize = 4096;
const CHUNK: usize = 16 * 1024;

/// Whatever bytes travel over.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// A connection with what was read and not yet used.
pub struct Wire {
    stream: Box<dyn Stream>,
    buffer: Vec<u8>,
}

/// A command line, or why there is none.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// With its CR LF.
    Command(Vec<u8>),
    TooLong,
    /// Ended by LF alone.
    BareLineFeed,
}

/// A mail, or why there is none.
#[derive(Debug, PartialEq, Eq)]
pub enum Mail {
    Complete(Vec<u8>),
    /// It was read to its end and thrown away.
    TooBig,
}

/// Why a conversation ends.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    #[error("the client was silent for too long")]
    Idle,
    #[error("the client left")]
    Closed,
    #[error("the server stops")]
    Stopping,
    #[error("the client sends without end")]
    Endless,
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Wire {
    /// Begins on a fresh stream.
    pub fn new(stream: Box<dyn Stream>) -> Self {
        Self { stream, buffer: Vec::new() }
    }

    /// The stream, for TLS. `None`: the client has sent more in the clear, which must not count as encrypted.
    pub fn into_stream(self) -> Option<Box<dyn Stream>> {
        self.buffer.is_empty().then_some(self.stream)
    }

    /// Whether the client has sent ahead: then the answer can wait for the next one.
    pub fn has_more(&self) -> bool {
        self.buffer.windows(2).any(|pair| pair == b"\r\n")
    }

    /// Sends answers.
    pub async fn write(&mut self, bytes: &[u8], limit: Duration) -> Result<(), WireError> {
        let writing = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        tokio::time::timeout(limit, writing).await.map_err(|_| WireError::Idle)?.map_err(WireError::Io)
    }

    /// Closes in good order.
    pub async fn close(&mut self) {
        let _ = tokio::time::timeout(Duration::from_secs(2), self.stream.shutdown()).await;
    }

    async fn fill(&mut self, until: Instant) -> Result<(), WireError> {
        self.buffer.reserve(CHUNK);
        match timeout_at(until, self.stream.read_buf(&mut self.buffer)).await {
            Err(_) => Err(WireError::Idle),
            Ok(Ok(0)) => Err(WireError::Closed),
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(error.into()),
        }
    }

    /// Reads one command line, which must be whole within `idle`.
    pub async fn line(&mut self, idle: Duration, stop: &CancellationToken) -> Result<Line, WireError> {
        let until = Instant::now() + idle;
        let mut seen = 0;
        let mut dropped = 0usize;
        loop {
            if let Some(at) = self.buffer[seen..].iter().position(|&byte| byte == b'\n').map(|at| at + seen) {
                let line: Vec<u8> = self.buffer.drain(..=at).collect();
                return Ok(match line.as_slice() {
                    _ if dropped > 0 || line.len() > MAX_LINE => Line::TooLong,
                    [.., b'\r', b'\n'] => Line::Command(line),
                    _ => Line::BareLineFeed,
                });
            }
            seen = self.buffer.len();
            if seen > MAX_LINE {
                dropped += seen;
                self.buffer.clear();
                seen = 0;
                if dropped > 64 * MAX_LINE {
                    return Err(WireError::Endless);
                }
            }
            tokio::select! {
                filled = self.fill(until) => filled?,
                () = stop.cancelled() => return Err(WireError::Stopping),
            }
        }
    }

    /// Reads a mail up to its final dot, never keeping more than `max` bytes of it.
    pub async fn mail(&mut self, max: usize, idle: Duration, whole: Duration, stop: &CancellationToken) -> Result<Mail, WireError> {
        let end = Instant::now() + whole;
        let mut reader = MailReader::new(max);
        loop {
            let (used, done) = reader.read(&self.buffer);
            self.buffer.drain(..used);
            if done {
                return Ok(reader.finish());
            }
            if reader.total > max.saturating_mul(4).saturating_add(1 << 20) {
                return Err(WireError::Endless);
            }
            let until = end.min(Instant::now() + idle);
            tokio::select! {
                filled = self.fill(until) => filled?,
                () = stopped_for(stop, super::GRACE) => return Err(WireError::Stopping),
            }
        }
    }
}

async fn stopped_for(stop: &CancellationToken, grace: Duration) {
    stop.cancelled().await;
    tokio::time::sleep(grace).await;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    LineStart,
    /// After a dot that began a line; it is not part of the mail.
    Dot,
    /// After that dot's CR.
    DotCr,
    Line,
    Cr,
}

/// Takes the dots off the lines (RFC 5321, 4.5.2) and finds the end.
struct MailReader {
    at: At,
    mail: Vec<u8>,
    max: usize,
    total: usize,
}

impl MailReader {
    fn new(max: usize) -> Self {
        Self { at: At::LineStart, mail: Vec::new(), max, total: 0 }
    }

    fn keep(&mut self, byte: u8) {
        self.total += 1;
        if self.total <= self.max {
            self.mail.push(byte);
        } else if !self.mail.is_empty() {
            self.mail = Vec::new();
        }
    }

    /// Reads what there is. Answers how much of it was used, and whether the mail has ended.
    fn read(&mut self, bytes: &[u8]) -> (usize, bool) {
        for (index, &byte) in bytes.iter().enumerate() {
            self.at = match (self.at, byte) {
                (At::LineStart, b'.') => At::Dot,
                (At::Dot, b'\r') => At::DotCr,
                (At::DotCr, b'\n') => return (index + 1, true),
                (At::DotCr, _) => {
                    self.keep(b'\r');
                    self.keep(byte);
                    if byte == b'\r' { At::Cr } else { At::Line }
                }
                (At::Cr, b'\n') => {
                    self.keep(byte);
                    At::LineStart
                }
                (At::LineStart | At::Line | At::Cr, b'\r') => {
                    self.keep(byte);
                    At::Cr
                }
                (At::LineStart | At::Dot | At::Line | At::Cr, _) => {
                    self.keep(byte);
                    At::Line
                }
            };
        }
        (bytes.len(), false)
    }

    fn finish(self) -> Mail {
        if self.total > self.max { Mail::TooBig } else { Mail::Complete(self.mail) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8]) -> Option<(Mail, usize)> {
        let mut reader = MailReader::new(1000);
        let (used, done) = reader.read(bytes);
        done.then(|| (reader.finish(), used))
    }

    fn complete(text: &str) -> Option<(Mail, usize)> {
        Some((Mail::Complete(text.as_bytes().to_vec()), 0))
    }

    fn text(bytes: &[u8]) -> Option<(Mail, usize)> {
        read(bytes).map(|(mail, _)| (mail, 0))
    }

    #[test]
    fn dots_are_taken_off_and_the_end_is_found() {
        assert_eq!(text(b"a\r\n.\r\n"), complete("a\r\n"));
        assert_eq!(text(b".\r\n"), complete(""));
        assert_eq!(text(b"..\r\n.\r\n"), complete(".\r\n"));
        assert_eq!(text(b"...\r\n..a\r\n.\r\n"), complete("..\r\n.a\r\n"));
        assert_eq!(read(b"a\r\n.\r\nQUIT\r\n").map(|(_, used)| used), Some(6));
    }

    #[test]
    fn only_a_full_line_end_ends_a_mail() {
        for smuggled in [&b"a\n.\nMAIL"[..], b"a\n.\r\nMAIL", b"a\r\n.\nMAIL", b"a\r.\rMAIL", b"a\r.\r\nMAIL", b"a\r\n.\rMAIL"] {
            assert_eq!(read(smuggled), None, "{:?}", String::from_utf8_lossy(smuggled));
        }
        assert_eq!(text(b"a\n.\n\r\n.\r\n"), complete("a\n.\n\r\n"));
        assert_eq!(text(b"\r\n.\rx\r\n.\r\n"), complete("\r\n\rx\r\n"));
        assert_eq!(text(b"\r\n.\r\r\n.\r\n"), complete("\r\n\r\r\n"));
    }

    #[test]
    fn a_mail_that_is_too_big_is_not_kept() {
        let mut bytes = vec![b'a'; 1001];
        bytes.extend_from_slice(b"\r\n.\r\n");
        let mut reader = MailReader::new(1000);
        assert_eq!(reader.read(&bytes), (bytes.len(), true));
        assert_eq!(reader.mail.capacity(), 0);
        assert_eq!(reader.finish(), Mail::TooBig);
    }

    proptest! {
        #[test]
        fn what_is_stuffed_comes_back_in_any_pieces(lines in prop::collection::vec("[.a\\n]{0,6}", 0..8), cuts in prop::collection::vec(1usize..5, 0..40)) {
            let mail: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
            let stuffed: String = lines.iter().map(|line| if line.starts_with('.') { format!(".{line}\r\n") } else { format!("{line}\r\n") }).collect();
            let wire = format!("{stuffed}.\r\n");
            let mut reader = MailReader::new(10_000);
            let mut rest = wire.as_bytes();
            let mut cuts = cuts.into_iter();
            let mut done = false;
            while !done && !rest.is_empty() {
                let (piece, later) = rest.split_at(cuts.next().unwrap_or(rest.len()).min(rest.len()));
                let (used, ended) = reader.read(piece);
                prop_assert_eq!(used, piece.len());
                done = ended;
                rest = later;
            }
            prop_assert!(done && rest.is_empty());
            prop_assert_eq!(reader.finish(), Mail::Complete(mail.into_bytes()));
        }
    }
}
