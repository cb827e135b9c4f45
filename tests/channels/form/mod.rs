//! Contact forms and the customer's own page, over HTTP.

mod editor;
mod following;
mod receipt;
mod sending;

use serde_json::{Value, json};

/// A form in two languages with one of everything.
fn shop_form() -> Value {
    json!({
        "titles": { "it": "Come possiamo aiutarLa?", "en": "How can we help?" },
        "languages": ["it", "en"],
        "topics": [
            { "key": "return", "labels": { "it": "Reso", "en": "Return" }, "tags": ["return"] },
            { "key": "other", "labels": { "it": "Altro", "en": "Something else" } },
        ],
        "fields": [
            { "key": "size", "kind": "select", "required": true, "labels": { "it": "Misura", "en": "Size" }, "options": [{ "it": "Piccola", "en": "Small" }, { "it": "Grande", "en": "Large" }] },
            { "key": "phone", "kind": "phone", "labels": { "it": "Telefono", "en": "Phone" } },
            { "key": "pairs", "kind": "number", "labels": { "it": "Paia", "en": "Pairs" } },
        ],
        "consent": { "it": "Accetto", "en": "I agree" },
    })
}

/// What a customer types who gets everything right.
const RIGHT: [(&str, &str); 8] = [
    ("name", "Anna Verdi"),
    ("email", "Anna@Example.it"),
    ("topic", "return"),
    ("order", "BG-1042"),
    ("f-size", "1"),
    ("f-phone", "+39 333 1234567"),
    ("message", "Buongiorno,\nvorrei rendere gli stivali."),
    ("consent", "1"),
];

const PNG: &[u8] = &[0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d];

/// The same with something else in some fields.
fn but<'a>(changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    RIGHT.into_iter().filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name)).chain(changes.iter().copied()).collect()
}
