//! What goes wrong between us and the server, and what it means to the operator.

use connect_data::Error;
use std::fmt;

/// Result of talking to the server.
pub(crate) type PgResult<T> = Result<T, Failure>;

/// What the server said in an `ErrorResponse`. Its details stay out: they may hold values of rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ServerError {
    /// SQLSTATE.
    pub(crate) code: String,
    pub(crate) message: String,
}

/// See the module.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The server refuses something.
    Server(ServerError),
    /// The connection is gone or does not come about.
    Io(String),
    /// What came is not the protocol.
    Protocol(String),
    /// An error that is final as it is.
    Final(Error),
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::InvalidData | std::io::ErrorKind::InvalidInput => Self::Protocol(error.to_string()),
            _ => Self::Io(error.to_string()),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Final(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(error) => write!(f, "{} (SQLSTATE {})", error.message, error.code),
            Self::Io(text) | Self::Protocol(text) => f.write_str(text),
            Self::Final(error) => write!(f, "{error}"),
        }
    }
}

/// `ALTER SYSTEM SET` of the list that PostgreSQL's minor versions of August 2026 and later look at.
pub(crate) fn allow_plugin(present: &str) -> String {
    let mut names: Vec<_> = present.split(',').map(|name| name.trim().trim_matches('"')).collect();
    names.retain(|name| !name.is_empty() && *name != "wal2json");
    if names.is_empty() {
        names = vec!["pgoutput", "test_decoding"];
    }
    names.push("wal2json");
    format!("ALTER SYSTEM SET output_plugin_libraries = {}; SELECT pg_reload_conf()", names.join(", "))
}

impl Failure {
    /// Whether trying again may help without anybody doing anything.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Io(_) => true,
            Self::Protocol(_) | Self::Final(_) => false,
            // Connection exceptions, resources, operator intervention, and a slot that somebody holds.
            Self::Server(error) => {
                let code = error.code.as_str();
                let temporary = ["08", "57P", "40"].iter().any(|start| code.starts_with(start));
                (temporary || matches!(code, "53300" | "55006" | "58030")) && code != "57014" || self.is_slot_active()
            }
        }
    }

    /// Whether another connection holds the slot.
    pub(crate) fn is_slot_active(&self) -> bool {
        matches!(self, Self::Server(error) if error.code == "55006" && error.message.contains("is active for PID"))
    }

    /// The option that wal2json does not know.
    pub(crate) fn unknown_option(&self) -> Option<&str> {
        let Self::Server(error) = self else { return None };
        let rest = error.message.strip_prefix("option \"")?;
        let (name, rest) = rest.split_once('"')?;
        rest.ends_with("is unknown").then_some(name)
    }

    /// The error for the host: `doing` says what was tried.
    pub(crate) fn into_error(self, doing: &str) -> Error {
        match self {
            Self::Final(error) => error,
            Self::Io(text) => Error::outage("postgres.connection", format!("{doing}: {text}"))
                .hint("check that the server runs and can be reached under database.hostname and database.port"),
            Self::Protocol(text) => Error::outage("postgres.protocol", format!("{doing}: {text}"))
                .hint("check that database.hostname and database.port lead to a PostgreSQL server, not to a pooler"),
            Self::Server(error) => server_error(&error, doing),
        }
    }
}

