//! One connection: how it is opened, what the session is set to, and what the server can do.

use crate::fault::{self, Failure};
use crate::settings::{Settings, TlsMode};
use connect_data::{Error, Result};
use mysql_async::prelude::{FromRow, Queryable};
use mysql_async::{ClientIdentity, Conn, DriverError, Error as MysqlError, OptsBuilder, SslOpts};
use std::path::PathBuf;
use std::time::Duration;

/// A connected server.
pub(crate) struct Server {
    conn: Conn,
    timeout: Option<Duration>,
    pub(crate) facts: Facts,
}

/// What the server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) mariadb: bool,
    pub(crate) version: (u16, u16, u16),
    pub(crate) max_packet: usize,
    /// Whether new tables of the database are utf8mb4 without being told.
    pub(crate) utf8mb4: bool,
}

impl Facts {
    /// Whether `INSERT ... AS new ON DUPLICATE KEY UPDATE c = new.c` is understood; otherwise it is `VALUES(c)`, which
    /// MySQL has deprecated since.
    pub(crate) fn has_row_alias(&self) -> bool {
        !self.mariadb && self.version >= (8, 0, 19)
    }

    /// A collation in which texts are equal only if they are the same, trailing blanks included, if the server has one.
    pub(crate) fn exact_collation(&self) -> &'static str {
        if self.mariadb {
            if self.version >= (10, 2, 2) { "utf8mb4_nopad_bin" } else { "utf8mb4_bin" }
        } else if self.version >= (8, 0, 17) {
            "utf8mb4_0900_bin"
        } else {
            "utf8mb4_bin"
        }
    }

    /// Whether BLOB, TEXT and JSON columns may have a default, written as an expression.
    pub(crate) fn has_default_expressions(&self) -> bool {
        if self.mariadb { self.version >= (10, 2, 1) } else { self.version >= (8, 0, 13) }
    }
}

/// Every value must fit, or the statement fails. Modes that change how SQL is read are off; literals do not depend on it.
const SQL_MODE: &str =
    "STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION";
/// Shorter than the statement time-out, so that a row that stays locked is seen as such.
const LOCK_WAIT_SECONDS: u32 = 30;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
const KEEPALIVE: Duration = Duration::from_secs(15);

impl Server {
    /// Connects to the first host that answers and prepares the session.
    ///
    /// # Errors
    /// Transient: nobody answers. Fatal: access denied, TLS, a session that cannot be made strict.
    pub(crate) async fn connect(settings: &Settings) -> std::result::Result<Self, Failure> {
        // Somebody else in the process may have chosen a provider already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut last = None;
        for (host, port) in &settings.target.hosts {
            match Self::connect_to(settings, host, *port).await {
                Ok(server) => return Ok(server),
                Err(failure @ Failure::Fatal(_)) => return Err(failure),
                Err(failure) => last = Some(failure),
            }
        }
        Err(last.unwrap_or_else(|| Failure::Fatal(Error::config("mysql.url", "connection.url names no host"))))
    }

    async fn connect_to(settings: &Settings, host: &str, port: u16) -> std::result::Result<Self, Failure> {
        let address = format!("{host}:{port}");
        let limit =
            settings.target.connect_timeout_ms.filter(|ms| *ms > 0).map_or(CONNECT_TIMEOUT, Duration::from_millis);
        let open = async {
            let encrypted =
                Conn::new(options(settings, host, port, settings.target.tls.mode != TlsMode::Disabled)).await;
            match encrypted {
                Err(MysqlError::Driver(DriverError::NoClientSslFlagFromServer))
                    if settings.target.tls.mode == TlsMode::Preferred =>
                {
                    Conn::new(options(settings, host, port, false)).await
                }
                other => other,
            }
        };
        let conn = match tokio::time::timeout(limit, open).await {
            Ok(Ok(conn)) => conn,
            Ok(Err(error)) => return Err(fault::of_connect(&error, &address)),
            Err(_) => return Err(fault::lost(&format!("{address} did not answer within {} ms", limit.as_millis()))),
        };
        let facts = Facts { mariadb: false, version: (0, 0, 0), max_packet: 0, utf8mb4: false };
        let mut server = Self { conn, timeout: settings.statement_timeout, facts };
        server.prepare().await?;
        Ok(server)
    }

    async fn prepare(&mut self) -> std::result::Result<(), Failure> {
        self.execute(b"SET NAMES utf8mb4").await?;
        self.execute(format!("SET SESSION sql_mode = '{SQL_MODE}', time_zone = '+00:00', autocommit = 1").as_bytes())
            .await?;
        self.execute(format!("SET SESSION innodb_lock_wait_timeout = {LOCK_WAIT_SECONDS}").as_bytes()).await?;
        let facts: Option<(String, String, u64, Option<String>)> = self
            .rows("SELECT VERSION(), @@SESSION.sql_mode, @@max_allowed_packet, @@character_set_database")
            .await?
            .pop();
        let Some((version, mode, max_packet, charset)) = facts else {
            return Err(fault::lost("no answer to a question about the server's version"));
        };
        if !mode.contains("STRICT_ALL_TABLES") || mode.contains("ANSI_QUOTES") {
            return Err(Failure::Fatal(Error::config(
                "mysql.sql-mode",
                "session: expected to be able to make sql_mode strict, found that it stays otherwise",
            )));
        }
        let mariadb = version.contains("MariaDB");
        self.facts = Facts {
            mariadb,
            version: parse_version(&version).ok_or_else(|| {
                Error::config("mysql.version", "expected a version of MySQL or MariaDB, found something else")
            })?,
            max_packet: usize::try_from(max_packet).unwrap_or(usize::MAX),
            utf8mb4: charset.as_deref() == Some("utf8mb4"),
        };
        Ok(())
    }

