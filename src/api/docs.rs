//! `/openapi.json` and `/docs`: the description of the API, for programs and for people. The page is made from the document, needs
//! no script, and is rendered once.

use std::sync::Arc;

use askama::Template;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Extension, Router};
use bytes::Bytes;
use http::header;
use serde_json::Value;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::http::{Error, Result};

/// The routes that describe themselves too.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(openapi))
}

/// The page, which is no part of the description.
pub fn page() -> Router<App> {
    Router::new().route("/docs", get(docs))
}

/// The description in both forms.
#[derive(Clone)]
pub struct Document(Arc<(Bytes, Bytes)>);

impl Document {
    /// Renders the description of every route.
    pub fn new(openapi: OpenApi) -> Self {
        let value = serde_json::to_value(&openapi).unwrap_or_default();
        let json = serde_json::to_vec_pretty(&value).unwrap_or_default();
        // A template over plain strings; should it ever fail, `docs` says so and `openapi.json` still stands.
        let html = DocsPage::new(&value).render().unwrap_or_default();
        Self(Arc::new((json.into(), html.into())))
    }
}

/// Read this description
///
/// OpenAPI 3.1, without a token.
#[utoipa::path(get, path = "/openapi.json", tag = "Desk", operation_id = "read_openapi", security(()),
    responses((status = 200, description = "The description of every address.", body = Object)))]
async fn openapi(Extension(document): Extension<Document>) -> Response {
    ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-cache")], document.0.0.clone()).into_response()
}