/// By SQLSTATE, and by the text where one SQLSTATE stands for many things.
fn server_error(error: &ServerError, doing: &str) -> Error {
    let message = format!("{doing}: {} (SQLSTATE {})", error.message, error.code);
    let has = |part: &str| error.message.contains(part);
    let config = |code, hint: &str| Error::config(code, message.clone()).hint(hint);
    match error.code.as_str() {
        "28P01" => config("postgres.authentication", "check database.user and database.password"),
        "28000" => config(
            "postgres.authentication",
            "check database.user, database.sslmode, and that pg_hba.conf has a line for this role, database and address",
        ),
        "3D000" => config("postgres.database", "check database.dbname"),
        "42501" if has("may not be used as an output plugin") => {
            config("postgres.plugin-refused", &format!("as a superuser: {}", allow_plugin("")))
        }
        "42501" if has("WAL sender") || has("walsender") || has("replication") => {
            config("postgres.privilege", "as a superuser: ALTER ROLE <database.user> REPLICATION")
        }
        "42501" => config("postgres.privilege", "GRANT the role of database.user what it lacks"),
        "58P01" if has("wal2json") => config(
            "postgres.plugin-missing",
            "install wal2json on the server, for example the package postgresql-<version>-wal2json",
        ),
        "58P01" if has("has already been removed") => slot_lost(message.clone()),
        "55000" if has("wal_level") => {
            config("postgres.wal-level", "as a superuser: ALTER SYSTEM SET wal_level = logical, then restart the server")
        }
        "55000" if has("can no longer get changes") || has("cannot read from logical replication slot") => {
            slot_lost(message.clone())
        }
        "53400" if has("replication slots") => config(
            "postgres.slots",
            "drop a slot that is not needed any more, or ALTER SYSTEM SET max_replication_slots = <more>, then restart the \
             server",
        ),
        "42704" if has("replication slot") => config(
            "postgres.slot-missing",
            "changes since the stored offset are lost: remove it, so that the next start makes a new slot and a snapshot",
        ),
        "55006" => Error::outage("postgres.slot-active", message).hint(
            "another connection reads this slot: stop it, or use a distinct slot.name for each source; SELECT active_pid \
             FROM pg_replication_slots names it",
        ),
        "54000" | "53200" if has("string buffer") || has("out of memory") => config(
            "postgres.transaction-too-large",
            "a transaction does not fit into one message of format 1: set wal2json.format.version=2, or \
             plugin.name=wal2json_streaming",
        ),
        code if code.starts_with("53") || code.starts_with("57") || code.starts_with("08") => {
            Error::outage("postgres.unavailable", message).hint("see the server's log")
        }
        _ => config("postgres.refused", "see the server's log for the details"),
    }
}

/// The log that is still needed is gone.
pub(crate) fn slot_lost(message: String) -> Error {
    Error::config("postgres.slot-lost", message).hint(
        "changes were lost: drop the slot (SELECT pg_drop_replication_slot('<slot.name>')) and remove the stored offset, so \
         that the next start makes a snapshot; max_slot_wal_keep_size bounds what the server keeps",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(code: &str, message: &str) -> Failure {
        Failure::Server(ServerError { code: code.to_owned(), message: message.to_owned() })
    }

    #[test]
    fn remedies_are_named() {
        for (code, message, expected, hint) in [
            (
                "42501",
                "library \"wal2json\" may not be used as an output plugin",
                "postgres.plugin-refused",
                "ALTER SYSTEM SET output_plugin_libraries = pgoutput, test_decoding, wal2json; SELECT pg_reload_conf()",
            ),
            (
                "58P01",
                "could not access file \"wal2json\": No such file",
                "postgres.plugin-missing",
                "install wal2json",
            ),
            ("55000", "logical decoding requires wal_level >= logical", "postgres.wal-level", "wal_level = logical"),
            ("53400", "all replication slots are in use", "postgres.slots", "max_replication_slots"),
            (
                "58P01",
                "requested WAL segment 0001 has already been removed",
                "postgres.slot-lost",
                "pg_drop_replication_slot",
            ),
            ("42501", "must be superuser or replication role to start walsender", "postgres.privilege", "REPLICATION"),
            ("55006", "replication slot \"s\" is active for PID 7", "postgres.slot-active", "active_pid"),
        ] {
            let error = server(code, message).into_error("starting");
            assert_eq!(error.code(), expected, "{message}");
            assert!(error.hint_text().unwrap().contains(hint), "{error}");
        }
    }

    #[test]
    fn what_passes_is_told_from_what_stays() {
        assert!(server("57P01", "terminating connection due to administrator command").is_passing());
        assert!(server("55006", "replication slot \"s\" is active for PID 7").is_passing());
        assert!(!server("57014", "canceling statement due to user request").is_passing());
        assert!(!server("42501", "permission denied").is_passing());
        assert!(Failure::Io("reset".to_owned()).is_passing());
    }

    #[test]
    fn an_unknown_option_is_found_in_the_message() {
        let failure = server("22023", "option \"numeric-data-types-as-string\" = \"1\" is unknown");
        assert_eq!(failure.unknown_option(), Some("numeric-data-types-as-string"));
        assert_eq!(server("22023", "option \"x\" is bad").unknown_option(), None);
    }

    #[test]
    fn the_list_of_plugins_keeps_what_is_there() {
        assert!(allow_plugin("pgoutput, \"mine\"").contains("= pgoutput, mine, wal2json;"));
    }
}
