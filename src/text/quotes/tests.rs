use proptest::prelude::*;
use rstest::rstest;

use super::*;

/// The new words of a body, by way of [`split`].
fn words(body: &str) -> String {
    let quote = split(body);
    assert!(quote.start <= quote.end && quote.end <= body.len());
    new_text(body, &quote)
}

#[rstest]
#[case("On Mon, 3 May 2026 at 10:22, Shop <help@shop.example> wrote:")]
#[case("On May 3, 2026, at 10:22 AM, Shop <help@shop.example> wrote:")]
#[case("On Monday, May 3rd, 2026 at 10:22, Shop <help@shop.example> wrote:")]
#[case("Shop <help@shop.example> wrote:")]
#[case("Il giorno lun 3 mag 2026 alle ore 10:22 Shop <\nhelp@shop.example> ha scritto:")]
#[case("Il 03/05/2026 10:22, Shop ha scritto:")]
#[case("In data 3 maggio 2026 10:22, Shop <help@shop.example> ha scritto:")]
#[case("Le lun. 3 mai 2026 à 10:22, Shop <help@shop.example> a écrit :")]
#[case("Le 03/05/2026 à 10:22, Shop a écrit\u{a0}:")]
#[case("Am Mo., 3. Mai 2026 um 10:22 Uhr schrieb Shop <help@shop.example>:")]
#[case("Am 03.05.26 um 10:22 schrieb Shop:")]
#[case("El lun, 3 may 2026 a las 10:22, Shop (<help@shop.example>) escribió:")]
#[case("Em seg., 3 de mai. de 2026 às 10:22, Shop <help@shop.example> escreveu:")]
#[case("Op ma 3 mei 2026 om 10:22 schreef Shop <help@shop.example>:")]
#[case("pon., 3 maj 2026 o 10:22 Shop <help@shop.example> napisał(a):")]
#[case("W dniu 3.05.2026 o 10:22, Shop pisze:")]
#[case("Den mån 3 maj 2026 kl 10:22 skrev Shop <help@shop.example>:")]
#[case("Den man. 3. maj 2026 kl. 10.22 skrev Shop <help@shop.example>:")]
#[case("man. 3. mai 2026 kl. 10:22 skrev Shop <help@shop.example>:")]
#[case("ma 3. toukok. 2026 klo 10.22 Shop (help@shop.example) kirjoitti:")]
#[case("po 3. 5. 2026 v 10:22 odesílatel Shop <help@shop.example> napsal:")]
#[case("пн, 3 мая 2026 г. в 10:22, Shop <help@shop.example>:")]
#[case("03.05.2026 10:22, Shop пишет:")]
#[case("пн, 3 трав. 2026 р. о 10:22 Shop <help@shop.example> пише:")]
#[case("2026年5月3日(月) 10:22 Shop <help@shop.example>:")]
#[case("Shop <help@shop.example> 于2026年5月3日周一 10:22写道：")]
#[case("2026년 5월 3일 (월) 오전 10:22, Shop <help@shop.example>님이 작성:")]
#[case("-----Original Message-----\nFrom: Shop")]
#[case("-----Messaggio originale-----\nDa: Shop")]
#[case("-----Ursprüngliche Nachricht-----\nVon: Shop")]
#[case("‐‐‐‐‐‐‐ Original Message ‐‐‐‐‐‐‐\nOn Monday, Shop wrote:")]
#[case("________________________________\nFrom: Shop <help@shop.example>\nSent: Monday, May 3, 2026 10:22\nTo: Anna\nSubject: Re: x")]
#[case("________________________________\nDa: Shop\nInviato: lunedì 3 maggio 2026 10:22\nA: Anna\nOggetto: R: x")]
#[case("Von: Shop\nGesendet: Montag, 3. Mai 2026 10:22\nAn: Anna\nBetreff: AW: x")]
#[case("De : Shop\nEnvoyé : lundi 3 mai 2026 10:22\nÀ : Anna\nObjet : RE: x")]
#[case("*De:* Shop\n*Enviado:* lunes, 3 de mayo de 2026 10:22\n*Para:* Anna\n*Asunto:* x")]
#[case("##- Please write above this line -##")]
#[case("Gesendet: Montag, 04. Mai 2026 um 09:01 Uhr\nVon: Shop <help@shop.example>\nAn: anna@example.it\nBetreff: x")]
#[case("---- On Mon, 04 May 2026 09:01:22 +0200 Shop <help@shop.example> wrote ---")]
fn folds_history_below_the_answer(#[case] opening: &str) {
    for quoted in ["> Where is it?\n>\n> Shop\n", "\n> Where is it?\n"] {
        let body = format!("It came, thank you.\n\nAnna\n\n{opening}\n{quoted}");
        assert_eq!(words(&body), "It came, thank you.\n\nAnna", "{opening}");
        assert_eq!(split(&body).end, body.len());
    }
}