async fn docs(Extension(document): Extension<Document>) -> Result<Response> {
    if document.0.1.is_empty() {
        return Err(Error::Internal(anyhow::anyhow!("the page about the API could not be rendered")));
    }
    Ok(([(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")], document.0.1.clone()).into_response())
}

#[derive(Template)]
#[template(path = "api/docs.html")]
struct DocsPage {
    title: String,
    version: String,
    intro: String,
    groups: Vec<Group>,
    schemas: Vec<Schema>,
}

/// The operations of one tag.
struct Group {
    name: String,
    about: String,
    operations: Vec<Operation>,
}

struct Operation {
    id: String,
    method: String,
    path: String,
    summary: String,
    about: String,
    open: bool,
    parameters: Vec<Field>,
    body: Option<Kind>,
    responses: Vec<Answer>,
}

struct Answer {
    status: String,
    about: String,
    kind: Option<Kind>,
}

struct Schema {
    name: String,
    about: String,
    /// What it is when it has no fields.
    kind: Option<Kind>,
    fields: Vec<Field>,
}

struct Field {
    name: String,
    kind: Kind,
    required: bool,
    about: String,
}

/// A type in words, with the schema it names.
#[derive(Default)]
struct Kind {
    before: String,
    /// The name of a schema on this page.
    link: Option<String>,
    after: String,
}

impl Kind {
    fn words(text: impl Into<String>) -> Self {
        Self { before: text.into(), ..Self::default() }
    }

    fn of(schema: &Value) -> Self {
        if let Some(name) = schema["$ref"].as_str() {
            return Self { link: name.rsplit('/').next().map(str::to_owned), ..Self::default() };
        }
        if let Some(several) = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array()) {
            let nullable = several.iter().any(|one| one["type"] == "null");
            let mut kinds: Vec<Self> = several.iter().filter(|one| one["type"] != "null").map(Self::of).collect();
            let mut kind =
                if kinds.len() == 1 { kinds.remove(0) } else { Self::words(kinds.iter().map(Self::text).collect::<Vec<_>>().join(" or ")) };
            if nullable {
                kind.after.push_str(" or null");
            }
            return kind;
        }
        if let Some(words) = schema["enum"].as_array() {
            let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
            return Self::words(words.join(" | "));
        }
        let names: Vec<&str> = match &schema["type"] {
            Value::String(name) => vec![name],
            Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
            _ => return Self::words("anything"),
        };
        let nullable = names.contains(&"null");
        let mut kind = match names.iter().find(|name| **name != "null").copied().unwrap_or("null") {
            "array" => {
                let items = Self::of(&schema["items"]);
                Self { before: format!("list of {}", items.before), ..items }
            }
            "object" if schema["additionalProperties"].is_object() => {
                let values = Self::of(&schema["additionalProperties"]);
                Self { before: format!("object of {}", values.before), ..values }
            }
            name => match schema["format"].as_str() {
                Some("date-time") => Self::words("moment"),
                _ => Self::words(name),
            },
        };
        if nullable {
            kind.after.push_str(" or null");
        }
        kind
    }

    fn text(&self) -> String {
        format!("{}{}{}", self.before, self.link.as_deref().unwrap_or_default(), self.after)
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

impl DocsPage {
    fn new(document: &Value) -> Self {
        let mut groups: Vec<Group> = document["tags"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|tag| Group { name: text(&tag["name"]), about: text(&tag["description"]), operations: Vec::new() })
            .collect();
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            for method in ["get", "post", "patch", "put", "delete"] {
                let Some(operation) = item.get(method) else { continue };
                let tag = operation["tags"][0].as_str().unwrap_or_default();
                if let Some(group) = groups.iter_mut().find(|group| group.name == tag) {
                    group.operations.push(Operation::new(path, method, operation));
                }
            }
        }
        let schemas = document["components"]["schemas"].as_object().into_iter().flatten();
        let schemas = schemas.map(|(name, schema)| Schema::new(name, schema)).collect();
        Self {
            title: text(&document["info"]["title"]),
            version: text(&document["info"]["version"]),
            intro: text(&document["info"]["description"]),
            groups,
            schemas,
        }
    }
}

impl Operation {
    fn new(path: &str, method: &str, operation: &Value) -> Self {
        let parameter = |parameter: &Value| Field {
            name: text(&parameter["name"]),
            kind: Kind::of(&parameter["schema"]),
            required: parameter["required"] == true,
            about: text(&parameter["description"]),
        };
        let answer = |(status, answer): (&String, &Value)| Answer {
            status: status.clone(),
            about: text(&answer["description"]),
            kind: answer["content"].as_object().and_then(|content| content.values().next()).map(|content| Kind::of(&content["schema"])),
        };
        Self {
            id: text(&operation["operationId"]),
            method: method.to_uppercase(),
            path: path.to_owned(),
            summary: text(&operation["summary"]),
            about: text(&operation["description"]),
            open: operation["security"]
                .as_array()
                .is_some_and(|security| security.iter().all(|one| one.as_object().is_some_and(|one| one.is_empty()))),
            parameters: operation["parameters"].as_array().into_iter().flatten().map(parameter).collect(),
            body: operation["requestBody"]["content"].get("application/json").map(|content| Kind::of(&content["schema"])),
            responses: operation["responses"].as_object().into_iter().flatten().map(answer).collect(),
        }
    }
}

impl Schema {
    fn new(name: &str, schema: &Value) -> Self {
        let mut fields = Vec::new();
        // A flattened struct is an `allOf` of what it holds and what it adds.
        let parts: Vec<&Value> = schema["allOf"].as_array().map_or_else(|| vec![schema], |parts| parts.iter().collect());
        let mut kind = None;
        for part in parts {
            let required = part["required"].as_array();
            for (name, field) in part["properties"].as_object().into_iter().flatten() {
                fields.push(Field {
                    name: name.clone(),
                    kind: Kind::of(field),
                    required: required.is_some_and(|required| required.iter().any(|one| one == name)),
                    about: text(&field["description"]),
                });
            }
            if part["properties"].is_null() {
                kind = Some(Kind::of(part));
            }
        }
        Self { name: name.to_owned(), about: text(&schema["description"]), kind, fields }
    }
}
