//! What the shop is called, where it is and how it looks.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use serde::Deserialize;

use crate::app::App;
use crate::desk::agents::Admin;
use crate::desk::changes::Change;
use crate::desk::directory::{self, Shop};
use crate::http::assets::is_colour;
use crate::http::flash::Flash;
use crate::http::page::Shell;
use crate::http::problems::Problems;
use crate::http::{Form, Result};
use crate::i18n::Language;

/// The routes of this page.
pub fn router() -> Router<App> {
    Router::new().route("/settings/shop", get(show).post(save))
}

#[derive(Template)]
#[template(path = "screens/settings/shop.html")]
struct ShopPage<'a> {
    shell: &'a Shell,
    form: ShopForm,
    problems: Problems,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ShopForm {
    name: String,
    time_zone: String,
    language: String,
    accent: String,
}

impl ShopForm {
    fn of(shop: &Shop) -> Self {
        Self {
            name: shop.shop_name.clone(),
            time_zone: shop.time_zone.clone(),
            language: shop.language.clone(),
            accent: shop.accent.clone(),
        }
    }

    fn check(&self) -> Result<Shop, Problems> {
        let mut problems = Problems::default();
        let name = self.name.trim();
        if name.is_empty() {
            problems.add("name", "Enter the name that customers know.");
        } else if name.chars().count() > 100 {
            problems.add("name", "Use at most 100 characters.");
        }
        let zone = jiff::tz::TimeZone::get(self.time_zone.trim()).ok().and_then(|zone| zone.iana_name().map(str::to_owned));
        if zone.is_none() {
            problems.add("time_zone", "Choose a place from the list, such as Europe/Rome.");
        }
        let language = Language::ALL.into_iter().find(|language| language.code() == self.language);
        if language.is_none() {
            problems.add("language", "Choose one of the languages.");
        }
        let accent = self.accent.trim().to_lowercase();
        if !is_colour(&accent) {
            problems.add("accent", "Enter a colour as # and six digits, such as #0f6fde.");
        }
        match (zone, language) {
            (Some(time_zone), Some(language)) if !problems.any() => {
                Ok(Shop { shop_name: name.to_owned(), time_zone, language: language.code().to_owned(), accent })
            }
            _ => Err(problems),
        }
    }
}

/// Every place that has a clock of its own.
pub(super) fn zones() -> Vec<String> {
    let mut zones: Vec<String> =
        jiff::tz::db().available().map(|zone| zone.as_str().to_owned()).filter(|zone| zone.contains('/')).collect();
    zones.sort_unstable();
    zones
}

impl ShopPage<'_> {
    fn languages(&self) -> Vec<(&'static str, &'static str)> {
        Language::ALL.into_iter().map(|language| (language.code(), language.own_name())).collect()
    }

    fn zones(&self) -> Vec<String> {
        zones()
    }

    /// The time there now, so that a wrong place is seen at once.
    fn time_there(&self) -> Option<String> {
        let zone = jiff::tz::TimeZone::get(self.form.time_zone.trim()).ok()?;
        Some(jiff::Timestamp::now().to_zoned(zone).strftime("%H:%M").to_string())
    }

    /// How well white letters can be read on the colour.
    fn contrast(&self) -> Option<Contrast> {
        contrast_to_white(&self.form.accent).map(Contrast)
    }
}

/// The contrast of a colour to white letters, 1 to 21.
#[derive(Debug, Clone, Copy)]
struct Contrast(f64);

impl Contrast {
    /// WCAG 2.2 AA for letters of this size.
    fn good(self) -> bool {
        self.0 >= 4.5
    }

    fn words(self) -> String {
        let ratio = format!("{:.1}", self.0);
        if self.good() {
            format!("White letters on it are easy to read ({ratio} : 1).")
        } else {
            format!("White letters on it are hard to read ({ratio} : 1; 4.5 is the least that everyone can read). Choose a darker colour.")
        }
    }
}

/// The contrast ratio of WCAG 2.2 between `#rrggbb` and white.
fn contrast_to_white(colour: &str) -> Option<f64> {
    let colour = colour.trim();
    if !is_colour(colour) {
        return None;
    }
    let channel = |at: usize| {
        let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap_or(0)) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    let luminance = 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
    Some(1.05 / (luminance + 0.05))
}

async fn show(_: Admin, shell: Shell) -> Result<Response> {
    let form = ShopForm::of(&shell.directory.shop);
    shell.render(&ShopPage { shell: &shell, form, problems: Problems::default() })
}

async fn save(State(app): State<App>, _: Admin, shell: Shell, Form(form): Form<ShopForm>) -> Result<Response> {
    let shop = match form.check() {
        Ok(shop) => shop,
        Err(problems) => return shell.render_as(StatusCode::UNPROCESSABLE_ENTITY, &ShopPage { shell: &shell, form, problems }),
    };
    let mut change = Change::begin(&app).await?;
    directory::update_shop(&mut change, &shop).await?;
    change.touch_settings();
    change.commit().await?;
    Ok(Flash::new("Saved.").redirect("/settings/shop"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_follows_the_standard() {
        assert_eq!(contrast_to_white("#000000").map(f64::round), Some(21.0));
        assert_eq!(contrast_to_white("#ffffff").map(f64::round), Some(1.0));
        assert!(contrast_to_white("#767676").is_some_and(|ratio| (4.5..4.6).contains(&ratio)));
        assert_eq!(contrast_to_white("#12345é"), None);
    }

    #[test]
    fn a_place_must_exist() {
        let good =
            ShopForm { name: " Espressohaus ".into(), time_zone: "europe/rome".into(), language: "de".into(), accent: "#0F6FDE".into() };
        let shop = good.check().expect("valid");
        assert_eq!((shop.shop_name.as_str(), shop.time_zone.as_str(), shop.accent.as_str()), ("Espressohaus", "Europe/Rome", "#0f6fde"));
        let bad = ShopForm { time_zone: "Europe/Atlantis".into(), accent: "red; }".into(), ..ShopForm::default() };
        let problems = bad.check().expect_err("nothing is right");
        assert!(["name", "time_zone", "language", "accent"].iter().all(|field| problems.of(field).is_some()));
    }
}
