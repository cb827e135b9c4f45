//! Templates that Meta has approved: what may be sent when the time for free answers is over. Fetched, filled in, previewed.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::channels::whatsapp::send::Api;
use crate::channels::wire::Way;
use crate::desk::networks::Fault;

/// Pages that are fetched at most, of a hundred templates each.
const PAGES: usize = 30;

/// An approved template in one language.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    pub id: String,
    pub name: String,
    /// As Meta writes it: `it`, `pt_BR`.
    pub language: String,
    /// `UTILITY`, `MARKETING`, `AUTHENTICATION`.
    pub category: String,
    pub header: Option<Header>,
    /// With its places: `Ciao {{1}}`.
    pub body: String,
    pub footer: String,
    pub buttons: Vec<Button>,
    /// What has to be filled in, in the order of reading.
    pub variables: Vec<Variable>,
}

/// What stands above the text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "format", content = "text", rename_all = "snake_case")]
pub enum Header {
    Text(String),
    Image,
    Video,
    Document,
    /// A kind that is not filled in here, by Meta's name.
    Other(String),
}

/// What can be pressed below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    /// `QUICK_REPLY`, `URL`, `PHONE_NUMBER`, `COPY_CODE` …
    pub kind: String,
    pub text: String,
    /// With its place at the end, if it has one: `https://shop.example/o/{{1}}`.
    pub url: Option<String>,
}

/// Something to fill in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variable {
    pub place: Place,
    /// `1`, or a name.
    pub name: String,
    /// What was given for it when the template was approved.
    pub example: String,
}

/// Where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "place", content = "index", rename_all = "snake_case")]
pub enum Place {
    Header,
    /// A web address of the picture, film or document above the text.
    HeaderFile,
    Body,
    /// The end of a button's web address, or the code that it copies.
    Button(usize),
}

/// A template, filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filled {
    /// What the customer reads: the body of the answer.
    pub words: String,
    /// For [`crate::desk::networks::say::Outlet::template`]: exactly what Meta takes as `template`.
    pub json: Value,
}

/// Why a template cannot be sent like this.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FillError {
    /// Which of [`Template::variables`].
    #[error("fill in {name}")]
    Missing { index: usize, name: String },
    /// Meta takes no line breaks, tabs, or more than four spaces in a row.
    #[error("{name} must be one line")]
    Lines { index: usize, name: String },
    #[error("{name} must be a web address that begins with https://")]
    Address { index: usize, name: String },
    #[error("its header ({0}) cannot be filled in here")]
    Header(String),
}

/// The approved templates of the channel's business account, by name and language.
pub async fn templates(way: &Way<'_>) -> Result<Vec<Template>, Fault> {
    let api = Api::new(way);
    if api.settings.waba_id.is_empty() {
        return Err(Fault::Permanent("Enter the id of the WhatsApp Business Account first.".to_owned()));
    }
    let path = format!("{}/message_templates", api.settings.waba_id);
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    let mut after = String::new();
    for _ in 0..PAGES {
        let mut query = vec![("limit", "100")];
        if !after.is_empty() {
            query.push(("after", &after));
        }
        let page = api.get(&path, &query).await?;
        let new = page["data"].as_array().into_iter().flatten().filter_map(read);
        found.extend(new.filter(|template| seen.insert((template.name.clone(), template.language.clone()))));
        // A cursor stands on the last page too; what says that there is more is the address of the next.
        match page["paging"]["cursors"]["after"].as_str() {
            Some(next) if !next.is_empty() && next != after && page["paging"]["next"].is_string() => after = next.to_owned(),
            _ => break,
        }
    }
    found.sort_by(|a, b| (&a.name, &a.language).cmp(&(&b.name, &b.language)));
    Ok(found)
}

