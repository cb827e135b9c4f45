//! The shop's one colour, made into the handful that the style sheets need, so that words stay legible whatever colour a shop has.

use std::fmt;

/// The least contrast of words on their ground (WCAG 2.2, 1.4.3).
const WORDS: f64 = 4.5;
/// The least contrast of a filled button with the page: it has a label, so this is for the eye only.
const FILLED: f64 = 1.3;

/// One colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Colour([u8; 3]);

const WHITE: Colour = Colour([0xff; 3]);
/// Near black, as the light theme's ink.
const INK: Colour = Colour([0x1b, 0x1c, 0x1e]);
const BLACK: Colour = Colour([0; 3]);

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [r, g, b] = self.0;
        write!(f, "#{r:02x}{g:02x}{b:02x}")
    }
}

impl Colour {
    /// Reads `#rrggbb`.
    fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
        let mut bytes = [0; 3];
        hex::decode_to_slice(digits, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// Relative luminance (WCAG 2.2), 0 to 1.
    fn luminance(self) -> f64 {
        let [r, g, b] = self.0.map(|byte| {
            let part = f64::from(byte) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    /// Contrast ratio (WCAG 2.2), 1 to 21.
    fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// `percent` of `other` mixed into this colour.
    fn mix(self, other: Self, percent: u8) -> Self {
        let part = |index: usize| {
            let (own, theirs) = (u32::from(self.0[index]), u32::from(other.0[index]));
            let sum = own * u32::from(100 - percent) + theirs * u32::from(percent);
            u8::try_from((sum + 50) / 100).unwrap_or(u8::MAX)
        };
        Self([part(0), part(1), part(2)])
    }

    /// The first mixture towards `end` that contrasts enough with every one of `others`.
    fn until(self, end: Self, others: &[Self], least: f64) -> Self {
        (0..100)
            .map(|percent| self.mix(end, percent))
            .find(|mixed| others.iter().all(|other| mixed.contrast(*other) >= least))
            .unwrap_or(end)
    }
}

/// What one theme of the style sheets is made of; the same colours stand in `static/css/app.css` and `customer.css`.
struct Theme {
    /// What accent-coloured words stand on.
    grounds: &'static [&'static str],
    surface: &'static str,
    /// What stands on the soft accent besides: quiet words and the meanings.
    words: &'static [&'static str],
    /// Most of the accent that the soft ground may hold, in percent.
    soft: u8,
    /// Where words go to be legible.
    end: Colour,
}

const LIGHT: Theme = Theme {
    grounds: &["#f5f5f3", "#ffffff", "#ecece9", "#e7eef0"],
    surface: "#ffffff",
    words: &["#666a71", "#8f4a00", "#b3211b", "#1c6b3a"],
    soft: 12,
    end: BLACK,
};
const DARK: Theme = Theme {
    grounds: &["#131416", "#1a1b1e", "#232529", "#26282c"],
    surface: "#1a1b1e",
    words: &["#969aa1", "#f0b061", "#ff938b", "#7ccf98"],
    soft: 24,
    end: WHITE,
};

/// The style sheet that puts the shop's colour into both themes.
pub fn style(accent: &str) -> String {
    let accent = Colour::parse(accent).unwrap_or(Colour([0x0f, 0x6f, 0xde]));
    format!(":root{{{}}}@media (prefers-color-scheme:dark){{:root{{{}}}}}", rules(accent, &LIGHT), rules(accent, &DARK))
}

fn rules(accent: Colour, theme: &Theme) -> String {
    let read = |texts: &[&str]| -> Vec<Colour> { texts.iter().filter_map(|text| Colour::parse(text)).collect() };
    let surface = read(&[theme.surface]);
    let words = read(theme.words);
    let filled = accent.until(theme.end, &surface, FILLED);
    // White if it can be; black itself only for the few in the middle that near black is not enough for.
    let on = [WHITE, INK].into_iter().find(|on| filled.contrast(*on) >= WORDS).unwrap_or(BLACK);
    // Away from the words on it, so that they only gain.
    let hover = filled.mix(if on == WHITE { BLACK } else { WHITE }, 16);
    let base = surface.first().copied().unwrap_or(WHITE);
    let soft =
        (0..=theme.soft).rev().map(|percent| base.mix(filled, percent)).find(|soft| words.iter().all(|word| word.contrast(*soft) >= WORDS));
    let soft = soft.unwrap_or(base);
    let mut grounds = read(theme.grounds);
    grounds.push(soft);
    let ink = accent.until(theme.end, &grounds, WORDS);
    format!("--accent:{filled};--accent-hover:{hover};--on-accent:{on};--accent-ink:{ink};--accent-soft:{soft};--link:{ink}")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at once")]
mod tests {
    use super::*;

    /// The value of a custom property in the light or the dark half.
    fn value(css: &str, dark: bool, name: &str) -> Colour {
        let (light_half, dark_half) = css.split_once("@media").unwrap();
        let half = if dark { dark_half } else { light_half };
        let from = half.split_once(&format!("--{name}:")).unwrap().1;
        Colour::parse(&from[..7]).unwrap()
    }

    #[test]
    fn every_accent_is_legible_in_both_themes() {
        let steps = [0x00, 0x33, 0x66, 0x80, 0x99, 0xcc, 0xff];
        for r in steps {
            for g in steps {
                for b in steps {
                    let accent = Colour([r, g, b]).to_string();
                    let css = style(&accent);
                    for (dark, theme) in [(false, &LIGHT), (true, &DARK)] {
                        let get = |name| value(&css, dark, name);
                        let (filled, on, ink, soft) = (get("accent"), get("on-accent"), get("accent-ink"), get("accent-soft"));
                        assert!(filled.contrast(on) >= WORDS, "{accent}: {on} on {filled}");
                        assert!(get("accent-hover").contrast(on) >= WORDS, "{accent}: {on} on the hovered {filled}");
                        for ground in theme.grounds.iter().map(|text| Colour::parse(text).unwrap()).chain([soft]) {
                            assert!(ink.contrast(ground) >= WORDS, "{accent}: {ink} on {ground}");
                        }
                        for word in theme.words {
                            assert!(Colour::parse(word).unwrap().contrast(soft) >= WORDS, "{accent}: {word} on {soft}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_colour_that_works_is_left_alone() {
        let css = style("#0b5e6f");
        assert_eq!(value(&css, false, "accent").to_string(), "#0b5e6f");
        assert_eq!(value(&css, false, "accent-ink").to_string(), "#0b5e6f");
        assert_eq!(value(&css, false, "on-accent"), WHITE);
        assert_eq!(value(&style("#ffd400"), false, "on-accent"), INK);
    }

    #[test]
    fn contrast_is_as_the_standard_has_it() {
        assert!((BLACK.contrast(WHITE) - 21.0).abs() < 1e-9);
        assert!((Colour::parse("#767676").unwrap().contrast(WHITE) - 4.54).abs() < 0.01);
        assert_eq!(style("red; } body { display: none"), style("#0f6fde"));
    }

    #[test]
    fn the_grounds_are_those_of_the_style_sheets() {
        let css = include_str!("../../static/css/app.css");
        for text in [LIGHT.words, DARK.words, &LIGHT.grounds[..3], DARK.grounds].concat() {
            assert!(css.contains(text), "{text} is not a colour of app.css");
        }
    }
}
