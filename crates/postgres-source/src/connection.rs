//! A session with the server in the simple query protocol: statements, `COPY` out of the server, replication. Messages
//! and authentication come from `postgres-protocol`; here is the order in which they go back and forth.
//!
//! Messages are looked at where they were received and leave the buffer only when they were dealt with, so that reading
//! is cancel-safe and a row costs no allocation.

use crate::failure::{Failure, PgResult, ServerError};
use crate::settings::{ConnectionSettings, SslMode};
use crate::tls;
use bytes::{Buf, BytesMut};
use connect_data::Error;
use postgres_protocol::authentication::{md5_hash, sasl};
use postgres_protocol::message::{backend, frontend};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// Room for one read.
const READ: usize = 256 << 10;
/// Below this much free room there is more to come.
const LOW: usize = 32 << 10;
/// The server's own limit for one message.
const MAX_MESSAGE: usize = 1 << 30;

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<std::io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

/// Rows of a statement as text.
pub(crate) type Rows = Vec<Vec<Option<String>>>;

/// What `COPY` or a replication stream has next.
pub(crate) enum Copied<'a> {
    /// Payload of a `CopyData` message; [`Connection::consume`] when done.
    Data(&'a mut [u8]),
    /// Nothing complete is there: [`Connection::fill`].
    Incomplete,
    /// The server has sent everything.
    Done,
}

/// See the module.
pub(crate) struct Connection {
    stream: Stream,
    read: BytesMut,
    write: BytesMut,
    /// Of the message at the beginning of `read` that is being looked at.
    current: usize,
    /// `server_version_num`.
    version: u32,
}

impl Connection {
    /// Connects and authenticates. With `replication` the session understands the commands of a walsender.
    pub(crate) async fn open(settings: &ConnectionSettings, replication: bool) -> PgResult<Self> {
        let connecting = async {
            match settings.ssl_mode {
                SslMode::Disable => Self::attempt(settings, replication, false).await,
                SslMode::Allow => match Self::attempt(settings, replication, false).await {
                    Err(Failure::Server(error)) if error.code.starts_with("28") => {
                        Self::attempt(settings, replication, true).await
                    }
                    result => result,
                },
                SslMode::Prefer => match Self::attempt(settings, replication, true).await {
                    // No line of pg_hba.conf for an encrypted connection, or a server without a usable TLS.
                    Err(Failure::Server(error)) if error.code == "28000" => {
                        Self::attempt(settings, replication, false).await
                    }
                    Err(Failure::Io(text)) if text.starts_with("TLS") => {
                        Self::attempt(settings, replication, false).await
                    }
                    result => result,
                },
                SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => {
                    Self::attempt(settings, replication, true).await
                }
            }
        };
        let timed_out = || Failure::Io(format!("no connection within {} ms", settings.timeout.as_millis()));
        let mut connection = tokio::time::timeout(settings.timeout, connecting).await.map_err(|_| timed_out())??;
        if !replication {
            for statement in &settings.initial_statements {
                connection.query(statement).await?;
            }
        }
        Ok(connection)
    }

    async fn attempt(settings: &ConnectionSettings, replication: bool, encrypt: bool) -> PgResult<Self> {
        let stream = TcpStream::connect((settings.host.as_str(), settings.port)).await?;
        stream.set_nodelay(true)?;
        if settings.keep_alive {
            keep_alive(&stream);
        }
        let stream = if encrypt { negotiate(stream, settings).await? } else { Stream::Plain(stream) };
        let (read, write) = (BytesMut::with_capacity(READ), BytesMut::with_capacity(1024));
        let mut connection = Self { stream, read, write, current: 0, version: 0 };
        connection.start(settings, replication).await?;
        Ok(connection)
    }