/// A template as Meta lists it; `None`: not approved, or without a name.
pub fn read(value: &Value) -> Option<Template> {
    let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
    if !text("status").eq_ignore_ascii_case("APPROVED") || text("name").is_empty() {
        return None;
    }
    let mut template = Template {
        id: value["id"].as_str().map_or_else(|| value["id"].to_string(), str::to_owned),
        name: text("name"),
        language: text("language"),
        category: text("category"),
        ..Template::default()
    };
    for component in value["components"].as_array().into_iter().flatten() {
        let words = component["text"].as_str().unwrap_or_default();
        let example = &component["example"];
        match component["type"].as_str().unwrap_or_default().to_uppercase().as_str() {
            "HEADER" => read_header(&mut template, component, words, example),
            "BODY" => {
                words.clone_into(&mut template.body);
                let named = &example["body_text_named_params"];
                template.variables.extend(variables(Place::Body, words, &example["body_text"][0], named));
            }
            "FOOTER" => words.clone_into(&mut template.footer),
            "BUTTONS" => read_buttons(&mut template, &component["buttons"]),
            _ => {}
        }
    }
    Some(template)
}

fn read_header(template: &mut Template, component: &Value, words: &str, example: &Value) {
    let file = |header: Header, name: &str| {
        let example = example["header_handle"][0].as_str().unwrap_or_default().to_owned();
        (header, vec![Variable { place: Place::HeaderFile, name: name.to_owned(), example }])
    };
    let (header, variables) = match component["format"].as_str().unwrap_or("TEXT").to_uppercase().as_str() {
        "TEXT" => {
            let found = variables(Place::Header, words, &example["header_text"], &example["header_text_named_params"]);
            (Header::Text(words.to_owned()), found)
        }
        "IMAGE" => file(Header::Image, "image"),
        "VIDEO" => file(Header::Video, "video"),
        "DOCUMENT" => file(Header::Document, "document"),
        other => (Header::Other(other.to_lowercase()), Vec::new()),
    };
    template.header = Some(header);
    template.variables.extend(variables);
}

fn read_buttons(template: &mut Template, buttons: &Value) {
    for (index, button) in buttons.as_array().into_iter().flatten().enumerate() {
        let text = |key: &str| button[key].as_str().unwrap_or_default().to_owned();
        let kind = text("type").to_uppercase();
        let example = button["example"][0].as_str().or_else(|| button["example"].as_str()).unwrap_or_default().to_owned();
        let url = button["url"].as_str().map(str::to_owned);
        let open = match &*kind {
            "COPY_CODE" => Some("code".to_owned()),
            "URL" => url.as_deref().and_then(|url| places(url).into_iter().next()),
            _ => None,
        };
        template.variables.extend(open.map(|name| Variable { place: Place::Button(index), name, example }));
        template.buttons.push(Button { kind, text: text("text"), url });
    }
}

/// The names between double braces, each once, in the order of reading.
fn places(text: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some((_, tail)) = rest.split_once("{{") {
        let Some((name, tail)) = tail.split_once("}}") else { break };
        let name = name.trim().to_owned();
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
        rest = tail;
    }
    names
}

fn variables(place: Place, text: &str, examples: &Value, named: &Value) -> Vec<Variable> {
    let names = places(text).into_iter().enumerate();
    let example = |at: usize, name: &str| {
        let by_name = named.as_array().into_iter().flatten().find(|one| one["param_name"].as_str() == Some(name));
        let found = by_name.map(|one| &one["example"]).unwrap_or(&examples[at]);
        found.as_str().unwrap_or_default().to_owned()
    };
    names.map(|(at, name)| Variable { place, example: example(at, &name), name }).collect()
}

impl Template {
    /// Fills in what stands in [`Template::variables`], in the same order.
    ///
    /// # Errors
    /// The first thing that is missing or does not fit.
    pub fn fill(&self, values: &[String]) -> Result<Filled, FillError> {
        if let Some(Header::Other(kind)) = &self.header {
            return Err(FillError::Header(kind.clone()));
        }
        let mut given = Vec::with_capacity(self.variables.len());
        for (index, variable) in self.variables.iter().enumerate() {
            let value = values.get(index).map(|value| value.trim()).unwrap_or_default();
            let name = self.label(variable);
            if value.is_empty() {
                return Err(FillError::Missing { index, name });
            }
            if value.contains(['\n', '\r', '\t']) || value.contains("     ") {
                return Err(FillError::Lines { index, name });
            }
            if variable.place == Place::HeaderFile && !value.starts_with("https://") {
                return Err(FillError::Address { index, name });
            }
            given.push((variable, value));
        }
        Ok(Filled { words: self.words(&given), json: self.json(&given) })
    }

