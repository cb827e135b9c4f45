//! Invitations (RFC 5545, RFC 5546), as far as a card shows them: what, when, where, who.

use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};
use mail_parser::{Message, MessagePart, MimeHeaders as _, PartType};

use super::headers::{clean_address, clean_line, decoded};
use crate::clock::Ts;
use crate::desk::envelope::Invitation;

/// The longest calendar that is read, in bytes, and its lines.
const MAX_PART: usize = 256 * 1024;
const MAX_LINES: usize = 5_000;
const MAX_WORDS: usize = 300;

/// Zones as Windows calls them.
const WINDOWS: [(&str, &str); 22] = [
    ("W. Europe Standard Time", "Europe/Berlin"),
    ("Central Europe Standard Time", "Europe/Budapest"),
    ("Central European Standard Time", "Europe/Warsaw"),
    ("Romance Standard Time", "Europe/Paris"),
    ("GMT Standard Time", "Europe/London"),
    ("Greenwich Standard Time", "Atlantic/Reykjavik"),
    ("FLE Standard Time", "Europe/Kyiv"),
    ("GTB Standard Time", "Europe/Bucharest"),
    ("E. Europe Standard Time", "Europe/Chisinau"),
    ("Russian Standard Time", "Europe/Moscow"),
    ("Turkey Standard Time", "Europe/Istanbul"),
    ("Eastern Standard Time", "America/New_York"),
    ("Central Standard Time", "America/Chicago"),
    ("Mountain Standard Time", "America/Denver"),
    ("Pacific Standard Time", "America/Los_Angeles"),
    ("E. South America Standard Time", "America/Sao_Paulo"),
    ("Tokyo Standard Time", "Asia/Tokyo"),
    ("Korea Standard Time", "Asia/Seoul"),
    ("China Standard Time", "Asia/Shanghai"),
    ("India Standard Time", "Asia/Kolkata"),
    ("AUS Eastern Standard Time", "Australia/Sydney"),
    ("UTC", "UTC"),
];

/// The first appointment that came along.
pub fn invitation(message: &Message<'_>) -> Option<Invitation> {
    let is_calendar = |part: &&MessagePart<'_>| {
        part.is_content_type("text", "calendar")
            || part.is_content_type("application", "ics")
            || part.attachment_name().is_some_and(|name| name.to_ascii_lowercase().ends_with(".ics"))
    };
    let part = message.parts.iter().find(is_calendar)?;
    let text = match &part.body {
        PartType::Text(text) | PartType::Html(text) => text.to_string(),
        _ => decoded(&part.contents()[..part.contents().len().min(MAX_PART)]),
    };
    let method = part.content_type().and_then(|kind| kind.attribute("method")).map(|method| clean_line(&method.to_ascii_lowercase(), 20));
    read(&text, method)
}

/// One property: its name, its parameters as they stand, its value.
struct Property<'l> {
    name: String,
    parameters: &'l str,
    value: &'l str,
}

impl<'l> Property<'l> {
    fn of(line: &'l str) -> Option<Self> {
        let mut quoted = false;
        let colon = line.char_indices().find_map(|(at, c)| match c {
            '"' => {
                quoted = !quoted;
                None
            }
            ':' if !quoted => Some(at),
            _ => None,
        })?;
        let (name, parameters) = line[..colon].split_once(';').unwrap_or((&line[..colon], ""));
        Some(Self { name: name.trim().to_ascii_uppercase(), parameters, value: line[colon + 1..].trim() })
    }

    fn parameter(&self, name: &str) -> Option<&'l str> {
        self.parameters
            .split(';')
            .filter_map(|parameter| parameter.split_once('='))
            .find(|(known, _)| known.trim().eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim().trim_matches('"'))
    }

    fn words(&self) -> String {
        let plain = self.value.replace("\\n", " ").replace("\\N", " ").replace("\\,", ",").replace("\\;", ";").replace("\\\\", "\\");
        clean_line(&plain, MAX_WORDS)
    }
}

