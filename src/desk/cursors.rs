//! Where a page of a list ended, so that the next one goes on there whatever has come in since.

use std::fmt;
use std::str::FromStr;

use crate::clock::Ts;

/// The column that orders a list, and the id that decides between equals. In an address: `1791000000000000.4711`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor<I> {
    /// In microseconds since 1970; `None`, as `-`, stands for the rows without a moment.
    pub at: Option<i64>,
    pub id: I,
}

impl<I> Cursor<I> {
    /// Of the last row of a page.
    pub fn new(at: Option<Ts>, id: I) -> Self {
        Self { at: at.map(|at| at.0.as_microsecond()), id }
    }

    /// The moment at which the page ended.
    pub fn ts(&self) -> Option<Ts> {
        self.at.and_then(|at| jiff::Timestamp::from_microsecond(at).ok()).map(Ts)
    }
}

impl<I: fmt::Display> fmt::Display for Cursor<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Some(at) => write!(f, "{at}.{}", self.id),
            None => write!(f, "-.{}", self.id),
        }
    }
}

impl<I: FromStr> FromStr for Cursor<I> {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (at, id) = text.split_once('.').ok_or(())?;
        let at = if at == "-" { None } else { Some(at.parse().map_err(|_| ())?) };
        Ok(Self { at, id: id.parse().map_err(|_| ())? })
    }
}

/// Cuts rows that were read with one more than a page holds; where it goes on, `None` on the last page.
pub fn cut<R, I>(rows: &mut Vec<R>, page: usize, of: impl FnOnce(&R) -> Cursor<I>) -> Option<Cursor<I>> {
    let more = rows.len() > page;
    rows.truncate(page);
    rows.last().filter(|_| more).map(of)
}