    async fn start(&mut self, settings: &ConnectionSettings, replication: bool) -> PgResult<()> {
        // What the texts of values depend on, and what could end a snapshot early.
        let mut parameters = vec![
            ("user", settings.user.as_str()),
            ("database", &settings.database),
            ("application_name", "bucatini"),
            ("client_encoding", "UTF8"),
            ("DateStyle", "ISO"),
            ("IntervalStyle", "postgres"),
            ("TimeZone", "UTC"),
            ("extra_float_digits", "3"),
            ("bytea_output", "hex"),
            ("lc_monetary", "C"),
            ("statement_timeout", "0"),
            ("lock_timeout", "0"),
            ("idle_in_transaction_session_timeout", "0"),
        ];
        if replication {
            parameters.push(("replication", "database"));
        }
        frontend::startup_message(parameters, &mut self.write)?;
        self.flush().await?;
        self.authenticate(settings).await?;
        loop {
            match self.message().await? {
                backend::Message::ReadyForQuery(_) => return Ok(()),
                backend::Message::ParameterStatus(body) if body.name()? == "server_version" => {
                    self.version = version_number(body.value()?);
                }
                _ => {}
            }
        }
    }

    async fn authenticate(&mut self, settings: &ConnectionSettings) -> PgResult<()> {
        let password = || {
            settings.password.as_deref().map(str::as_bytes).ok_or_else(|| {
                Failure::Final(Error::config(
                    "postgres.authentication",
                    "setting database.password: expected a value, as the server asks for a password, found none",
                ))
            })
        };
        loop {
            match self.message().await? {
                backend::Message::AuthenticationOk => return Ok(()),
                backend::Message::AuthenticationCleartextPassword => {
                    frontend::password_message(password()?, &mut self.write)?;
                }
                backend::Message::AuthenticationMd5Password(body) => {
                    let hash = md5_hash(settings.user.as_bytes(), password()?, body.salt());
                    frontend::password_message(hash.as_bytes(), &mut self.write)?;
                }
                backend::Message::AuthenticationSasl(_) => {
                    let mut scram = sasl::ScramSha256::new(password()?, sasl::ChannelBinding::unrequested());
                    frontend::sasl_initial_response(sasl::SCRAM_SHA_256, scram.message(), &mut self.write)?;
                    self.flush().await?;
                    let backend::Message::AuthenticationSaslContinue(body) = self.message().await? else {
                        return Err(Failure::Protocol("expected the next step of SCRAM, found another message".into()));
                    };
                    scram.update(body.data())?;
                    frontend::sasl_response(scram.message(), &mut self.write)?;
                    self.flush().await?;
                    let backend::Message::AuthenticationSaslFinal(body) = self.message().await? else {
                        return Err(Failure::Protocol("expected the end of SCRAM, found another message".into()));
                    };
                    scram.finish(body.data())?;
                    continue;
                }
                _ => {
                    return Err(Failure::Final(
                        Error::config("postgres.authentication", "the server asks for a method that is not supported")
                            .hint("let pg_hba.conf ask for scram-sha-256, md5 or a certificate"),
                    ));
                }
            }
            self.flush().await?;
        }
    }

    /// `server_version_num`.
    pub(crate) fn version(&self) -> u32 {
        self.version
    }

    /// Runs a statement and collects its rows.
    pub(crate) async fn query(&mut self, sql: &str) -> PgResult<Rows> {
        frontend::query(sql, &mut self.write)?;
        self.flush().await?;
        let (mut rows, mut failed) = (Rows::new(), None);
        loop {
            match self.any_message().await? {
                backend::Message::DataRow(body) => rows.push(read_row(&body)?),
                backend::Message::ErrorResponse(body) => failed = Some(server_error(&body)),
                backend::Message::ReadyForQuery(_) => {
                    return failed.map_or(Ok(rows), |error| Err(Failure::Server(error)));
                }
                _ => {}
            }
        }
    }