fn read(text: &str, method: Option<String>) -> Option<Invitation> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.split('\n').map(|line| line.trim_end_matches('\r')).take(MAX_LINES) {
        match (line.strip_prefix([' ', '\t']), lines.last_mut()) {
            (Some(rest), Some(last)) if last.len() < 10_000 => last.push_str(rest),
            (Some(_), Some(_)) => {}
            _ => lines.push(line.to_owned()),
        }
    }
    let mut found = Invitation { method: method.unwrap_or_default(), ..Invitation::default() };
    let mut within: Vec<String> = Vec::new();
    let mut seen = false;
    for property in lines.iter().filter_map(|line| Property::of(line)) {
        match &*property.name {
            "BEGIN" => within.push(property.value.to_ascii_uppercase()),
            "END" => {
                seen = within.pop().is_some_and(|left| left == "VEVENT");
                if seen {
                    break;
                }
            }
            "METHOD" if found.method.is_empty() => found.method = clean_line(property.value, 20).to_ascii_lowercase(),
            _ if within.last().is_some_and(|inner| inner == "VEVENT") => take(&mut found, &property),
            _ => {}
        }
        if within.len() > 20 {
            break;
        }
    }
    (seen && (!found.summary.is_empty() || found.starts.is_some() || !found.day.is_empty())).then_some(found)
}

fn take(found: &mut Invitation, property: &Property<'_>) {
    match &*property.name {
        "SUMMARY" => found.summary = property.words(),
        "LOCATION" => found.place = property.words(),
        "ORGANIZER" => {
            let address = property
                .value
                .get(..7)
                .filter(|scheme| scheme.eq_ignore_ascii_case("mailto:"))
                .map_or(property.value, |_| &property.value[7..]);
            let address = clean_address(address);
            found.organizer =
                match property.parameter("CN").map(|name| clean_line(name, 100)).filter(|name| !name.is_empty() && *name != address) {
                    Some(name) if !address.is_empty() => format!("{name} ({address})"),
                    Some(name) => name,
                    None => address,
                };
        }
        "ATTENDEE" => found.asked += 1,
        "RRULE" | "RDATE" => found.repeats = true,
        "DTSTART" => match moment(property) {
            Moment::At(at) => found.starts = Some(at),
            Moment::Words(words) => found.day = words,
            Moment::Nothing => {}
        },
        "DTEND" => match moment(property) {
            Moment::At(at) => found.ends = Some(at),
            // The last day is the one behind the end.
            Moment::Words(words) if !found.day.is_empty() => {
                let last = day_before(property.value).unwrap_or(words);
                if last != found.day && !last.is_empty() {
                    found.day = format!("{} – {last}", found.day);
                }
            }
            Moment::Words(_) | Moment::Nothing => {}
        },
        _ => {}
    }
}

enum Moment {
    At(Ts),
    /// A day, or a time of no known zone.
    Words(String),
    Nothing,
}

fn date(value: &str) -> Option<Date> {
    let digits = value.get(..8).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    Date::new(digits[..4].parse().ok()?, digits[4..6].parse().ok()?, digits[6..].parse().ok()?).ok()
}

fn day_words(date: Date) -> String {
    date.strftime("%a %-d %b %Y").to_string()
}

fn day_before(value: &str) -> Option<String> {
    (value.len() == 8).then(|| date(value)?.yesterday().ok().map(day_words)).flatten()
}

fn moment(property: &Property<'_>) -> Moment {
    let value = property.value;
    let Some(date) = date(value) else { return Moment::Nothing };
    let time = value.get(8..15).and_then(|time| time.strip_prefix('T')).filter(|time| time.bytes().all(|byte| byte.is_ascii_digit()));
    let Some(time) = time else { return Moment::Words(day_words(date)) };
    let number = |range: std::ops::Range<usize>| time[range].parse::<i8>().unwrap_or(0);
    let Ok(local) = DateTime::new(date.year(), date.month(), date.day(), number(0..2), number(2..4), number(4..6).min(59), 0) else {
        return Moment::Words(day_words(date));
    };
    let zone = if value.ends_with('Z') { Some(TimeZone::UTC) } else { property.parameter("TZID").and_then(zone) };
    match zone.and_then(|zone| local.to_zoned(zone).ok()) {
        Some(at) => Moment::At(Ts(at.timestamp())),
        None => Moment::Words(local.strftime("%a %-d %b %Y, %H:%M (their time)").to_string()),
    }
}