#[rstest]
#[case("On Mon, 3 May 2026 at 10:22, Shop <help@shop.example> wrote:")]
#[case("Il lunedì 3 maggio 2026 alle ore 10:22:33 CEST, Shop <help@shop.example> ha scritto:")]
#[case("Am Montag, 3. Mai 2026 um 10:22 schrieb Shop <help@shop.example>:")]
fn folds_unmarked_history_below_a_programs_line(#[case] opening: &str) {
    let body = format!("It came.\n\n{opening}\n\nWhere is it?\n");
    assert_eq!(words(&body), "It came.");
}

#[rstest]
#[case::no_history("Where is my parcel?\n\nAnna")]
#[case::empty("")]
#[case::only_history("On Mon, 3 May 2026 at 10:22, Shop <help@shop.example> wrote:\n> Where is it?\n")]
#[case::only_headers("From: Shop\nSent: Monday\nTo: Anna\nSubject: x\n\nHello")]
#[case::interleaved("Hello,\nOn 3 May 2026, Shop wrote:\n> Which size?\nM, please.\n> Which colour?\nBlue.\n")]
#[case::one_answer_within("Hello,\nOn 3 May 2026, Shop wrote:\n> Which size?\nM, please.\n")]
#[case::announced("My answers are below, in red.\n\nFrom: Shop\nSent: Monday, May 3\nTo: Anna\nSubject: Re: x\n\nWhich size? M!\n")]
#[case::a_list("I would like\n> size M\n> colour blue\n")]
#[case::a_weight("> 5 kg\nis what it weighs")]
#[case::prose_about_writing("Yesterday you wrote:\nthe parcel will come on Monday.\nIt has not come.")]
#[case::prose_with_a_time(
    "Il 3 maggio 2026 alle 10:22 il vostro collega ha scritto:\nrimborso entro 5 giorni\n\nInvece non è arrivato nulla."
)]
#[case::a_route("Ho bisogno di spedire\nDa: Roma\nA: Milano\nData: 3 maggio\nPeso: 5 kg")]
#[case::a_rule("First part\n________________________________\nSecond part")]
#[case::a_forward(
    "Please see below\n\n---------- Forwarded message ---------\nFrom: Bank <x@bank.example>\nDate: Mon, 3 May 2026\nSubject: Payment\n\nPaid."
)]
#[case::an_apple_forward("Ecco la ricevuta\n\nInizio messaggio inoltrato:\n\n> Da: Banca\n> Oggetto: Pagamento\n")]
#[case::broken_wrapping("Hi\n\nOn 3 May 2026, Shop wrote:\n> a long line that was\nbroken\n> and goes on\n")]
fn folds_nothing(#[case] body: &str) {
    assert_eq!(split(body), 0..0);
    assert_eq!(words(body), body.trim_end());
}

#[rstest]
#[case("On 3 May 2026, Shop wrote:\n> Which size?\n> And colour?\n\nM, blue.\n", "M, blue.")]
#[case("> Which size?\n> And colour?\n\nM, blue.\n\nAnna\n", "M, blue.\n\nAnna")]
fn folds_history_above_the_answer(#[case] body: &str, #[case] expected: &str) {
    assert_eq!(split(body).start, 0);
    assert_eq!(words(body), expected);
}

