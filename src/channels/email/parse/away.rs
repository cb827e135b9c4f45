//! The automatic answers of people who are not there.

use super::Headers;
use crate::text::subjects;

/// How the subject of one begins or what stands in it, in lower case.
const SUBJECTS: [&str; 46] = [
    "out of office",
    "out of the office",
    "out-of-office",
    "automatic reply",
    "auto reply",
    "auto-reply",
    "autoreply",
    "auto response",
    "on vacation",
    "on holiday",
    "risposta automatica",
    "fuori sede",
    "fuori ufficio",
    "assente dall'ufficio",
    "réponse automatique",
    "absence du bureau",
    "absent du bureau",
    "automatische antwort",
    "abwesenheitsnotiz",
    "abwesenheitsbenachrichtigung",
    "nicht im büro",
    "automatische nachricht",
    "respuesta automática",
    "fuera de la oficina",
    "resposta automática",
    "ausência temporária",
    "fora do escritório",
    "automatisch antwoord",
    "afwezigheidsbericht",
    "niet aanwezig",
    "odpowiedź automatyczna",
    "automatyczna odpowiedź",
    "autosvar",
    "automatiskt svar",
    "frånvaro",
    "automatisk svar",
    "fravær",
    "automaattinen vastaus",
    "poissaoloilmoitus",
    "automatická odpověď",
    "автоматический ответ",
    "автоответ",
    "автоматична відповідь",
    "自動応答",
    "自动答复",
    "자동 회신",
];

/// Subjects that only programs write; with them no further sign is needed.
const CERTAIN: [&str; 17] = [
    "automatic reply:",
    "out of office:",
    "out of office autoreply:",
    "risposta automatica:",
    "réponse automatique :",
    "réponse automatique:",
    "automatische antwort:",
    "respuesta automática:",
    "resposta automática:",
    "automatisch antwoord:",
    "automatyczna odpowiedź:",
    "odpowiedź automatyczna:",
    "automatiskt svar:",
    "automaattinen vastaus:",
    "automatická odpověď:",
    "автоматический ответ:",
    "自动答复:",
];

/// What only those say who are not there.
const WORDS: [&str; 28] = [
    "out of the office",
    "out of office",
    "on vacation",
    "on holiday",
    "on annual leave",
    "on parental leave",
    "limited access to email",
    "i am away",
    "fuori ufficio",
    "fuori sede",
    "sono in ferie",
    "sarò assente",
    "sono assente",
    "nicht im büro",
    "bin im urlaub",
    "abwesend",
    "nicht erreichbar",
    "absent du bureau",
    "en congé",
    "je suis absent",
    "fuera de la oficina",
    "de vacaciones",
    "estoy de vacaciones",
    "de férias",
    "afwezig",
    "op vakantie",
    "na urlopie",
    "på semester",
];

/// Whether a program answered because its master is away. Other automatic answers, such as "we have received your message", are not meant.
pub fn is_away(headers: &Headers<'_>, body: &str) -> bool {
    let subject = headers.subject().to_lowercase();
    let subject = subject.trim();
    let answered = headers
        .all("Auto-Submitted")
        .any(|value| value.to_ascii_lowercase().starts_with("auto-replied") || value.to_ascii_lowercase().starts_with("auto-generated"))
        || ["X-Autoreply", "X-Autorespond"].iter().any(|name| headers.all(name).any(|value| !value.eq_ignore_ascii_case("no")))
        || headers.all("Precedence").any(|value| value.eq_ignore_ascii_case("auto_reply"));
    if !answered {
        return is_certain(subject);
    }
    let bare = subjects::strip_prefixes(subject).to_lowercase();
    let head: String = body.chars().take(600).collect::<String>().to_lowercase();
    SUBJECTS.iter().any(|words| bare.contains(words)) || WORDS.iter().any(|words| head.contains(words))
}

/// Whether only a program writes such a subject.
pub fn is_certain(subject: &str) -> bool {
    let subject = subject.trim().to_lowercase();
    CERTAIN.iter().any(|start| subject.starts_with(start))
}
