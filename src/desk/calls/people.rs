//! Who of ours an exchange speaks of: it knows people by numbers, names and addresses, as whoever set it up has entered them.

use crate::desk::directory::Directory;
use crate::ids::{AgentId, TeamId};
use crate::text::phones;

/// The agent that goes by this word: an extension, a telephone number, a mail address, a name, the desk's own number of them.
pub fn agent(directory: &Directory, word: &str, country: &str) -> Option<AgentId> {
    let word = word.trim();
    if word.is_empty() {
        return None;
    }
    let told = phones::parse(word, country);
    let people = || directory.agents.iter().filter(|agent| agent.active);
    let by_number = people().find(|agent| agent.numbers.iter().any(|number| number.eq_ignore_ascii_case(word) || number == told.as_str()));
    let by_name = || people().find(|agent| agent.email.eq_ignore_ascii_case(word) || agent.name.to_lowercase() == word.to_lowercase());
    let by_login = || people().find(|agent| agent.email.split('@').next().is_some_and(|login| login.eq_ignore_ascii_case(word)));
    let by_id = || people().find(|agent| word.strip_prefix('#').unwrap_or(word).parse() == Ok(agent.id));
    by_number.or_else(by_name).or_else(by_login).or_else(by_id).map(|agent| agent.id)
}

/// The first of these words that names an agent.
pub fn first_agent(directory: &Directory, words: &[String], country: &str) -> Option<AgentId> {
    words.iter().find_map(|word| agent(directory, word, country))
}

/// Whom these words name: agents, and the first team.
pub fn everybody(directory: &Directory, words: &[String], country: &str) -> (Vec<AgentId>, Option<TeamId>) {
    let mut agents: Vec<AgentId> = words.iter().filter_map(|word| agent(directory, word, country)).collect();
    agents.sort_unstable();
    agents.dedup();
    let same = |name: &str, word: &str| name.to_lowercase() == word.trim().to_lowercase();
    let team = words.iter().find_map(|word| directory.teams.iter().find(|team| same(&team.name, word)));
    (agents, team.map(|team| team.id))
}
