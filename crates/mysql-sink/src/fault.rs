//! What a failed statement means: whose fault, and whether to try again.

use connect_data::Error;
use mysql_async::{DriverError, Error as MysqlError, IoError, ServerError};

/// What to do about a failure.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It may pass: again, on a new connection.
    Transient {
        error: Error,
        /// A deadlock or lock wait: soon, not after the whole back-off.
        quick: bool,
        /// The connection is gone, so that what the statement did is unknown.
        lost: bool,
    },
    /// A row is at fault: find it.
    Row(Error),
    /// The table is not what the plan was made for: read it again.
    Definition(Error),
    /// For good.
    Fatal(Error),
}

impl Failure {
    /// As an error, for whoever does not try again.
    pub(crate) fn into_error(self) -> Error {
        match self {
            Self::Transient { error, .. } | Self::Row(error) | Self::Definition(error) | Self::Fatal(error) => error,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Fatal(error)
    }
}

const DEADLOCK: u16 = 1213;
const LOCK_WAIT: u16 = 1205;

/// Lost, overloaded, shutting down, read-only after a fail-over, full, killed.
const TRANSIENT: &[u16] = &[
    1020, 1021, 1028, 1040, 1041, 1042, 1043, 1047, 1053, 1077, 1078, 1079, 1080, 1114, 1129, 1135, 1152, 1156, 1157,
    1158, 1159, 1160, 1161, 1180, 1181, 1184, 1189, 1190, 1203, 1218, 1226, 1290, 1317, 1412, 1613, 1614, 1615, 1637,
    1792, 1836, 1927, 1969, 2006, 2013, 3024, 3058, 3100, 3101, 3168, 3169, 3170, 3572, 4031,
];

/// No such table, no such column, another number of columns.
const DEFINITION: &[u16] = &[1146, 1054, 1136, 1110];

/// Notes and warnings of a statement that succeeded, which mean that a value was changed.
const CHANGED_VALUE: &[u16] = &[1264, 1265, 1292, 1300, 1366, 1406, 1411, 1441, 3140, 3141];

/// Whether the warning says that what was stored is not what was sent.
pub(crate) fn is_changed_value(code: u16) -> bool {
    CHANGED_VALUE.contains(&code)
}

/// What the failure of a data statement, or of reading and making tables, means. `columns` are the names that may be
/// shown.
pub(crate) fn of_statement(error: &MysqlError, columns: &[&str]) -> Failure {
    match error {
        MysqlError::Server(error) => of_server(error, columns),
        MysqlError::Io(IoError::Io(error)) => lost(&error.to_string()),
        MysqlError::Io(IoError::Tls(error)) => lost(&error.to_string()),
        // Driver errors carry no row values in their text.
        MysqlError::Driver(error) => lost(&error.to_string()),
        MysqlError::Url(_) | MysqlError::Other(_) => {
            Failure::Fatal(Error::internal("mysql.driver", "the driver failed in a way that is not known"))
        }
    }
}

/// What a failed connection means.
pub(crate) fn of_connect(error: &MysqlError, server: &str) -> Failure {
    match error {
        MysqlError::Server(error)
            if matches!(error.code, 1044 | 1045 | 1049 | 1251 | 1698 | 1862 | 3118 | 3159 | 4151) =>
        {
            Failure::Fatal(Error::config("mysql.access", format!("{server}: {}", shown(error))))
        }
        MysqlError::Io(IoError::Tls(error)) => Failure::Fatal(tls(server, &error.to_string())),
        MysqlError::Io(IoError::Io(error)) if error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) => {
            Failure::Fatal(tls(server, &error.to_string()))
        }
        MysqlError::Driver(error @ DriverError::NoClientSslFlagFromServer) => Failure::Fatal(
            Error::config("mysql.tls", format!("{server}: {error}")).hint("sslMode=DISABLED, or TLS in the server"),
        ),
        MysqlError::Driver(
            error @ (DriverError::UnknownAuthPlugin { .. }
            | DriverError::CleartextPluginDisabled
            | DriverError::MysqlOldPasswordDisabled),
        ) => Failure::Fatal(Error::config("mysql.access", format!("{server}: {error}"))),
        other => match of_statement(other, &[]) {
            Failure::Transient { error, quick, lost } => Failure::Transient {
                error: Error::outage("mysql.connection", format!("{server}: {}", error.message())),
                quick,
                lost,
            },
            failure => failure,
        },
    }
}

fn tls(server: &str, how: &str) -> Error {
    Error::config("mysql.tls", format!("{server}: TLS failed: {how}"))
        .hint("sslMode in connection.url says what is checked; ssl-ca names a PEM file with the server's authority")
}

/// The connection was lost.
pub(crate) fn lost(how: &str) -> Failure {
    let error = Error::outage("mysql.connection", format!("the connection was lost: {how}"));
    Failure::Transient { error, quick: false, lost: true }
}

