//! What the first lists find in each language, and what they let pass.

use proptest::prelude::*;
use rstest::rstest;
use sportello::text::anger::{DEFAULTS, Lists, check};

fn found(text: &str) -> Vec<String> {
    Lists::new(DEFAULTS).find(text).into_iter().map(|found| found.entry).collect()
}

#[rstest]
#[case("Questa è una TRUFFA!!!", "truffa")]
#[case("Mi hanno truffato, non ricomprate", "truffat*")]
// Decided: “truffaldino” calls somebody a swindler and counts, by an entry of its own.
#[case("La solita assicurazione truffaldina sul pacco", "truffaldin*")]
#[case("Vergognatevi: tre settimane per un pacco", "vergognatevi")]
#[case("Che schifo di servizio", "schifo")]
#[case("Pessima esperienza", "pessima")]
#[case("Mai piu da voi", "mai più")]
#[case("Mai piu\u{300} da voi", "mai più")]
#[case("ladri.", "ladri")]
#[case("Sentirete il mio avvocato", "mio avvocato")]
#[case("This is a scam, beware", "scam")]
#[case("Total rip-off.", "rip off")]
#[case("The worst shop ever", "worst * ever")]
#[case("I will NEVER order from here again, never ordering again", "never order* again")]
#[case("Don’t buy from these people", "don't buy")]
#[case("Disgusting service", "disgusting")]
#[case("C'est une arnaque", "arnaqu*")]
#[case("Des arnaqueurs !", "arnaqu*")]
#[case("Service client à fuir", "à fuir")]
#[case("Plus jamais chez vous", "plus jamais")]
#[case("C’est honteux", "honteux")]
#[case("On se fout de nous, ils se foutent de leurs clients", "foutent de")]
#[case("Das ist Betrug!", "betrug")]
#[case("Betrueger nein, Betrüger ja", "betrüg*")]
#[case("Nie wieder bei euch", "nie wieder")]
#[case("So eine Frechheit", "frechheit")]
#[case("Ich bin wuetend, nein, wütend", "wütend")]
#[case("Scheißladen", "scheiß*")]
#[case("SCHEISSLADEN", "scheiß*")]
#[case("Esto es una estafa", "estafa")]
#[case("Sois unos sinvergüenzas", "sinvergüenza*")]
#[case("Nunca mas compro aqui", "nunca más")]
#[case("Me siento engañada", "engañ*")]
#[case("Un servicio pésimo", "pésimo")]
#[case("🤬🤬", "🤬")]
fn anger_is_found(#[case] text: &str, #[case] entry: &str) {
    assert!(found(text).iter().any(|found| found == entry), "{text}: {:?}", found(text));
}

#[rstest]
// Italian
#[case("Vorrei una crema al tartufo")]
#[case("Mai più senza queste scarpe!")]
#[case("Non è una truffa, tutto arrivato in due giorni")]
#[case("Mi vergogno un po' a chiedere: qual è il 38?")]
#[case("La borsa è antiladro?")]
#[case("Sono un avvocato e cerco una cartella di cuoio")]
#[case("Un film di Truffaut")]
#[case("Sono pessimista sul tempo, arriverà prima di sabato?")]
#[case("L'olio al timo è buonissimo")]
#[case("Non ne ho mai. Più tardi riprovo")]
// English
#[case("Never again without these boots")]
#[case("It is not a scam, they really ship")]
#[case("Do you sell scampi nets or fraudulently labelled ones? Just joking")]
#[case("Is the leather used in the straps Italian?")]
#[case("Can you use less wrapping?")]
#[case("I have never. Again I ask for the size")]
#[case("The stray dog ate the box; may I order another?")]
#[case("A shiitake print would be lovely")]
// French
#[case("Plus jamais sans mon sac !")]
#[case("J'ai honte de demander, mais où est le mode d'emploi ?")]
#[case("Est-ce que le cuir est volé dans le vent ?")]
#[case("Nulle part ailleurs on ne trouve ce bleu")]
#[case("Merveilleux, merci")]
// German
#[case("Nie wieder ohne diese Tasche")]
#[case("Ich bin Anwalt und suche eine Aktentasche")]
#[case("Die Schuhe sind aus Sauerland")]
#[case("Kein Betrug, alles kam an")]
#[case("Welche Größe soll ich nehmen? Die Diebstahlsicherung ist noch dran")]
// Spanish
#[case("Nunca más sin mis botas")]
#[case("Me da vergüenza preguntar, ¿cómo se limpia?")]
#[case("Precio claro y sin engaños")]
#[case("Soy pesimista con las tallas")]
#[case("¿El robot aspirador viene con el timón?")]
fn what_only_looks_like_it_passes(#[case] text: &str) {
    assert_eq!(found(text), Vec::<String>::new(), "{text}");
}

#[test]
fn it_says_where_and_by_which_list() {
    let text = "Allora: siete dei Truffatori, e basta. Siete truffatori.";
    let found = Lists::new(DEFAULTS).find(text);
    assert_eq!(found.len(), 1, "each entry once: {found:?}");
    assert_eq!((&*found[0].language, &*found[0].entry, &*found[0].words), ("it", "truffat*", "Truffatori"));
    assert_eq!(&text[found[0].place.clone()], "Truffatori");
}

#[test]
fn the_first_lists_can_be_used_as_they_stand() {
    for (language, list) in DEFAULTS {
        assert_eq!(check(list), Ok(()), "{language}");
        for (line, written) in list.lines().enumerate() {
            if !written.is_empty() && !written.starts_with(['-', '#']) {
                let sample = written.replace(" * ", " x ").replace('*', "x");
                let all = Lists::new([(language, list)]).find(&sample);
                assert!(!all.is_empty(), "{language} line {line}: {written} does not find “{sample}”");
            }
        }
    }
}

#[rstest]
#[case("ok\nab*", "Line 2: “ab*” needs at least 3 letters before its star.")]
#[case("tru*ffa", "Line 1: “tru*ffa” has a star inside a word; it may only stand at the end.")]
#[case("!!!", "Line 1: “!!!” has no word in it.")]
#[case("* ever", "Line 1: “* ever” cannot begin with a star.")]
#[case("a b c d e f g h i", "Line 1: “a b c d e f g h i” has more than 8 words.")]
#[case("-", "Line 1: “” has no word in it.")]
fn a_line_that_cannot_be_used_is_named(#[case] list: &str, #[case] words: &str) {
    assert_eq!(check(list).expect_err("not usable").to_string(), words);
}

#[test]
fn of_entries_that_lie_within_each_other_the_longer_is_told() {
    assert_eq!(found("The worst service ever, stay away"), ["worst * ever", "stay away"]);
}

#[test]
fn a_hostile_text_costs_no_more_than_its_length() {
    let text = "truffa ".repeat(3000) + &"a".repeat(100_000);
    let began = std::time::Instant::now();
    assert_eq!(found(&text), ["truffa"]);
    assert!(began.elapsed().as_secs() < 2);
}

proptest! {
    #[test]
    fn no_text_and_no_list_breaks_it(text in "\\PC{0,200}", list in "\\PC{0,80}") {
        let lists = Lists::new([("it", list.as_str())]);
        for found in lists.find(&text) {
            prop_assert_eq!(&text[found.place], found.words.as_str());
        }
    }
}
