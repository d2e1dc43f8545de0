//! Performs the exchanges of the registry client over HTTP.
//!
//! What to ask, whom, when again and what an answer means is decided by `schema-registry`; here one request goes out and
//! one answer, or the reason why there is none, comes back. [`schema_registry::transport`] documents the settings. Without a
//! trust store the system's certificate authorities count; without a proxy those of the environment (`HTTPS_PROXY`,
//! `HTTP_PROXY`, `NO_PROXY`).
//!
//! Redirects are not followed, compression is not asked for, connections are kept and HTTP/1.1 is spoken, as by Java's
//! `HttpURLConnection`.

mod tls;

use connect_data::frame::{Answer, Exchange};
use connect_data::{Error, Result};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Proxy, redirect};
use schema_registry::Transport;
use std::error::Error as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Connections that wait for the next request, for each registry.
const IDLE_CONNECTIONS: usize = 4;

/// Client of one converter. Cheap to share: requests may run at the same time.
pub struct HttpClient {
    tls: rustls::ClientConfig,
    proxy: Option<String>,
    /// The library sets the time for connecting once a client; it is the same for nearly all exchanges.
    client: Mutex<Option<(u32, Client)>>,
}

impl std::fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpClient").field("proxy", &self.proxy).finish_non_exhaustive()
    }
}

impl HttpClient {
    /// Reads the key stores.
    ///
    /// # Errors
    /// Config `registry.tls`, `registry.proxy`: a store that cannot be read or needs a JVM; a setting that cannot be
    /// honoured here.
    pub fn new(transport: &Transport) -> Result<Self> {
        let tls = tls::client_config(&transport.tls)?;
        let proxy = transport.proxy.as_ref().map(|(host, port)| proxy(host, *port)).transpose()?;
        Ok(Self { tls, proxy, client: Mutex::default() })
    }

    /// Sends one request and reads its answer. `delay_ms` is the caller's to wait. Without an answer the status is 0 and
    /// the body says why; the reason holds neither credentials nor the URL.
    ///
    /// Needs a tokio runtime with time and I/O. Dropping the future ends the exchange.
    pub async fn perform(&self, exchange: &Exchange) -> Answer {
        let timeout = Duration::from_millis(u64::from(exchange.timeout_ms));
        let outcome = match tokio::time::timeout(timeout, self.ask(exchange)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(format!("time-out: expected an answer within {} ms", exchange.timeout_ms)),
        };
        outcome.unwrap_or_else(|reason| Answer {
            id: exchange.id,
            status: 0,
            headers: Vec::new(),
            body: reason.into_bytes(),
        })
    }

    async fn ask(&self, exchange: &Exchange) -> std::result::Result<Answer, String> {
        let client = self.client(exchange)?;
        let method = Method::from_bytes(exchange.method.as_bytes())
            .map_err(|_| "request: expected an HTTP method, found another text".to_owned())?;
        let mut request = client.request(method, &exchange.url).headers(headers(&exchange.headers)?);
        if let Some(body) = &exchange.body {
            request = request.body(body.clone());
        }
        let mut response = request.send().await.map_err(|error| reason(exchange, &error))?;
        let limit = exchange.max_response_bytes as usize;
        let too_large = || format!("answer too large: expected at most {limit} bytes, found more");
        if response.content_length().is_some_and(|length| length > limit as u64) {
            return Err(too_large());
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| reason(exchange, &error))? {
            if chunk.len() > limit - body.len() {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        let readable = |value: &HeaderValue| value.to_str().map(str::to_owned).ok();
        let headers = response.headers().iter().filter_map(|(name, value)| Some((name.to_string(), readable(value)?)));
        Ok(Answer { id: exchange.id, status: response.status().as_u16(), headers: headers.collect(), body })
    }

    /// The client whose time for connecting fits the exchange. One with more time does where the whole exchange ends
    /// first.
    fn client(&self, exchange: &Exchange) -> std::result::Result<Client, String> {
        let asked = exchange.connect_timeout_ms;
        let mut kept = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((has, client)) = &*kept
            && (*has == asked || (asked >= exchange.timeout_ms && *has >= asked))
        {
            return Ok(client.clone());
        }
        let mut builder = Client::builder()
            .tls_backend_preconfigured(self.tls.clone())
            .redirect(redirect::Policy::none())
            .referer(false)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .connect_timeout(Duration::from_millis(u64::from(asked)))
            .user_agent(concat!("bucatini/", env!("CARGO_PKG_VERSION")));
        if let Some(proxy) = &self.proxy {
            builder = builder.proxy(Proxy::all(proxy).map_err(|error| error.without_url().to_string())?);
        }
        let client = builder.build().map_err(|error| error.without_url().to_string())?;
        *kept = Some((asked, client.clone()));
        Ok(client)
    }
}

fn headers(pairs: &[(String, String)]) -> std::result::Result<HeaderMap, String> {
    let mut headers = HeaderMap::with_capacity(pairs.len());
    for (name, value) in pairs {
        let parsed = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value.as_bytes()));
        let (Ok(parsed_name), Ok(mut parsed_value)) = parsed else {
            return Err(format!("request header {name}: expected a name and a value that HTTP allows"));
        };
        // Keeps the value out of the library's logs.
        parsed_value.set_sensitive(true);
        headers.append(parsed_name, parsed_value);
    }
    Ok(headers)
}

/// What went wrong, for the operator.
fn reason(exchange: &Exchange, error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("time-out: expected a connection within {} ms", exchange.connect_timeout_ms);
    }
    // The outermost error names the URL, the innermost one says it best; that of TLS says it best of all.
    let mut text = "the request cannot be sent".to_owned();
    let mut tls = false;
    let mut cause = error.source();
    while let Some(inner) = cause {
        let found = of_tls(inner);
        text = found.map_or_else(|| inner.to_string(), rustls::Error::to_string);
        tls = found.is_some();
        cause = inner.source().filter(|_| !tls);
    }
    let what = if error.is_connect() { "no connection" } else { "the connection broke" };
    if !tls {
        return format!("{what}: {text}");
    }
    let remedy = if text.contains("UnknownIssuer") {
        "; the registry's certificate authority is not known: name it by schema.registry.ssl.truststore.location"
    } else {
        ""
    };
    format!("{what}: TLS: {text}{remedy}")
}

/// An error of TLS, also inside of errors of I/O, whose `source` leaves it out.
fn of_tls<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    let wrapped = || error.downcast_ref::<std::io::Error>()?.get_ref();
    error.downcast_ref().or_else(|| of_tls(wrapped()?))
}

fn proxy(host: &str, port: u16) -> Result<String> {
    // Java writes an IPv6 address without brackets.
    let bracketed = host.parse::<std::net::Ipv6Addr>().is_ok();
    let url = if bracketed { format!("http://[{host}]:{port}") } else { format!("http://{host}:{port}") };
    if (bracketed || !host.contains(['@', '/', '?', '#', ':', '\\'])) && Proxy::all(&url).is_ok() {
        return Ok(url);
    }
    let message = "setting proxy.host: expected the name or the address of a host, found something else";
    Err(Error::config("registry.proxy", message))
}

#[cfg(test)]
mod tests;