fn zone(name: &str) -> Option<TimeZone> {
    let name = name.trim();
    let windows = WINDOWS.iter().find(|(windows, _)| windows.eq_ignore_ascii_case(name)).map(|&(_, zone)| zone);
    if let Ok(zone) = TimeZone::get(windows.unwrap_or(name)) {
        return Some(zone);
    }
    // "/mozilla.org/20050126_1/Europe/Rome", "/freeassociation.sourceforge.net/Europe/Rome"
    let parts: Vec<&str> = name.rsplitn(3, '/').collect();
    if let [city, region, ..] = parts[..]
        && let Ok(zone) = TimeZone::get(&format!("{region}/{city}"))
    {
        return Some(zone);
    }
    // "(UTC+01:00) Amsterdam, Berlin": without its summer time, which only the calendar's own table knows.
    let offset = name.strip_prefix("(UTC").or_else(|| name.strip_prefix("(GMT"))?.split(')').next()?;
    let (hours, minutes) = offset.split_once(':').unwrap_or((offset, "0"));
    let hours: i32 = hours.trim_start_matches('+').parse().ok()?;
    let minutes: i32 = minutes.parse().ok()?;
    let offset = Offset::from_seconds(hours * 3600 + hours.signum() * minutes * 60).ok()?;
    (offset == Offset::UTC).then(|| TimeZone::fixed(offset))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn event(lines: &str) -> Option<Invitation> {
        read(
            &format!(
                "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VTIMEZONE\r\nTZID:X\r\nBEGIN:STANDARD\r\nDTSTART:16010101T030000\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT\r\n{lines}\r\nBEGIN:VALARM\r\nSUMMARY:no\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR"
            ),
            None,
        )
    }

    #[rstest]
    #[case("DTSTART:20260504T080000Z", Some("2026-05-04T08:00:00Z"), "")]
    #[case("DTSTART;TZID=Europe/Rome:20260504T100000", Some("2026-05-04T08:00:00Z"), "")]
    #[case("DTSTART;TZID=\"W. Europe Standard Time\":20260504T100000", Some("2026-05-04T08:00:00Z"), "")]
    #[case("DTSTART;TZID=/mozilla.org/20050126_1/Europe/Rome:20260104T100000", Some("2026-01-04T09:00:00Z"), "")]
    #[case("DTSTART;TZID=Nowhere:20260504T100000", None, "Mon 4 May 2026, 10:00 (their time)")]
    #[case("DTSTART:20260504T100000", None, "Mon 4 May 2026, 10:00 (their time)")]
    #[case("DTSTART;VALUE=DATE:20260504", None, "Mon 4 May 2026")]
    #[case("DTSTART;VALUE=DATE:20260504\r\nDTEND;VALUE=DATE:20260507", None, "Mon 4 May 2026 – Wed 6 May 2026")]
    #[case("DTSTART;VALUE=DATE:20260504\r\nDTEND;VALUE=DATE:20260505", None, "Mon 4 May 2026")]
    #[case("DTSTART:20269999T100000", None, "")]
    #[case("DTSTART:", None, "")]
    fn times_are_read(#[case] lines: &str, #[case] starts: Option<&str>, #[case] day: &str) {
        let found = event(&format!("SUMMARY:x\r\n{lines}")).expect("an appointment");
        assert_eq!((found.starts.map(Ts::rfc3339).as_deref(), &*found.day), (starts, day));
    }

    #[test]
    fn a_card_says_what_where_and_who() {
        let found = event("SUMMARY;LANGUAGE=it:Ritiro\\, del\r\n  tavolo\r\nLOCATION:Via Roma 1\\; Milano\r\nORGANIZER;CN=\"Verdi, Anna\":MAILTO:Anna@example.it\r\nATTENDEE:mailto:a@b.it\r\nATTENDEE:mailto:c@d.it\r\nRRULE:FREQ=DAILY").expect("an appointment");
        assert_eq!(
            (&*found.summary, &*found.place, &*found.organizer),
            ("Ritiro, del tavolo", "Via Roma 1; Milano", "Verdi, Anna (anna@example.it)")
        );
        assert_eq!((found.asked, found.repeats, &*found.method), (2, true, "request"));
        assert_eq!(read("BEGIN:VCALENDAR\nEND:VCALENDAR", None), None);
        assert_eq!(read("", None), None);
    }
}
