//! What a database error means to its caller: a rule of the schema was broken, or nobody is there to ask.

use sqlx::error::ErrorKind;

/// The name of the unique, foreign-key, check or exclusion constraint that `err` violates.
///
/// Uniqueness lives in the database; a form turns `agents_email_key` into a message beside its field.
pub fn on_constraint(err: &sqlx::Error) -> Option<&str> {
    let database = err.as_database_error()?;
    match database.kind() {
        ErrorKind::UniqueViolation | ErrorKind::ForeignKeyViolation | ErrorKind::CheckViolation | ErrorKind::ExclusionViolation => {
            database.constraint()
        }
        _ => None,
    }
}

/// Whether the database is away rather than the statement wrong: callers answer 503 or SMTP 451 and the other side tries again.
///
/// A statement that ran into its time-out is not that: it would be as slow the next time.
pub fn is_unavailable(err: &sqlx::Error) -> bool {
    match err {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(database) => database.code().is_some_and(|code| is_away(&code)),
        _ => false,
    }
}

/// Whether two transactions crossed (the same row made twice, a serialisation failure, a deadlock): a new one sees what the other did.
pub fn is_crossing(err: &sqlx::Error) -> bool {
    err.as_database_error().and_then(|database| database.code()).is_some_and(|code| matches!(&*code, "23505" | "40001" | "40P01"))
}

/// SQLSTATEs of a server that stops, starts, is full, or has become a standby in a failover.
fn is_away(code: &str) -> bool {
    // 08: connection exceptions; 57P01..3: admin and crash shutdown, starting up; 53300: too many connections; 25006: read-only
    code.starts_with("08") || matches!(code, "57P01" | "57P02" | "57P03" | "57P05" | "53300" | "25006")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_an_absent_database_from_a_wrong_statement() {
        assert!(is_unavailable(&sqlx::Error::PoolTimedOut));
        assert!(is_unavailable(&sqlx::Error::Io(std::io::ErrorKind::ConnectionRefused.into())));
        assert!(!is_unavailable(&sqlx::Error::RowNotFound));
        for away in ["57P01", "57P03", "08006", "53300"] {
            assert!(is_away(away), "{away}");
        }
        for here in ["23505", "57014", "42P01"] {
            assert!(!is_away(here), "{here}");
        }
        assert_eq!(on_constraint(&sqlx::Error::RowNotFound), None);
    }
}