fn of_server(error: &ServerError, columns: &[&str]) -> Failure {
    let code = error.code;
    if code == DEADLOCK || code == LOCK_WAIT {
        let what = if code == DEADLOCK { "deadlock" } else { "lock wait" };
        let error = Error::outage("mysql.lock", format!("{what} with another transaction (error {code})"));
        return Failure::Transient { error, quick: true, lost: false };
    }
    if TRANSIENT.contains(&code) {
        // Killed connections answer once before they end.
        let lost = matches!(code, 1053 | 1077 | 1079 | 1317 | 1927 | 2006 | 2013 | 3168 | 3169 | 4031);
        let error = Error::outage("mysql.server", format!("the server cannot at the moment: {}", shown(error)));
        return Failure::Transient { error, quick: false, lost };
    }
    if DEFINITION.contains(&code) {
        return Failure::Definition(Error::config("mysql.table", shown(error)));
    }
    if let Some(row) = of_row(code, &error.state, &error.message, columns) {
        return Failure::Row(row);
    }
    match code {
        1044 | 1045 | 1142 | 1143 | 1227 | 1370 | 1049 | 1046 => {
            Failure::Fatal(Error::config("mysql.access", shown(error)).hint(
                "the account needs SELECT, INSERT, UPDATE and DELETE on the tables, CREATE and ALTER to make them",
            ))
        }
        _ => Failure::Fatal(Error::internal(
            "mysql.statement",
            format!("MySQL refused a statement with error {code} ({})", error.state),
        )),
    }
}

/// The error of a row; `None` if no row is at fault. MySQL's message holds the value, so that only the column's name is
/// taken from it.
pub(crate) fn of_row(code: u16, state: &str, message: &str, columns: &[&str]) -> Option<Error> {
    let (name, what) = match code {
        1062 | 1169 | 1586 | 1859 => ("mysql.duplicate-key", "another row has the same value in a unique index"),
        1406 | 1301 | 1162 => ("mysql.too-long", "the value is longer than the column"),
        1264 | 1690 => ("mysql.out-of-range", "the number does not fit the column"),
        1265 => ("mysql.truncated", "the value does not fit the column without loss"),
        1292 | 1366 | 1367 | 1411 | 1441 | 1300 | 3140 | 3141 | 3156 | 3157 | 3988 | 4038 => {
            ("mysql.value", "the value is none of the column's type")
        }
        1048 | 1263 => ("mysql.null", "the column takes no null"),
        1364 => ("mysql.no-default", "the record has no such field, and the column has no default"),
        1451 | 1452 | 1216 | 1217 => {
            ("mysql.foreign-key", "a foreign key has no row to refer to, or rows refer to this one")
        }
        3819 | 4025 => ("mysql.check", "a CHECK constraint is violated"),
        1153 | 1118 | 139 => ("mysql.row-size", "the row is larger than MySQL takes"),
        1644 => ("mysql.trigger", "a trigger refused the row"),
        _ if state.starts_with("22") || state.starts_with("23") || state.starts_with("45") => {
            ("mysql.data", "MySQL refused the row")
        }
        _ => return None,
    };
    let error = Error::data(name, format!("{what} (error {code})"));
    Some(match column_of(message, columns) {
        Some(column) => error.field(column),
        None => error,
    })
}

/// The column that the end of a message names, if it is one of the known ones. Earlier parts may be row data.
fn column_of<'a>(message: &str, columns: &[&'a str]) -> Option<&'a str> {
    let start = ["for column ", "Column ", "Field "]
        .iter()
        .filter_map(|word| message.rfind(word).map(|at| at + word.len()))
        .max()?;
    let rest = message.get(start..)?;
    // MariaDB: `database`.`table`.`column`; MySQL: 'column'.
    let name = match rest.strip_prefix('\'') {
        Some(rest) => rest.split('\'').next()?,
        None => rest.split(" at row").next()?.rsplit("`.`").next()?.trim_matches('`'),
    };
    columns.iter().find(|column| **column == name).copied()
}

/// Code, state and text of errors whose text has no row values in it.
fn shown(error: &ServerError) -> String {
    format!("error {} ({}): {}", error.code, error.state, error.message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(code: u16, state: &str, message: &str) -> Failure {
        let error = MysqlError::Server(ServerError { code, state: state.into(), message: message.into() });
        of_statement(&error, &["name", "id"])
    }

    #[test]
    fn classes() {
        assert!(matches!(server(1213, "40001", ""), Failure::Transient { quick: true, lost: false, .. }));
        assert!(matches!(server(1290, "HY000", "--read-only"), Failure::Transient { quick: false, lost: false, .. }));
        assert!(matches!(server(1927, "70100", "killed"), Failure::Transient { lost: true, .. }));
        assert!(matches!(server(1054, "42S22", ""), Failure::Definition(_)));
        assert!(matches!(server(1142, "42000", "denied"), Failure::Fatal(e) if e.code() == "mysql.access"));
        assert!(
            matches!(server(1064, "42000", "near 'geheim'"), Failure::Fatal(e) if !e.to_string().contains("geheim"))
        );
        assert!(matches!(server(9999, "22999", ""), Failure::Row(_)));
    }

    #[test]
    fn errors_of_rows_name_the_column_and_no_value() {
        for (code, message) in [
            (1406, "Data too long for column 'name' at row 3"),
            (1366, "Incorrect string value: 'geheim for column id' for column `target`.`pasta`.`name` at row 1"),
            (1048, "Column 'name' cannot be null"),
            (1364, "Field 'name' doesn't have a default value"),
        ] {
            let Failure::Row(error) = server(code, "22000", message) else { panic!("{code}") };
            assert_eq!(error.path_text(), "name");
            assert!(!error.to_string().contains("geheim"));
        }
        let Failure::Row(error) = server(1062, "23000", "Duplicate entry 'geheim' for key 'PRIMARY'") else { panic!() };
        assert!(!error.to_string().contains("geheim") && error.code() == "mysql.duplicate-key");
        let Failure::Row(error) = server(1366, "HY000", "for column 'geheim'") else { panic!() };
        assert!(!error.to_string().contains("geheim"));
    }
}
