//! Whose public answers a second person must see first.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;

use crate::app::App;
use crate::clock::Ts;
use crate::desk::agents::Admin;
use crate::desk::approvals::{Rule, Rules, list};
use crate::desk::changes::Change;
use crate::desk::directory::{self, ChannelName};
use crate::desk::kinds::Role;
use crate::http::flash::Flash;
use crate::http::page::Shell;
use crate::http::problems::Problems;
use crate::http::{Form, Result};
use crate::ids::{AgentId, ChannelId};
use crate::screens::settings::one;

/// The most minutes until approvers are written to.
const MAX_MINUTES: i64 = 1440;

/// The routes of this page.
pub fn router() -> Router<App> {
    Router::new().route("/settings/approval", get(show).post(save))
}

/// What is asked of one role.
struct RoleField {
    role: Role,
    title: &'static str,
    /// `never`, `all` or `some`.
    when: &'static str,
    rule: Rule,
}

impl RoleField {
    fn of(role: Role, rule: &Rule) -> Self {
        let when = match (rule.all, rule.channels.is_empty()) {
            (true, _) => "all",
            (false, true) => "never",
            (false, false) => "some",
        };
        let title = if role == Role::Agent { "Agents" } else { "Team leads" };
        Self { role, title, when, rule: rule.clone() }
    }

    fn chosen(&self, id: &ChannelId) -> bool {
        self.rule.channels.contains(id)
    }
}

#[derive(Template)]
#[template(path = "screens/settings/approval.html")]
struct ApprovalPage<'a> {
    shell: &'a Shell,
    roles: [RoleField; 2],
    mail: String,
    problems: Problems,
    /// How many may approve what agents write.
    approvers: usize,
    /// Of those, whether there is a second one for what a lead writes.
    channels: Vec<ChannelName>,
}

impl<'a> ApprovalPage<'a> {
    async fn load(app: &App, shell: &'a Shell, rules: &Rules, problems: Problems) -> Result<Self> {
        let mut db = app.db.acquire().await?;
        // Nobody is left out: no agent has this id.
        let approvers = list::approvers(&mut db, AgentId(0), Ts::now()).await?.len();
        // Where nothing can be said in public there is nothing to approve.
        let public = |channel: &&ChannelName| channel.abilities.as_ref().is_some_and(|abilities| abilities.public_text.is_some());
        Ok(Self {
            shell,
            roles: [RoleField::of(Role::Agent, &rules.agent), RoleField::of(Role::Lead, &rules.lead)],
            mail: rules.mail.to_string(),
            problems,
            approvers,
            channels: shell.directory.channels.iter().filter(public).cloned().collect(),
        })
    }
}

async fn show(State(app): State<App>, _: Admin, shell: Shell) -> Result<Response> {
    let rules = shell.directory.approval.clone();
    shell.render(&ApprovalPage::load(&app, &shell, &rules, Problems::default()).await?)
}

fn read(sent: &[(String, String)]) -> (Rules, Problems) {
    let mut problems = Problems::default();
    let mut rule = |role: Role| {
        let all = |name: &str| sent.iter().filter(move |(key, _)| key == name).filter_map(|(_, value)| value.parse().ok()).collect();
        let channels: Vec<ChannelId> = all(&format!("{role}-channel"));
        match one(sent, &format!("{role}-when")) {
            "all" => Rule { all: true, channels: Vec::new() },
            "some" if channels.is_empty() => {
                problems.add(format!("{role}-channel"), "Tick at least one channel, or choose “Never”.");
                Rule::default()
            }
            "some" => Rule { all: false, channels },
            _ => Rule::default(),
        }
    };
    let (agent, lead) = (rule(Role::Agent), rule(Role::Lead));
    let mail = one(sent, "mail").trim().parse::<i64>().ok().filter(|minutes| (1..=MAX_MINUTES).contains(minutes));
    if mail.is_none() {
        problems.add("mail", format!("Enter whole minutes from 1 to {MAX_MINUTES}."));
    }
    (Rules { agent, lead, mail: mail.unwrap_or(Rules::default().mail) }, problems)
}

async fn save(State(app): State<App>, _: Admin, shell: Shell, Form(sent): Form<Vec<(String, String)>>) -> Result<Response> {
    let (rules, problems) = read(&sent);
    if problems.any() {
        let mail = one(&sent, "mail").to_owned();
        let mut page = ApprovalPage { mail, ..ApprovalPage::load(&app, &shell, &rules, problems).await? };
        for field in &mut page.roles {
            if page.problems.of(&format!("{}-channel", field.role)).is_some() {
                field.when = "some";
            }
        }
        return shell.render_as(StatusCode::UNPROCESSABLE_ENTITY, &page);
    }
    let mut change = Change::begin(&app).await?;
    directory::update_approval(&mut change, &rules).await?;
    change.touch_settings();
    change.commit().await?;
    Ok(Flash::new("Saved. It holds for every public answer from now on.").redirect("/settings/approval"))
}
