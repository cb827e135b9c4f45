//! Streams of events, freed of what serves requests.
//!
//! A stream stays open for hours and says little, and there may be ten thousand of them. hyper keeps 16 KB of buffers, and the room that a
//! request needs, for as long as a connection lasts, and no other request comes. So once the head of such a response has left, the
//! socket is taken back from hyper and the events are written to it as they come, in the chunks that the head has promised (RFC 9112, 7.1).

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{HeaderValue, Version, header};
use hyper::body::{Body as HttpBody, Frame};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

/// Whoever does not read for so long is gone.
const PATIENCE: Duration = Duration::from_secs(60);
/// Events that are ready at the same time leave in one packet, up to so many.
const TOGETHER: usize = 16;

/// The body of a connection's stream on its way out of hyper's hands. Shared by the service, the body that hyper sees and the socket.
#[derive(Clone, Default)]
pub struct Handover(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    stage: Stage,
    events: Option<Events>,
}

/// How far a connection has come.
#[derive(Default, PartialEq)]
enum Stage {
    /// No stream was asked for.
    #[default]
    Serving,
    /// The head is written, though perhaps not yet to the socket: hyper wants the body.
    Wanted,
    /// The head has left, and nothing else is in hyper's hands.
    Free,
}

/// A stream's body, and how it is written.
pub struct Events {
    body: Body,
    /// Older ones know no chunks: their stream ends when the connection does.
    chunked: bool,
}

impl Handover {
    /// Keeps the body if this is a stream of events, and gives hyper one in its place that never says anything.
    pub fn intercept(&self, asked: Version, response: Response) -> Response {
        if !response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream")) {
            return response;
        }
        let mut response = response.map(|body| {
            self.state().events = Some(Events { body, chunked: asked == Version::HTTP_11 });
            Body::new(Silence(self.clone()))
        });
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        response
    }

    /// The events, once hyper can be let go.
    pub fn take(&self) -> Option<Events> {
        let mut state = self.state();
        if state.stage == Stage::Free { state.events.take() } else { None }
    }

    /// Goes on to a stage from the one before it; anywhere else nothing happens.
    fn step(&self, from: Stage, to: Stage) {
        let mut state = self.state();
        if state.stage == from {
            state.stage = to;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What hyper sees of a stream's body.
struct Silence(Handover);

impl HttpBody for Silence {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        // Never woken: whoever drives the connection takes it away from hyper in this very turn, or when the socket has room for the head.
        self.0.step(Stage::Serving, Stage::Wanted);
        Poll::Pending
    }
}

/// A socket that knows when hyper has nothing left to write.
pub struct Socket {
    stream: TokioIo<TcpStream>,
    handover: Handover,
}

impl Socket {
    pub fn new(stream: TcpStream, handover: Handover) -> Self {
        Self { stream: TokioIo::new(stream), handover }
    }

    pub fn into_inner(self) -> TcpStream {
        self.stream.into_inner()
    }
}

impl Read for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl Write for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx)?;
        // hyper flushes the socket when its own buffer is empty, and only then.
        if flushed.is_ready() {
            self.handover.step(Stage::Wanted, Stage::Free);
        }
        flushed.map(Ok)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }
}

/// Writes a stream's events until it ends or the other side is gone.
pub async fn relay(mut socket: TcpStream, Events { body, chunked }: Events) {
    let mut events = body.into_data_stream().ready_chunks(TOGETHER);
    loop {
        let ready = tokio::select! {
            ready = events.next() => ready,
            () = hung_up(&socket) => return,
        };
        let (mut written, last) = (Vec::new(), ready.is_none());
        for event in ready.unwrap_or_default() {
            match event {
                Ok(event) if chunked => chunk(&mut written, &event),
                Ok(event) => written.extend_from_slice(&event),
                Err(error) => {
                    tracing::debug!(%error, "a stream ends early");
                    return;
                }
            }
        }
        if last && chunked {
            written.extend_from_slice(b"0\r\n\r\n");
        }
        match tokio::time::timeout(PATIENCE, socket.write_all(&written)).await {
            Ok(Ok(())) if !last => {}
            _ => break,
        }
    }
    // Whatever happens now, the events are out.
    let _ = tokio::time::timeout(PATIENCE, socket.shutdown()).await;
}

/// Waits until they hang up. Or send another request, though they were told that this was the last.
async fn hung_up(socket: &TcpStream) {
    // Not by `readable`, which waits in another place: hyper's last look would keep the task that is over, and all its room, until they leave.
    while poll_fn(|cx| socket.poll_read_ready(cx)).await.is_ok() {
        match socket.try_read(&mut [0]) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            _ => return,
        }
    }
}

/// An empty chunk would be the end.
fn chunk(out: &mut Vec<u8>, data: &[u8]) {
    if data.is_empty() {
        return;
    }
    out.extend_from_slice(format!("{:x}\r\n", data.len()).as_bytes());
    out.extend_from_slice(data);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::chunk;

    #[test]
    fn chunks_say_how_long_they_are() {
        let mut out = Vec::new();
        chunk(&mut out, b"data: an event of 26 bytes");
        chunk(&mut out, b"");
        assert_eq!(out, b"1a\r\ndata: an event of 26 bytes\r\n");
    }
}
