//! Twilio Voice: the answering machine, recordings that come late or never, and statuses in any order.

use reqwest::Method;
use serde_json::json;
use sportello::channels::twilio;

use crate::support::providers::recorder::Says;
use crate::support::providers::twilio::{ACCOUNT, refusal};
use crate::support::providers::voice::{LINE, SOUND, desk, desk_with};
use crate::support::providers::whatsapp::NetworkDesk;

const SID: &str = "CA00000000000000000000000000000001";

fn ringing() -> Vec<(&'static str, &'static str)> {
    vec![
        ("CallSid", SID),
        ("AccountSid", ACCOUNT),
        ("From", "+393331234567"),
        ("To", LINE),
        ("CallStatus", "ringing"),
        ("ApiVersion", "2010-04-01"),
        ("Direction", "inbound"),
        ("CallerName", "Zoë Caffè"),
    ]
}

fn status<'a>(word: &'a str, at: &'a str, number: &'a str) -> Vec<(&'a str, &'a str)> {
    let mut form = ringing();
    form[4] = ("CallStatus", word);
    form.extend([("Timestamp", at), ("SequenceNumber", number), ("CallbackSource", "call-progress-events")]);
    form
}

fn recording(desk: &NetworkDesk) -> String {
    format!("{}/2010-04-01/Accounts/{ACCOUNT}/Recordings/RE1", desk.fake.url)
}

async fn recorded(desk: &NetworkDesk, word: &str) {
    let url = recording(desk);
    let form = [
        ("AccountSid", ACCOUNT),
        ("CallSid", SID),
        ("RecordingSid", "RE1"),
        ("RecordingUrl", &*url),
        ("RecordingStatus", word),
        ("RecordingDuration", "12"),
    ];
    desk.voice("recording", &form).await;
}

#[tokio::test]
async fn only_what_twilio_has_signed_is_taken() {
    let desk = desk("twilio").await;
    let owned: Vec<(String, String)> = ringing().iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    for (token, url) in [("another", desk.hook()), ("tw-auth-token", format!("{}?step=left", desk.hook()))] {
        let request =
            reqwest::Client::new().post(desk.hook()).form(&ringing()).header("x-twilio-signature", twilio::sign(token, &url, &owned));
        assert_eq!(request.send().await.expect("an answer").status().as_u16(), 403);
    }
    assert_eq!(desk.count("select count(*) from deliveries").await, 0);
    let (status, _) = desk.voice("", &ringing()).await;
    assert_eq!(status.as_u16(), 200);
    let name: String = sqlx::query_scalar("select name from calls").fetch_one(&desk.app.db).await.expect("a row");
    assert_eq!(name, "Zoë Caffè");
}