    /// Runs a statement. A time-out leaves the connection unusable.
    pub(crate) async fn execute(&mut self, sql: &[u8]) -> std::result::Result<(), Failure> {
        self.run(sql).await.map_err(|error| fault::of_statement(&error, &[]))
    }

    /// Runs a statement that writes rows; a value that the server changed is an error of its row.
    pub(crate) async fn write(&mut self, sql: &[u8], columns: &[&str]) -> std::result::Result<(), Failure> {
        self.run(sql).await.map_err(|error| fault::of_statement(&error, columns))?;
        if self.conn.get_warnings() == 0 {
            return Ok(());
        }
        let warnings: Vec<(String, u16, String)> = self.rows("SHOW WARNINGS").await?;
        let changed = warnings.iter().find(|(_, code, _)| fault::is_changed_value(*code));
        match changed.and_then(|(_, code, message)| fault::of_row(*code, "", message, columns)) {
            Some(error) => Err(Failure::Row(error)),
            None => Ok(()),
        }
    }

    /// Runs a statement that may take as long as it likes: it makes or changes a table.
    pub(crate) async fn define(&mut self, sql: &str) -> std::result::Result<(), MysqlError> {
        self.conn.query_drop(sql).await
    }

    /// Rows of a query.
    pub(crate) async fn rows<T: FromRow + Send + 'static>(
        &mut self,
        sql: &str,
    ) -> std::result::Result<Vec<T>, Failure> {
        let rows = limited(self.timeout, self.conn.query(sql)).await;
        rows.map_err(|error| fault::of_statement(&error, &[]))
    }

    async fn run(&mut self, sql: &[u8]) -> std::result::Result<(), MysqlError> {
        limited(self.timeout, self.conn.query_drop(sql)).await
    }

    /// Says good-bye.
    pub(crate) async fn disconnect(self) -> Result<()> {
        self.conn.disconnect().await.map_err(|error| fault::of_statement(&error, &[]).into_error())
    }
}

async fn limited<T>(
    limit: Option<Duration>,
    work: impl Future<Output = std::result::Result<T, MysqlError>>,
) -> std::result::Result<T, MysqlError> {
    let Some(limit) = limit else { return work.await };
    match tokio::time::timeout(limit, work).await {
        Ok(result) => result,
        Err(_) => {
            let text = format!("no answer within {} ms", limit.as_millis());
            Err(std::io::Error::new(std::io::ErrorKind::TimedOut, text).into())
        }
    }
}

fn options(settings: &Settings, host: &str, port: u16, encrypted: bool) -> OptsBuilder {
    let target = &settings.target;
    let mut options = OptsBuilder::default()
        .ip_or_hostname(host)
        .tcp_port(port)
        .user(target.user.clone())
        .pass(target.password.clone())
        .db_name(Some(target.database.clone()))
        .prefer_socket(Some(false))
        .tcp_keepalive(Some(KEEPALIVE))
        .stmt_cache_size(Some(0));
    if encrypted {
        let unchecked = matches!(target.tls.mode, TlsMode::Preferred | TlsMode::Required);
        let mut tls = SslOpts::default()
            .with_danger_accept_invalid_certs(unchecked)
            .with_danger_skip_domain_validation(target.tls.mode != TlsMode::VerifyIdentity);
        if let Some(authorities) = &target.tls.authorities {
            tls = tls.with_root_certs(vec![PathBuf::from(authorities).into()]).with_disable_built_in_roots(true);
        }
        if let Some((certificates, key)) = &target.tls.client {
            tls = tls.with_client_identity(Some(ClientIdentity::new(
                PathBuf::from(certificates).into(),
                PathBuf::from(key).into(),
            )));
        }
        options = options.ssl_opts(tls);
    }
    options
}

/// `9.7.4`, `8.0.36-28.1`, `10.11.14-MariaDB-0+deb12u2`, `5.5.5-10.11.14-MariaDB`.
fn parse_version(text: &str) -> Option<(u16, u16, u16)> {
    let text = if text.contains("MariaDB") { text.strip_prefix("5.5.5-").unwrap_or(text) } else { text };
    let mut numbers = text.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next().and_then(|n| n.ok()).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(mariadb: bool, version: &str) -> Facts {
        Facts { mariadb, version: parse_version(version).unwrap(), max_packet: 1, utf8mb4: true }
    }

    #[test]
    fn versions_and_what_they_can() {
        assert_eq!(parse_version("5.5.5-10.11.14-MariaDB-0+deb12u2"), Some((10, 11, 14)));
        assert_eq!(parse_version("8.0.36-28.1"), Some((8, 0, 36)));
        assert_eq!(parse_version("9.7"), Some((9, 7, 0)));
        assert_eq!(parse_version("x"), None);
        assert!(facts(false, "8.0.19").has_row_alias() && !facts(false, "8.0.18").has_row_alias());
        assert!(!facts(true, "10.11.14").has_row_alias());
        assert_eq!(facts(true, "10.11.14").exact_collation(), "utf8mb4_nopad_bin");
        assert_eq!(facts(false, "9.7.4").exact_collation(), "utf8mb4_0900_bin");
        assert_eq!(facts(false, "5.7.44").exact_collation(), "utf8mb4_bin");
        assert!(!facts(false, "5.7.44").has_default_expressions() && facts(true, "10.2.1").has_default_expressions());
    }
}
