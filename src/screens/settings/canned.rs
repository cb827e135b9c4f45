//! The list of canned replies.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

use crate::app::App;
use crate::desk::canned::{self, CannedReply, Listed};
use crate::desk::kinds::CannedScope;
use crate::http::page::Shell;
use crate::http::{Query, Result};
use crate::text::folding;

/// The routes of this page.
pub fn router() -> Router<App> {
    Router::new().route("/settings/canned", get(show))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ListQuery {
    q: String,
    folder: String,
}

#[derive(Template)]
#[template(path = "screens/settings/canned.html")]
struct CannedPage<'a> {
    shell: &'a Shell,
    query: ListQuery,
    folders: Vec<String>,
    groups: Vec<Group>,
    /// Whether there are any at all, whatever the filter shows.
    any: bool,
}

/// The replies of one folder.
struct Group {
    folder: String,
    replies: Vec<Listed>,
}

impl CannedPage<'_> {
    fn who(&self, reply: &CannedReply) -> String {
        who(self.shell, reply)
    }

    fn may_edit(&self, reply: &CannedReply) -> bool {
        reply.may_edit(&self.shell.agent)
    }
}

/// Who may use a reply, in words.
fn who(shell: &Shell, reply: &CannedReply) -> String {
    match (reply.scope, reply.team_id) {
        (CannedScope::Team, Some(team)) => shell.directory.team(team).to_owned(),
        (scope, _) => scope.label().to_owned(),
    }
}

async fn show(State(app): State<App>, Query(query): Query<ListQuery>, shell: Shell) -> Result<Response> {
    let mut db = app.db.acquire().await?;
    let all = canned::list_detailed(&mut db, shell.agent.id, shell.is_lead()).await?;
    let any = !all.is_empty();
    let mut folders: Vec<String> = all.iter().map(|listed| listed.reply.folder.clone()).filter(|folder| !folder.is_empty()).collect();
    folders.dedup_by_key(|folder| folder.to_lowercase());
    let mut groups: Vec<Group> = Vec::new();
    for listed in all.into_iter().filter(|listed| wanted(listed, &query)) {
        match groups.last_mut() {
            Some(group) if group.folder.eq_ignore_ascii_case(&listed.reply.folder) => group.replies.push(listed),
            _ => groups.push(Group { folder: listed.reply.folder.clone(), replies: vec![listed] }),
        }
    }
    shell.render(&CannedPage { shell: &shell, query, folders, groups, any })
}

/// Every word of the question must occur somewhere in the reply, whatever its case and accents.
fn wanted(listed: &Listed, query: &ListQuery) -> bool {
    let reply = &listed.reply;
    if !query.folder.is_empty() && !reply.folder.eq_ignore_ascii_case(&query.folder) {
        return false;
    }
    let question = folding::fold(query.q.trim().trim_start_matches('#'));
    let hay = folding::fold(&format!("{} {} {} {}", reply.name, reply.shortcut, reply.folder, listed.words));
    question.split_whitespace().all(|word| hay.contains(word))
}
