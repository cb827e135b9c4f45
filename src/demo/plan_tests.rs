#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use super::*;

fn sample() -> (Timestamp, Plan) {
    let now: Timestamp = "2026-11-20T14:30:00Z".parse().unwrap();
    (now, plan(now, 7))
}

#[test]
fn counts_are_those_of_a_shop() {
    let (_, plan) = sample();
    let mut statuses = BTreeMap::new();
    let mut languages = BTreeMap::new();
    for ticket in &plan.tickets {
        *statuses.entry(ticket.status).or_insert(0) += 1;
        *languages.entry(ticket.language).or_insert(0) += 1;
    }
    let expected = [(Status::Open, 40), (Status::Pending, 12), (Status::Snoozed, 8), (Status::Solved, 230), (Status::Spam, 10)];
    assert_eq!(statuses, BTreeMap::from(expected));
    assert_eq!(languages.len(), 5);
    assert!(languages[&Language::It] > 100 && languages[&Language::Es] > 20, "{languages:?}");
    assert_eq!((plan.agents.len(), plan.teams.len(), plan.tags.len()), (6, 2, 25));
    assert!(plan.canned.len() >= 20 && plan.contacts.len() >= 180);
    let used: BTreeSet<usize> = plan.tickets.iter().map(|ticket| ticket.contact).collect();
    assert!(used.len() > 170, "{} contacts write", used.len());
    let used: BTreeSet<usize> = plan.tickets.iter().flat_map(|ticket| ticket.tags.clone()).collect();
    assert_eq!(used.len(), plan.tags.len(), "every tag is used");
}

#[test]
fn the_same_seed_gives_the_same_plan() {
    let (now, first) = sample();
    assert_eq!(first, plan(now, 7));
    assert_ne!(first.tickets, plan(now, 8).tickets);
}

#[test]
fn every_gap_is_filled() {
    let (_, plan) = sample();
    for ticket in &plan.tickets {
        let details = ticket.details.iter().flat_map(|(label, answer)| [label, answer]);
        let bodies = ticket.messages.iter().map(|message| &message.body);
        for text in bodies.chain([&ticket.subject]).chain(details) {
            assert!(!text.trim().is_empty() && !text.contains(['{', '}', '|']), "{text}");
            assert!(!text.contains("  "), "a word is missing: {text}");
        }
    }
}

#[test]
fn time_runs_forward_and_ends_now() {
    for hour in 0..48 {
        let start: Timestamp = "2026-11-21T00:10:00Z".parse().unwrap();
        let now = start + SignedDuration::from_hours(hour * 5);
        let plan = plan(now, u64::try_from(hour).unwrap());
        let oldest = now - SignedDuration::from_hours(24 * 110);
        for ticket in &plan.tickets {
            let times: Vec<Timestamp> = ticket.messages.iter().map(|message| message.at).collect();
            assert!(times.is_sorted(), "{} {times:?}", ticket.subject);
            assert!(times.iter().all(|at| *at <= now && *at > oldest), "{} {times:?}", ticket.subject);
            assert!(ticket.solved_at.is_none_or(|at| at <= now && at >= *times.last().unwrap()));
            assert!(ticket.snoozed_until.is_none_or(|at| at > now));
        }
        assert!(plan.tickets.is_sorted_by_key(TicketPlan::created_at));
    }
}

#[test]
fn what_waits_says_since_when() {
    let (now, plan) = sample();
    let mut waits = Vec::new();
    for ticket in &plan.tickets {
        assert_eq!(ticket.waiting_since.is_some(), ticket.status == Status::Open, "{}", ticket.subject);
        assert_eq!(ticket.snoozed_until.is_some(), ticket.status == Status::Snoozed);
        assert_eq!(ticket.solved_at.is_some(), ticket.status == Status::Solved);
        waits.extend(ticket.waiting_since.map(|since| (now.as_second() - since.as_second()) / 60));
    }
    waits.sort_unstable();
    assert!(waits.iter().filter(|minutes| **minutes < 60).count() >= 8, "{waits:?}");
    assert!(waits.iter().filter(|minutes| **minutes > 2 * 1380).count() >= 2, "{waits:?}");
    assert!(plan.tickets.iter().any(|ticket| ticket.messages.len() >= 30 && ticket.status == Status::Open));
    assert!(plan.tickets.iter().any(|ticket| ticket.messages.iter().any(|message| message.automatic)));
}

#[test]
fn indices_point_somewhere() {
    let (_, plan) = sample();
    for ticket in &plan.tickets {
        let contact = &plan.contacts[ticket.contact];
        assert_eq!(contact.language, ticket.language);
        assert_eq!(ticket.status == Status::Spam, ticket.contact >= 180);
        assert!(ticket.assignee.is_none_or(|index| index < plan.agents.len()));
        assert!(ticket.team.is_none_or(|index| index < plan.teams.len()));
        assert!(ticket.tags.iter().all(|index| *index < plan.tags.len()));
        assert_eq!(ticket.messages[0].author, Author::Customer);
        match ticket.channel {
            Channel::Email => assert!(ticket.details.is_empty()),
            Channel::Form(index) => assert!(index < plan.forms.len() && !ticket.details.is_empty()),
        }
    }
    let addresses: BTreeSet<String> = plan.contacts.iter().map(|contact| contact.email.to_lowercase()).collect();
    assert_eq!(addresses.len(), plan.contacts.len());
    assert!(addresses.iter().all(|address| address.ends_with(".example")));
    let shortcuts: BTreeSet<&str> = plan.canned.iter().map(|canned| canned.shortcut.as_str()).collect();
    assert_eq!(shortcuts.len(), plan.canned.len());
}