    /// What a form calls a place.
    pub fn label(&self, variable: &Variable) -> String {
        match variable.place {
            Place::Header => format!("header {{{{{}}}}}", variable.name),
            Place::HeaderFile => format!("address of the {}", variable.name),
            Place::Body => format!("{{{{{}}}}}", variable.name),
            Place::Button(index) => format!("button “{}”", self.buttons.get(index).map(|button| &*button.text).unwrap_or_default()),
        }
    }

    fn words(&self, given: &[(&Variable, &str)]) -> String {
        let header = match &self.header {
            Some(Header::Text(text)) => put(text, given, Place::Header),
            Some(_) => {
                given.iter().find(|(variable, _)| variable.place == Place::HeaderFile).map(|(_, url)| *url).unwrap_or_default().to_owned()
            }
            None => String::new(),
        };
        let button = |(index, button): (usize, &Button)| {
            let url = button.url.as_deref().map(|url| put(url, given, Place::Button(index)));
            url.map_or_else(|| format!("[{}]", button.text), |url| format!("[{}] {url}", button.text))
        };
        let buttons = self.buttons.iter().enumerate().map(button).collect::<Vec<_>>().join("\n");
        let blocks = [header, put(&self.body, given, Place::Body), self.footer.clone(), buttons];
        blocks.into_iter().filter(|block| !block.is_empty()).collect::<Vec<_>>().join("\n\n")
    }

    fn json(&self, given: &[(&Variable, &str)]) -> Value {
        let of = |place: Place| given.iter().filter(move |(variable, _)| variable.place == place);
        let parameter = |(variable, value): &(&Variable, &str)| {
            let mut parameter = json!({ "type": "text", "text": value });
            if variable.name.bytes().any(|byte| !byte.is_ascii_digit()) {
                parameter["parameter_name"] = json!(variable.name);
            }
            parameter
        };
        let mut components = Vec::new();
        let file = |(variable, url): &(&Variable, &str)| json!({ "type": variable.name, &variable.name: { "link": url } });
        let header: Vec<Value> = of(Place::Header).map(parameter).chain(of(Place::HeaderFile).map(file)).collect();
        if !header.is_empty() {
            components.push(json!({ "type": "header", "parameters": header }));
        }
        let body: Vec<Value> = of(Place::Body).map(parameter).collect();
        if !body.is_empty() {
            components.push(json!({ "type": "body", "parameters": body }));
        }
        for (index, button) in self.buttons.iter().enumerate() {
            for (_, value) in of(Place::Button(index)) {
                let (kind, parameter) = match &*button.kind {
                    "COPY_CODE" => ("copy_code", json!({ "type": "coupon_code", "coupon_code": value })),
                    _ => ("url", json!({ "type": "text", "text": value })),
                };
                components.push(json!({ "type": "button", "sub_type": kind, "index": index.to_string(), "parameters": [parameter] }));
            }
        }
        let mut template = json!({ "name": self.name, "language": { "code": self.language } });
        if !components.is_empty() {
            template["components"] = json!(components);
        }
        template
    }
}