#[tokio::test]
async fn the_machine_speaks_the_channels_language() {
    let desk = desk("twilio").await;
    let (_, body) = desk.voice("", &ringing()).await;
    let hook = desk.hook();
    let says = "Grazie per aver chiamato. In questo momento non possiamo rispondere. Lasci un messaggio dopo il segnale: la richiameremo.";
    let silence = "Non abbiamo sentito nessun messaggio. A presto.";
    let expected = format!(
        r##"<?xml version="1.0" encoding="UTF-8"?><Response><Say language="it-IT">{says}</Say><Record action="{hook}?step=left" maxLength="180" timeout="5" finishOnKey="#" playBeep="true" trim="trim-silence" recordingStatusCallback="{hook}?step=recording" recordingStatusCallbackEvent="completed absent"/><Say language="it-IT">{silence}</Say></Response>"##
    );
    assert_eq!(body, expected);
    sqlx::query("update channels set language = 'de' where kind = 'phone'").execute(&desk.app.db).await.expect("a row");
    let (_, body) = desk.voice("", &ringing()).await;
    assert!(body.contains(r#"<Say language="de-DE">Danke für Ihren Anruf."#), "{body}");
    let (_, body) = desk.voice("left", &[("CallSid", SID), ("RecordingUrl", &recording(&desk)), ("RecordingDuration", "12")]).await;
    assert!(body.contains("Danke. Wir rufen zurück.") && body.contains("<Hangup/>"), "{body}");
}

#[tokio::test]
async fn a_message_is_fetched_as_soon_as_it_is_there() {
    let desk = desk("twilio").await;
    desk.voice("", &ringing()).await;
    let path = format!("/2010-04-01/Accounts/{ACCOUNT}/Recordings/RE1.mp3");
    desk.fake.say(Method::GET, &path, Says::bytes(404, "text/plain", Vec::new()));
    recorded(&desk, "completed").await;
    // Told again, and once more by the end of the message.
    recorded(&desk, "completed").await;
    desk.voice("left", &[("CallSid", SID), ("RecordingUrl", &recording(&desk)), ("RecordingDuration", "12")]).await;
    desk.voice("status", &status("completed", "Sat, 03 Oct 2026 10:00:30 +0000", "3")).await;
    desk.drain().await;
    let asked = desk.fake.asked("/Recordings/");
    assert_eq!(asked.len(), 2, "not there, then there");
    assert!(asked[0].header("authorization").starts_with("Basic "));
    let ticket = desk.ticket().await;
    let thread = desk.thread(ticket).await;
    assert_eq!(thread.len(), 1);
    let facts = thread[0].extras().call.expect("a call");
    assert_eq!((facts.answered, facts.recorded, facts.seconds), (false, true, Some(12)));
    let file: (i64, String, i64) =
        sqlx::query_as("select id, media_type, size from attachments").fetch_one(&desk.app.db).await.expect("one file");
    assert_eq!((&*file.1, file.2), ("audio/mpeg", i64::try_from(SOUND.len()).expect("small")));
    assert_eq!(desk.count("select count(*) from call_backs where state = 'wanted'").await, 1);

    let giulia = desk.giulia().await;
    let page = giulia.get(&format!("/tickets/{ticket}")).await.is(200);
    assert_eq!(page.attribute("#thread audio", "src"), format!("/tickets/{ticket}/files/{}", file.0));
    assert!(page.headers["content-security-policy"].to_str().expect("text").contains("media-src 'self'"));
    assert!(page.text("#thread .letter summary").contains("Voicemail, 0:12"), "{}", page.text("#thread .letter summary"));
    // A telephone number is no mail address.
    assert!(page.text(".composer-to").contains("nobody yet"), "{}", page.text(".composer-to"));
    let request = giulia.request(Method::GET, &format!("/tickets/{ticket}/files/{}", file.0)).header("range", "bytes=0-2");
    let piece = request.send().await.expect("an answer");
    assert_eq!(
        (piece.status().as_u16(), piece.headers()["content-range"].to_str().expect("text")),
        (206, &*format!("bytes 0-2/{}", SOUND.len()))
    );
    assert_eq!(piece.headers()["content-type"], "audio/mpeg");
    assert_eq!(&piece.bytes().await.expect("bytes")[..], b"ID3");
}

#[tokio::test]
async fn whoever_says_nothing_has_called_all_the_same() {
    let desk = desk("twilio").await;
    desk.voice("", &ringing()).await;
    recorded(&desk, "absent").await;
    desk.voice("status", &status("completed", "Sat, 03 Oct 2026 10:00:30 +0000", "3")).await;
    desk.drain().await;
    let call = desk.call().await;
    assert_eq!((call.recording, call.recording_error.is_none(), call.ticket_id), (false, true, Some(desk.ticket().await.0)));
}

#[tokio::test]
async fn a_recording_that_cannot_be_had_is_told() {
    for (says, words) in [
        (Says::bytes(200, "audio/mpeg", vec![0; 26 << 20]), "larger than what is taken"),
        (Says::bytes(403, "text/plain", Vec::new()), "403"),
        (Says::redirect("ftp://elsewhere.example/x"), "307"),
    ] {
        let desk = desk("twilio").await;
        desk.voice("", &ringing()).await;
        desk.fake.say(Method::GET, "/2010-04-01/Accounts/", says);
        recorded(&desk, "completed").await;
        desk.drain().await;
        let call = desk.call().await;
        let error = call.recording_error.expect("a reason");
        assert!(error.contains(words), "{error}");
        let thread = desk.thread(desk.ticket().await).await;
        assert_eq!(thread[0].extras().missing, [error]);
        assert_eq!(desk.count("select count(*) from attachments").await, 0);
    }
    let desk = desk("twilio").await;
    let form = [("CallSid", SID), ("RecordingUrl", "https://attacker.example/x"), ("RecordingStatus", "completed")];
    desk.voice("recording", &form).await;
    assert!(desk.call().await.recording_error.expect("a reason").contains("not at Twilio"));
}

#[tokio::test]
async fn statuses_come_in_any_order() {
    for word in ["no-answer", "busy", "canceled", "completed", "failed"] {
        let desk = desk("twilio").await;
        desk.voice("status", &status(word, "Sat, 03 Oct 2026 10:00:30 +0000", "2")).await;
        desk.voice("status", &status("in-progress", "Sat, 03 Oct 2026 10:00:10 +0000", "1")).await;
        desk.voice("", &ringing()).await;
        desk.drain().await;
        let call = desk.call().await;
        assert_eq!((&*call.state, call.answered, &*call.cause), ("ended", false, word));
        assert_eq!(call.ticket_id, Some(desk.ticket().await.0));
        let spans: bool = sqlx::query_scalar("select started_at < ended_at from calls").fetch_one(&desk.app.db).await.expect("a row");
        assert!(spans);
    }
}

#[tokio::test]
async fn somebody_is_rung_first() {
    let desk = desk_with("twilio", json!({ "forward_to": "333 765 4321" })).await;
    let giulia = desk.person("Giulia", sportello::desk::kinds::Role::Agent).await;
    sqlx::query("update agents set numbers = '{+393337654321}'").execute(&desk.app.db).await.expect("a row");
    desk.app.cache.invalidate_all();
    let (_, body) = desk.voice("", &ringing()).await;
    assert!(body.contains(r#"<Dial timeout="20""#) && body.contains(">+393337654321</Number>"), "{body}");
    let leg = [
        ("CallSid", "CA2"),
        ("ParentCallSid", SID),
        ("Direction", "outbound-dial"),
        ("From", "+393331234567"),
        ("To", "+393337654321"),
        ("CallStatus", "in-progress"),
    ];
    desk.voice("status", &leg).await;
    let call = desk.call().await;
    assert_eq!((&*call.state, call.agent_id), ("active", Some(giulia.0)));
    let mut dialed = ringing();
    dialed.extend([("DialCallStatus", "completed"), ("DialCallSid", "CA2"), ("DialCallDuration", "65")]);
    let (_, body) = desk.voice("dialed", &dialed).await;
    assert!(body.ends_with("<Response/>"), "{body}");
    desk.voice("status", &status("completed", "Sat, 03 Oct 2026 10:02:00 +0000", "3")).await;
    desk.drain().await;
    let call = desk.call().await;
    assert_eq!((&*call.state, call.answered, call.seconds, call.ticket_id), ("ended", true, Some(65), None));
}

#[tokio::test]
async fn nobody_takes_it_so_the_machine_does() {
    let desk = desk_with("twilio", json!({ "forward_to": "333 765 4321" })).await;
    desk.voice("", &ringing()).await;
    let mut dialed = ringing();
    dialed.extend([("DialCallStatus", "no-answer"), ("DialCallSid", "CA2")]);
    let (_, body) = desk.voice("dialed", &dialed).await;
    assert!(body.contains("<Record "), "{body}");
    recorded(&desk, "completed").await;
    assert!(desk.call().await.recording);
}

#[tokio::test]
async fn connecting_sets_the_numbers_hook() {
    let desk = desk("twilio").await;
    let health = desk.with_way(async |way| desk.network().check(way).await).await.expect("let in");
    assert_eq!((health.account, &*health.id), (format!("Bottega ({LINE})"), LINE));
    let set = desk.fake.asked("/IncomingPhoneNumbers/PN1.json");
    assert_eq!(set[0].form()[0], ("VoiceUrl".to_owned(), desk.hook()));
    desk.fake.say(Method::GET, "/2010-04-01/Accounts/", refusal(401, 20_003, "Authenticate"));
    assert_eq!(desk.with_way(async |way| desk.network().check(way).await).await.expect_err("refused").class(), "sign_in");
}
