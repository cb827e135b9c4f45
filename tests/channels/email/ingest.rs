//! `sportello ingest`, as the process that a mail server starts.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::AsyncWriteExt as _;

use super::mail;
use crate::support::mail_desk::MailDesk;

async fn ingest(desk: &MailDesk, arguments: &[&str], input: &[u8]) -> (i32, Vec<Value>, String) {
    let database = desk.app.db.connect_options();
    let url = std::env::var("SPORTELLO_TEST_POSTGRES").ok().and_then(|url| {
        let mut url: url::Url = url.parse().ok()?;
        url.set_path(database.get_database().unwrap_or_default());
        Some(url.to_string())
    });
    let mut child = tokio::process::Command::new(env!("CARGO_BIN_EXE_sportello"))
        .arg("ingest")
        .args(arguments)
        .env("SPORTELLO_DATA", &desk.app.config.data)
        .env("SPORTELLO_MAX_MAIL", "100000")
        .env("DATABASE_URL", url.expect("the tests' server by URL"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program");
    let mut stdin = child.stdin.take().expect("a pipe");
    // It may end before it has read everything.
    let _ = stdin.write_all(input).await;
    drop(stdin);
    let output = child.wait_with_output().await.expect("it ends");
    let lines = String::from_utf8_lossy(&output.stdout).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    (output.status.code().unwrap_or(-1), lines, String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test]
async fn one_mail_from_a_pipe() {
    let desk = MailDesk::new().await;
    let raw = mail("anna@example.it", "Pipe", "a1@example.it", "", "Hello");
    let (code, lines, said) =
        ingest(&desk, &["--channel", "help", "--envelope-from", "anna@example.it", "--envelope-to", "help@bottega.example"], &raw).await;
    assert_eq!(code, 0, "{said}");
    assert_eq!(lines.len(), 1);
    assert_eq!((lines[0]["outcome"].as_str(), lines[0]["matched_by"].as_str()), (Some("created"), Some("none")));
    let (code, again, _) = ingest(&desk, &["--channel", "help@bottega.example"], &raw).await;
    assert_eq!((code, again[0]["outcome"].as_str(), &again[0]["ticket"]), (0, Some("duplicate"), &lines[0]["ticket"]));
}

#[tokio::test]
async fn what_goes_wrong_has_the_code_that_mail_servers_know() {
    let desk = MailDesk::new().await;
    let raw = mail("anna@example.it", "Pipe", "b1@example.it", "", "Hello");
    let (code, lines, said) = ingest(&desk, &["--channel", "hlep"], &raw).await;
    assert_eq!((code, lines.len()), (75, 0));
    assert!(said.contains("hlep") && said.contains("Help"), "{said}");
    let (code, _, said) = ingest(&desk, &["--channel", "help"], b"").await;
    assert_eq!(code, 75, "{said}");
    let (code, _, said) = ingest(&desk, &["--channel", "help"], &vec![b'x'; 200_000]).await;
    assert_eq!(code, 65, "{said}");
    desk.database.set_away(true).await;
    let (code, _, said) = ingest(&desk, &["--channel", "help"], &raw).await;
    assert_eq!(code, 75, "{said}");
    desk.database.set_away(false).await;
    // Where files cannot be stored: the data folder's place for them is a file.
    std::fs::write(desk.app.config.data.join("blobs"), b"in the way").expect("our folder");
    let with_file = mail(
        "anna@example.it",
        "File",
        "b2@example.it",
        "MIME-Version: 1.0\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Disposition: attachment; filename=a.pdf",
        "%PDF",
    );
    let (code, _, said) = ingest(&desk, &["--channel", "help"], &with_file).await;
    assert_eq!(code, 75, "{said}");
    std::fs::remove_file(desk.app.config.data.join("blobs")).expect("our file");
    let (code, lines, said) = ingest(&desk, &["--channel", "help"], &with_file).await;
    assert_eq!((code, lines[0]["outcome"].as_str()), (0, Some("created")), "{said}");
    assert_eq!(desk.drain().await, Vec::<String>::new());
    assert_eq!(desk.count("select count(*) from messages where provider_id = 'b2@example.it'").await, 1);
}

#[tokio::test]
async fn a_folder_and_a_file_of_mails() {
    let desk = MailDesk::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    for part in ["new", "cur", "tmp"] {
        std::fs::create_dir(folder.path().join(part)).expect("our folder");
    }
    let write = |name: &str, raw: &[u8]| std::fs::write(folder.path().join(name), raw).expect("our folder");
    write("cur/1001.a:2,S", &mail("anna@example.it", "One", "c1@example.it", "", "Hello"));
    write("new/1002.b", &mail("anna@example.it", "Re: One", "c2@example.it", "In-Reply-To: <c1@example.it>", "Hello"));
    write("new/1003.c", &vec![b'x'; 200_000]);
    write("tmp/1004.d", b"unfinished");
    let path = |path: &Path| path.to_str().expect("plain").to_owned();
    let (code, lines, said) = ingest(&desk, &["--channel", "help", "--maildir", &path(folder.path())], b"").await;
    assert_eq!(code, 65, "{said}");
    let outcomes: Vec<_> = lines.iter().filter_map(|line| line["outcome"].as_str()).collect();
    assert_eq!(outcomes, ["created", "appended"]);
    assert!(said.contains("1 new tickets, 1 messages added to tickets, 0 known already, 0 dropped, 1 too large"), "{said}");

    let mut mbox = Vec::new();
    for n in 1..=4 {
        mbox.extend_from_slice(b"From anna@example.it Sat Nov 21 14:05:00 2026\n");
        let raw = mail("anna@example.it", "Two", &format!("c{n}@example.it"), "", ">From here on\r\nit rains.");
        mbox.extend_from_slice(&raw);
        mbox.extend_from_slice(b"\n");
    }
    let file = folder.path().join("archive.mbox");
    std::fs::write(&file, mbox).expect("our folder");
    let (code, lines, said) = ingest(&desk, &["--channel", "help", "--mbox", &path(&file)], b"").await;
    assert_eq!(code, 0, "{said}");
    let outcomes: Vec<_> = lines.iter().filter_map(|line| line["outcome"].as_str()).collect();
    assert_eq!(outcomes, ["duplicate", "duplicate", "created", "created"]);
    assert_eq!(desk.count("select count(*) from messages where body like 'From here on%'").await, 2);
    let (code, _, said) = ingest(&desk, &["--channel", "help", "--mbox", "/nowhere"], b"").await;
    assert_eq!(code, 75, "{said}");
}