#[rstest]
#[case("-- \nAnna Verdi\nRoma")]
#[case("Sent from my iPhone")]
#[case("Inviato da Libero Mail per Android")]
fn a_signature_below_the_quote_stays(#[case] signature: &str) {
    let body = format!("It came.\n\nOn 3 May 2026, Shop wrote:\n> Where is it?\n\n{signature}\n");
    assert_eq!(words(&body), format!("It came.\n\n{signature}"));
}

#[test]
fn an_attribution_inside_the_marks_counts() {
    let body = "Grazie!\n\n> Il giorno 3 mag 2026, alle ore 10:22, Shop <help@shop.example> ha scritto:\n>\n> Dov'è?\n";
    assert_eq!(words(body), "Grazie!");
}

#[test]
fn words_before_a_wrapped_attribution_stay() {
    let body =
        "Thanks, order 12 came on 3 May 2026\nOn Mon, 3 May 2026 at 10:22, Shop with a long name\n<help@shop.example> wrote:\n\n> Where?\n";
    assert_eq!(words(body), "Thanks, order 12 came on 3 May 2026");
}

#[test]
fn a_windows_body_is_cut_on_its_lines() {
    let body = "It came.\r\n\r\nOn 3 May 2026, Shop wrote:\r\n> Where is it?\r\n";
    assert_eq!(words(body), "It came.");
    assert!(body[split(body)].starts_with("On 3 May"));
}

#[test]
fn what_was_written_in_a_form_is_no_history() {
    for body in [
        "You have a new enquiry:\n\nOggetto: Ordine 55\nData: 4 maggio 2026\nDa: anna@x.it\nA: info@shop.it\nMessaggio: arrivato rotto",
        "You have a new enquiry:\n\nOggetto: Ordine 55\nData: 4 maggio 2026, 10:15\nDa: anna@x.it\nA: info@shop.it\nMessaggio: arrivato rotto",
        "You have a new enquiry:\n\nOggetto: Ordine 55\nData: 4 maggio 2026\nDa: anna@x.it\nA: info@shop.it\n\nÈ arrivato rotto.",
    ] {
        assert!(split(body).is_empty(), "{body}");
    }
}

#[test]
fn hostile_bodies_take_linear_time() {
    let pieces = ["> ", "On 3 May 2026\n", "From: x\n", "-", "a wrote:\n", "\n", "> \nx\n", "On ", "____\n", "1 "];
    let started = std::time::Instant::now();
    for piece in pieces {
        split(&piece.repeat(1_000_000 / piece.len()));
    }
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}

proptest! {
    #[test]
    fn new_words_and_quote_are_the_body(body in "(> |On 3 May 2026, Shop <a@b\\.it> wrote:\n|From: a@b\\.it\nSent: 3 May\nSubject: x\n|-----Original Message-----\n|\n|é|word |-- \n|Sent from my iPhone\n){0,40}") {
        let quote = split(&body);
        let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        let around = format!("{}{}", &body[..quote.start], &body[quote.end..]);
        prop_assert_eq!(letters(&new_text(&body, &quote)), letters(&around));
        prop_assert_eq!(letters(&around).len() + letters(&body[quote.clone()]).len(), letters(&body).len());
    }

    #[test]
    fn words_above_are_never_cut(new in "([A-Za-zé ]{1,20}\n){1,5}", which in 0_usize..4) {
        prop_assume!(new.chars().any(char::is_alphanumeric));
        let quoted = ["On 3 May 2026, Shop <a@b.it> wrote:\n> x\n", "-----Original Message-----\nx\n", "From: a@b.it\nSent: 3 May\nSubject: x\n\ny\n", "> a\n> b\n>\n> c\n> d\n> e\n"][which];
        let body = format!("{new}\n{quoted}");
        let quote = split(&body);
        prop_assert!(quote.is_empty() || quote.start >= new.trim_end().len());
    }

    #[test]
    fn any_text_splits_on_lines(body in "(>|On |wrote:|From: |Sent: |Subject: |\n|é|12:30|a@b\\.it|--|\\PC){0,60}") {
        let quote = split(&body);
        prop_assert!(body.get(quote.clone()).is_some());
        prop_assert!(quote.start == 0 || body.as_bytes()[quote.start - 1] == b'\n');
        if !quote.is_empty() {
            prop_assert!(!new_text(&body, &quote).trim().is_empty());
        }
    }
}
