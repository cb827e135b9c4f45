//! The stream of an open widget as it goes over the wire.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::chat_desk::ChatDesk;

/// Asks for the stream, and reads until its first event has come.
async fn open(desk: &ChatDesk, version: &str, method: &str) -> (TcpStream, String) {
    let mut socket = TcpStream::connect(desk.url.trim_start_matches("http://")).await.expect("a connection");
    let request = format!("{method} /chat/shop/events HTTP/{version}\r\nHost: desk\r\nConnection: keep-alive\r\n\r\n");
    socket.write_all(request.as_bytes()).await.expect("sent");
    let said = read_until(&mut socket, |said| method == "HEAD" || said.contains("\n\n")).await;
    (socket, said)
}

/// Reads until this was said, or they close.
async fn read_until(socket: &mut TcpStream, enough: impl Fn(&str) -> bool) -> String {
    let mut said = Vec::new();
    let reading = async { while !enough(&String::from_utf8_lossy(&said)) && socket.read_buf(&mut said).await.unwrap_or(0) > 0 {} };
    tokio::time::timeout(Duration::from_secs(5), reading).await.unwrap_or_else(|_| panic!("only {}", String::from_utf8_lossy(&said)));
    String::from_utf8(said).expect("text")
}

async fn wait_for_widgets(desk: &ChatDesk, count: usize) {
    for _ in 0..250 {
        if desk.app.live.widgets() == count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{} widgets instead of {count}", desk.app.live.widgets());
}

#[tokio::test]
async fn events_come_in_chunks_and_end_with_the_last_one() {
    let desk = ChatDesk::new().await;
    let (mut socket, said) = open(&desk, "1.1", "GET").await;
    let (head, body) = said.split_once("\r\n\r\n").expect("a head");
    let head = head.to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 200 ok") && head.contains("content-type: text/event-stream"), "{head}");
    assert!(head.contains("transfer-encoding: chunked") && head.contains("connection: close"), "{head}");
    let (size, event) = body.split_once("\r\n").expect("a chunk");
    let size = usize::from_str_radix(size, 16).expect("a size");
    assert!(event[..size].starts_with("event: availability\ndata: {") && event[size..].starts_with("\r\n"), "{body}");
    wait_for_widgets(&desk, 1).await;
    desk.app.stopping.cancel();
    let rest = read_until(&mut socket, |_| false).await;
    assert!(rest.ends_with("event: bye\ndata: {}\n\n\r\n0\r\n\r\n"), "{rest}");
    wait_for_widgets(&desk, 0).await;
}

#[tokio::test]
async fn whoever_knows_no_chunks_hears_the_same() {
    let desk = ChatDesk::new().await;
    let (mut socket, said) = open(&desk, "1.0", "GET").await;
    let (head, body) = said.split_once("\r\n\r\n").expect("a head");
    assert!(!head.to_ascii_lowercase().contains("transfer-encoding"), "{head}");
    assert!(body.starts_with("event: availability\ndata: {"), "{body}");
    desk.app.stopping.cancel();
    let rest = read_until(&mut socket, |_| false).await;
    assert!(rest.ends_with("event: bye\ndata: {}\n\n"), "{rest}");
}

#[tokio::test]
async fn whoever_hangs_up_is_forgotten() {
    let desk = ChatDesk::new().await;
    let (socket, _) = open(&desk, "1.1", "GET").await;
    let (mut other, _) = open(&desk, "1.1", "GET").await;
    wait_for_widgets(&desk, 2).await;
    drop(socket);
    wait_for_widgets(&desk, 1).await;
    // Nothing can be asked behind a stream: it would never be answered.
    other.write_all(b"GET /healthz HTTP/1.1\r\nHost: desk\r\n\r\n").await.expect("sent");
    let said = read_until(&mut other, |_| false).await;
    assert!(!said.contains("HTTP/1.1 200"), "{said}");
    wait_for_widgets(&desk, 0).await;
}

#[tokio::test]
async fn whoever_asks_for_the_head_alone_gets_that() {
    let desk = ChatDesk::new().await;
    let (mut socket, _) = open(&desk, "1.1", "HEAD").await;
    let said = read_until(&mut socket, |_| false).await;
    assert!(said.to_ascii_lowercase().contains("content-type: text/event-stream") && said.ends_with("\r\n\r\n"), "{said}");
    wait_for_widgets(&desk, 0).await;
}