    /// Starts a `COPY ... TO STDOUT` or `START_REPLICATION`: afterwards [`Self::copied`] gives what comes.
    pub(crate) async fn start_copy(&mut self, sql: &str) -> PgResult<()> {
        frontend::query(sql, &mut self.write)?;
        self.flush().await?;
        let mut failed = None;
        loop {
            let (tag, total) = self.whole().await?;
            match tag {
                // CopyOutResponse, CopyBothResponse (which postgres-protocol does not know).
                b'H' | b'W' => {
                    self.read.advance(total);
                    return Ok(());
                }
                _ => match self.any_message().await? {
                    backend::Message::ErrorResponse(body) => failed = Some(server_error(&body)),
                    backend::Message::ReadyForQuery(_) => {
                        let none =
                            || ServerError { code: "XX000".to_owned(), message: "COPY did not start".to_owned() };
                        return Err(Failure::Server(failed.unwrap_or_else(none)));
                    }
                    _ => {}
                },
            }
        }
    }

    /// The next payload, if it has been received completely.
    pub(crate) fn copied(&mut self) -> PgResult<Copied<'_>> {
        loop {
            let Some((tag, total)) = self.header()? else { return Ok(Copied::Incomplete) };
            match tag {
                b'd' => {
                    self.current = total;
                    return Ok(Copied::Data(self.read.get_mut(5..total).unwrap_or_default()));
                }
                b'c' => {
                    self.read.advance(total);
                    return Ok(Copied::Done);
                }
                b'E' => {
                    if let Some(backend::Message::ErrorResponse(body)) = backend::Message::parse(&mut self.read)? {
                        return Err(Failure::Server(server_error(&body)));
                    }
                }
                // Notices and changed parameters.
                _ => self.read.advance(total),
            }
        }
    }

    /// The payload that [`Self::copied`] gave was dealt with.
    pub(crate) fn consume(&mut self) {
        self.read.advance(std::mem::take(&mut self.current).min(self.read.len()));
    }

    /// Waits for more bytes. Cancel-safe.
    pub(crate) async fn fill(&mut self) -> PgResult<()> {
        if self.read.capacity() - self.read.len() < LOW {
            self.read.reserve(READ);
        }
        match self.stream.read_buf(&mut self.read).await? {
            0 => Err(Failure::Io("the server closed the connection".to_owned())),
            _ => Ok(()),
        }
    }

    /// After the end of a `COPY`: waits until the server is ready for the next statement.
    pub(crate) async fn finish_copy(&mut self) -> PgResult<()> {
        loop {
            match self.message().await? {
                backend::Message::ReadyForQuery(_) => return Ok(()),
                _ => continue,
            }
        }
    }

    /// Sends one payload into a replication stream.
    pub(crate) async fn send(&mut self, payload: &[u8]) -> PgResult<()> {
        frontend::CopyData::new(payload)?.write(&mut self.write);
        self.flush().await
    }

    /// Says goodbye, so that the server gives back what the session holds before this returns, if it answers soon.
    pub(crate) async fn close(mut self, in_replication: bool) {
        let goodbye = async {
            if in_replication {
                frontend::copy_done(&mut self.write);
            }
            frontend::terminate(&mut self.write);
            self.flush().await?;
            loop {
                self.read.clear();
                self.fill().await?;
            }
        };
        let _: Result<PgResult<()>, _> = tokio::time::timeout(Duration::from_secs(2), goodbye).await;
    }

    async fn flush(&mut self) -> PgResult<()> {
        self.stream.write_all_buf(&mut self.write).await?;
        self.stream.flush().await?;
        Ok(())
    }

    /// Tag and length of the message at the beginning of the buffer, if all of it is there.
    fn header(&self) -> PgResult<Option<(u8, usize)>> {
        let Some(header) = backend::Header::parse(&self.read)? else { return Ok(None) };
        let total = header.len() as usize + 1;
        if total > MAX_MESSAGE {
            return Err(Failure::Protocol(format!("expected a message below 1 GiB, found {total} bytes")));
        }
        Ok((self.read.len() >= total).then_some((header.tag(), total)))
    }

    /// Waits until a message is there completely.
    async fn whole(&mut self) -> PgResult<(u8, usize)> {
        loop {
            if let Some(found) = self.header()? {
                return Ok(found);
            }
            self.fill().await?;
        }
    }

    async fn any_message(&mut self) -> PgResult<backend::Message> {
        self.whole().await?;
        backend::Message::parse(&mut self.read)?
            .ok_or_else(|| Failure::Protocol("expected a message, found part of one".to_owned()))
    }

    /// The next message that is no notice; what the server refuses is an error.
    async fn message(&mut self) -> PgResult<backend::Message> {
        loop {
            match self.any_message().await? {
                backend::Message::ErrorResponse(body) => return Err(Failure::Server(server_error(&body))),
                backend::Message::NoticeResponse(_) => {}
                message => return Ok(message),
            }
        }
    }
}