/// A text with its places filled in.
fn put(text: &str, given: &[(&Variable, &str)], place: Place) -> String {
    let mut whole = String::new();
    let mut rest = text;
    while let Some((head, tail)) = rest.split_once("{{") {
        let Some((name, tail)) = tail.split_once("}}") else { break };
        whole.push_str(head);
        let value = given.iter().find(|(variable, _)| variable.place == place && variable.name == name.trim());
        whole.push_str(value.map(|(_, value)| *value).unwrap_or_default());
        rest = tail;
    }
    whole + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order_update() -> Template {
        let listed = json!({
            "id": "9", "name": "order_update", "language": "it", "status": "APPROVED", "category": "UTILITY",
            "components": [
                { "type": "HEADER", "format": "IMAGE", "example": { "header_handle": ["https://example.com/a.jpg"] } },
                { "type": "BODY", "text": "Ciao {{1}}, l’ordine {{2}} è partito, {{1}}.", "example": { "body_text": [["Anna", "4711"]] } },
                { "type": "FOOTER", "text": "Bottega" },
                { "type": "BUTTONS", "buttons": [
                    { "type": "QUICK_REPLY", "text": "Grazie" },
                    { "type": "URL", "text": "Segui", "url": "https://shop.example/o/{{1}}", "example": ["https://shop.example/o/1"] }
                ] }
            ]
        });
        read(&listed).expect("approved")
    }

    #[test]
    fn a_template_is_read_with_its_places() {
        let template = order_update();
        let places: Vec<_> = template.variables.iter().map(|variable| (variable.place, &*variable.name, &*variable.example)).collect();
        assert_eq!(
            places,
            [
                (Place::HeaderFile, "image", "https://example.com/a.jpg"),
                (Place::Body, "1", "Anna"),
                (Place::Body, "2", "4711"),
                (Place::Button(1), "1", "https://shop.example/o/1"),
            ]
        );
        assert_eq!(read(&json!({ "name": "x", "status": "PENDING" })), None);
    }

    #[test]
    fn a_template_is_filled_and_previewed() {
        let values = ["https://shop.example/1.jpg", "Anna", "4711", "abc"].map(str::to_owned);
        let filled = order_update().fill(&values).expect("all is given");
        assert_eq!(
            filled.words,
            "https://shop.example/1.jpg\n\nCiao Anna, l’ordine 4711 è partito, Anna.\n\nBottega\n\n[Grazie]\n[Segui] https://shop.example/o/abc"
        );
        assert_eq!(
            filled.json,
            json!({ "name": "order_update", "language": { "code": "it" }, "components": [
                { "type": "header", "parameters": [{ "type": "image", "image": { "link": "https://shop.example/1.jpg" } }] },
                { "type": "body", "parameters": [{ "type": "text", "text": "Anna" }, { "type": "text", "text": "4711" }] },
                { "type": "button", "sub_type": "url", "index": "1", "parameters": [{ "type": "text", "text": "abc" }] }
            ] })
        );
    }

    #[test]
    fn named_places_keep_their_names() {
        let listed = json!({ "name": "hello", "language": "en_US", "status": "approved", "parameter_format": "NAMED", "components": [
            { "type": "body", "text": "Hi {{first_name}}", "example": { "body_text_named_params": [{ "param_name": "first_name", "example": "Jo" }] } }
        ] });
        let template = read(&listed).expect("approved");
        assert_eq!(template.variables[0].example, "Jo");
        let filled = template.fill(&["Anna".to_owned()]).expect("all is given");
        assert_eq!(filled.words, "Hi Anna");
        assert_eq!(filled.json["components"][0]["parameters"], json!([{ "type": "text", "text": "Anna", "parameter_name": "first_name" }]));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let template = order_update();
        let values = |list: &[&str]| list.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
        let missing = template.fill(&values(&["https://x.example/1.jpg", " ", "4711", "a"]));
        assert_eq!(missing, Err(FillError::Missing { index: 1, name: "{{1}}".to_owned() }));
        let lines = template.fill(&values(&["https://x.example/1.jpg", "a\nb", "4711", "a"]));
        assert!(matches!(lines, Err(FillError::Lines { index: 1, .. })));
        let address = template.fill(&values(&["file.jpg", "Anna", "4711", "a"]));
        assert!(matches!(address, Err(FillError::Address { index: 0, .. })));
        let odd = read(
            &json!({ "name": "x", "status": "APPROVED", "components": [{ "type": "HEADER", "format": "LOCATION" }, { "type": "BODY", "text": "{{" }] }),
        );
        assert_eq!(odd.expect("approved").fill(&[]), Err(FillError::Header("location".to_owned())));
    }
}
