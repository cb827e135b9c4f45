//! Forms with files, read whole and within bounds.

use axum::RequestExt as _;
use axum::extract::multipart::MultipartError;
use axum::extract::{FromRequest, Multipart, Request};
use http::{StatusCode, header};

use crate::desk::envelope::IncomingFile;
use crate::desk::files::{MAX_FILE, MAX_FILES};
use crate::http::Error;

/// Text fields of one form, all together, in bytes.
const MAX_TEXT: usize = 1024 * 1024;

/// A sent form, with or without files. What is wrong with a file is told beside the others, so that nothing typed is lost.
#[derive(Debug, Default)]
pub struct Parts {
    fields: Vec<(String, String)>,
    pub files: Vec<IncomingFile>,
    /// Files that were too large or too many, by name.
    pub refused: Vec<String>,
}

impl Parts {
    /// The first value of a field; empty when there is none.
    pub fn text(&self, name: &str) -> &str {
        self.fields.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// Every value of a field.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Every value of a field that is a number of the wanted kind.
    pub fn ids<T: std::str::FromStr>(&self, name: &str) -> Vec<T> {
        self.all(name).filter_map(|value| value.parse().ok()).collect()
    }
}

impl<S: Send + Sync> FromRequest<S> for Parts {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let mut parts = Self::default();
        if !kind.starts_with("multipart/form-data") {
            let body = request.extract::<bytes::Bytes, _>().await.map_err(|_| too_large())?;
            parts.fields = url::form_urlencoded::parse(&body).into_owned().map(|(key, value)| (key, clean(&value))).collect();
            return Ok(parts);
        }
        let mut multipart = Multipart::from_request(request, state).await.map_err(|error| Error::BadRequest(error.body_text()))?;
        let mut text = 0;
        while let Some(mut field) = multipart.next_field().await.map_err(broken)? {
            let name = field.name().unwrap_or_default().to_owned();
            match field.file_name().map(str::to_owned) {
                None => {
                    let value = field.text().await.map_err(broken)?;
                    text += value.len();
                    if text > MAX_TEXT {
                        return Err(too_large());
                    }
                    parts.fields.push((name, clean(&value)));
                }
                // An empty file field of a browser.
                Some(file) if file.is_empty() => {}
                Some(file) => {
                    let mut bytes = Vec::new();
                    let mut fits = parts.files.len() < MAX_FILES;
                    while let Some(chunk) = field.chunk().await.map_err(broken)? {
                        fits = fits && bytes.len() + chunk.len() <= MAX_FILE;
                        if fits {
                            bytes.extend_from_slice(&chunk);
                        }
                    }
                    let file_name = safe_name(&file);
                    if !fits {
                        parts.refused.push(file_name);
                    } else if !bytes.is_empty() {
                        let media_type = media_type(&file_name, &bytes);
                        parts.files.push(IncomingFile { name: file_name, media_type, bytes, content_id: None, inline: false });
                    }
                }
            }
        }
        Ok(parts)
    }
}

/// Line ends as Postgres and mails want them; NUL, which Postgres refuses, left out.
pub fn clean(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\0', "")
}

/// What a file is, by its content where that tells, else by its name; never by what the browser claims.
pub fn media_type(name: &str, bytes: &[u8]) -> String {
    match infer::get(bytes) {
        Some(kind) if kind.mime_type() != "application/zip" => kind.mime_type().to_owned(),
        _ => mime_guess::from_path(name).first_or_octet_stream().essence_str().to_owned(),
    }
}

/// A file name without folders and control characters.
pub fn safe_name(name: &str) -> String {
    let name: String = name.rsplit(['/', '\\']).next().unwrap_or_default().chars().filter(|c| !c.is_control()).take(150).collect();
    let name = name.trim().trim_start_matches('.');
    if name.is_empty() { "file".to_owned() } else { name.to_owned() }
}

fn broken(error: MultipartError) -> Error {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        too_large()
    } else {
        Error::BadRequest("The form did not arrive complete. Please send it again.".into())
    }
}

fn too_large() -> Error {
    Error::BadRequest("This is more than can be sent at once. Please send fewer or smaller files.".into())
}
