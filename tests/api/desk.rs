//! A desk on a database of its own, spoken to as a program speaks to it.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use clap::Parser as _;
use serde_json::Value;
use sportello::app::App;
use sportello::config::Config;
use sportello::desk::kinds::Role;
use sportello::desk::{agents, sessions};
use sportello::ids::AgentId;
use sportello::mailer::Mailer;
use sportello::secrets::Keys;
use sportello::server;
use tower::ServiceExt as _;

use crate::support::postgres::TestDatabase;

#[derive(clap::Parser)]
struct Arguments {
    #[command(flatten)]
    config: Config,
}

/// The desk, with one admin and their token.
pub struct Desk {
    pub app: App,
    pub admin: AgentId,
    pub token: String,
    _database: TestDatabase,
    router: Router,
    _data: tempfile::TempDir,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
    pub json: Value,
}

impl Desk {
    pub async fn open() -> Self {
        let database = TestDatabase::new().await;
        let data = tempfile::tempdir().expect("a folder");
        let arguments =
            Arguments::parse_from(["sportello", "--data", data.path().to_str().expect("a path"), "--public-url", "https://desk.example"]);
        let app = App::new(arguments.config, database.pool.clone(), Mailer::Memory(Arc::default()), Keys::from_bytes([7; 32]));
        let mut db = app.db.acquire().await.expect("a connection");
        let admin = agents::create(&mut db, "ada@shop.example", "Ada Admin", Role::Admin).await.expect("an admin");
        let token = sessions::create_api_token(&mut db, "test", admin).await.expect("a token");
        drop(db);
        Self { router: server::router(app.clone()), app, admin, token, _database: database, _data: data }
    }

    /// Another agent, with a token of their own.
    pub async fn join(&self, email: &str, role: Role) -> (AgentId, String) {
        let mut db = self.app.db.acquire().await.expect("a connection");
        let id = agents::create(&mut db, email, email, role).await.expect("an agent");
        self.app.cache.invalidate_all();
        (id, sessions::create_api_token(&mut db, "test", id).await.expect("a token"))
    }

    pub async fn sql(&self, sql: &'static str) {
        sqlx::raw_sql(sql).execute(&self.app.db).await.expect(sql);
        self.app.cache.invalidate_all();
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.expect("an answer");
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 100_000_000).await.expect("a body").to_vec();
        let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status: parts.status, headers: parts.headers, bytes, json }
    }

    pub async fn call_as(&self, token: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
        let request =
            Request::builder().method(method).uri(format!("/api/v1{path}")).header(header::AUTHORIZATION, format!("Bearer {token}"));
        let request = match body {
            Some(body) => request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_string())),
            None => request.body(Body::empty()),
        };
        self.send(request.expect("a request")).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call_as(&self.token, Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call_as(&self.token, Method::POST, path, Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.call_as(&self.token, Method::PATCH, path, Some(body)).await
    }

    /// Every row of a list, page after page.
    pub async fn walk(&self, path: &str) -> Vec<Value> {
        let mut rows = Vec::new();
        let mut after = String::new();
        for _ in 0..100 {
            let page = self.get(&format!("{path}{after}")).await;
            assert_eq!(page.status, StatusCode::OK, "{path}{after}: {}", page.json);
            rows.extend(page.json["data"].as_array().expect("a list").iter().cloned());
            match page.json["next"].as_str() {
                Some(next) => after = format!("{}after={next}", if path.contains('?') { '&' } else { '?' }),
                None => return rows,
            }
        }
        panic!("{path} has no end");
    }
}