async fn negotiate(mut stream: TcpStream, settings: &ConnectionSettings) -> PgResult<Stream> {
    let mut request = BytesMut::new();
    frontend::ssl_request(&mut request);
    stream.write_all(&request).await?;
    match stream.read_u8().await? {
        b'S' => Ok(Stream::Tls(Box::new(tls::handshake(stream, settings).await?))),
        b'N' if matches!(settings.ssl_mode, SslMode::Allow | SslMode::Prefer) => Ok(Stream::Plain(stream)),
        b'N' => Err(Failure::Final(
            Error::config("postgres.tls", "database.sslmode: expected a server with TLS, found one without")
                .hint("set ssl = on on the server, or database.sslmode=prefer"),
        )),
        _ => Err(Failure::Protocol("expected an answer to the request for TLS, found something else".to_owned())),
    }
}

/// Probes an idle connection after two minutes, as there may be a firewall that forgets it.
fn keep_alive(stream: &TcpStream) {
    let probes =
        socket2::TcpKeepalive::new().with_time(Duration::from_secs(120)).with_interval(Duration::from_secs(10));
    if let Err(e) = socket2::SockRef::from(stream).set_tcp_keepalive(&probes) {
        tracing::debug!("TCP keep-alive: {e}");
    }
}

fn read_row(body: &backend::DataRowBody) -> PgResult<Vec<Option<String>>> {
    use fallible_iterator::FallibleIterator;
    let mut row = Vec::new();
    let mut ranges = body.ranges();
    while let Some(range) = ranges.next()? {
        let text =
            range.and_then(|range| body.buffer().get(range)).map(|text| String::from_utf8_lossy(text).into_owned());
        row.push(text);
    }
    Ok(row)
}

fn server_error(body: &backend::ErrorResponseBody) -> ServerError {
    use fallible_iterator::FallibleIterator;
    let mut error = ServerError::default();
    let mut fields = body.fields();
    while let Ok(Some(field)) = fields.next() {
        let value = || String::from_utf8_lossy(field.value_bytes()).into_owned();
        match field.type_() {
            b'C' => error.code = value(),
            b'M' => error.message = value(),
            _ => {}
        }
    }
    error
}

/// `15.20 (Debian 15.20-0)` is 150020, `9.6.1` 90601.
fn version_number(text: &str) -> u32 {
    let digits = |part: &str| {
        let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        part.get(..end).and_then(|digits| digits.parse::<u32>().ok()).unwrap_or(0)
    };
    let mut parts = text.split_whitespace().next().unwrap_or("").split('.').map(digits);
    let (major, minor, patch) = (parts.next().unwrap_or(0), parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    if major >= 10 { major * 10_000 + minor } else { major * 10_000 + minor * 100 + patch }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbers() {
        assert_eq!(version_number("15.20 (Debian 15.20-0+deb12u1)"), 150_020);
        assert_eq!(version_number("18beta1"), 180_000);
        assert_eq!(version_number("9.6.24"), 90_624);
        assert_eq!(version_number(""), 0);
    }
}
