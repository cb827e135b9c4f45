//! `admin`: the way back in when nobody can sign in.

use std::io::BufRead as _;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use crate::commands::{assemble, open_database};
use crate::config::Config;
use crate::desk::agents;
use crate::desk::kinds::Role;

/// Arguments of `admin`.
#[derive(Debug, Clone, Args)]
pub struct AdminArgs {
    /// The admin's mail address; made if there is none
    pub email: String,
    /// Their name, for a new account
    #[arg(long, default_value = "Admin")]
    pub name: String,
}

/// Makes an admin, or makes somebody one, with the password read from standard input.
pub async fn run(config: Config, args: AdminArgs) -> anyhow::Result<ExitCode> {
    eprintln!("Password for {} (at least 10 characters), then Enter:", args.email);
    let mut password = String::new();
    std::io::stdin().lock().read_line(&mut password).context("cannot read the password")?;
    let password = password.trim_end_matches(['\r', '\n']);
    anyhow::ensure!(password.chars().count() >= 10, "the password must have at least 10 characters");
    let database = open_database(&config).await?;
    database.migrate().await?;
    let app = assemble(config, &database)?;
    let mut tx = app.db.begin().await?;
    let id = match agents::find_by_email(&mut tx, &args.email).await? {
        Some(person) => {
            agents::update(&mut tx, person.id, &person.email, &person.name, Role::Admin).await?;
            person.id
        }
        None => agents::create(&mut tx, &args.email, &args.name, Role::Admin).await?,
    };
    agents::set_disabled(&mut tx, id, false).await?;
    agents::set_password(&mut tx, id, password, None).await?;
    tx.commit().await?;
    println!("{} can sign in as admin.", args.email);
    app.db.close().await;
    database.close().await;
    Ok(ExitCode::SUCCESS)
}
