//! Against servers on loopback that misbehave in one way each.

use super::*;
use connect_data::Properties;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

static AUTHORITIES: AtomicU32 = AtomicU32::new(0);

/// A certificate authority.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate with its key, both PEM.
struct Certificate {
    chain: String,
    key: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        // Two authorities of one name would differ in their signatures only.
        let name = AUTHORITIES.fetch_add(1, Ordering::Relaxed).to_string();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    fn sign(&self, name: &str, usage: ExtendedKeyUsagePurpose) -> Certificate {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate().unwrap();
        let signed = params.signed_by(&key, &self.issuer).unwrap();
        Certificate { chain: signed.pem(), key: key.serialize_pem() }
    }

    fn acceptor(&self, name: &str, clients: bool) -> TlsAcceptor {
        let own = self.sign(name, ExtendedKeyUsagePurpose::ServerAuth);
        let certificates = |pem: &str| vec![CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()];
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if clients {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(certificates(&self.pem).remove(0)).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes()).unwrap();
        TlsAcceptor::from(Arc::new(builder.with_single_cert(certificates(&own.chain), key).unwrap()))
    }
}

/// What the server does after it has read the head of a request.
#[derive(Clone)]
enum Behaviour {
    /// Writes this and keeps the connection.
    Answer(String),
    /// Writes this and then nothing more.
    Stall(String),
    /// Closes the connection with a reset.
    Reset,
}

fn ok(body: &str) -> Behaviour {
    Behaviour::Answer(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nX-Seen: yes\r\n\r\n{body}", body.len()))
}

struct Server {
    port: u16,
    /// Heads of requests.
    heads: mpsc::UnboundedReceiver<String>,
    connections: mpsc::UnboundedReceiver<()>,
}

impl Server {
    async fn start(tls: Option<TlsAcceptor>, behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (head_sender, heads) = mpsc::unbounded_channel();
        let (connection_sender, connections) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = connection_sender.send(());
                let (tls, behaviour, heads) = (tls.clone(), behaviour.clone(), head_sender.clone());
                tokio::spawn(async move {
                    if let (Behaviour::Reset, None) = (&behaviour, &tls) {
                        return reset(stream, &heads).await;
                    }
                    match tls {
                        None => serve(stream, behaviour, heads).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, behaviour, heads).await;
                            }
                        }
                    }
                });
            }
        });
        Self { port, heads, connections }
    }

    fn url(&self) -> String {
        format!("http://localhost:{}/schemas/ids/1?fetch=a%2Fb", self.port)
    }

    fn url_tls(&self) -> String {
        self.url().replace("http:", "https:")
    }

    fn head(&mut self) -> String {
        self.heads.try_recv().unwrap()
    }
}

async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let length =
        head.to_lowercase().split("content-length: ").nth(1).map(|rest| rest.lines().next().unwrap().to_owned());
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).await.ok()?;
    Some(head + &String::from_utf8(body).unwrap())
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    behaviour: Behaviour,
    heads: mpsc::UnboundedSender<String>,
) {
    while let Some(head) = read_head(&mut stream).await {
        let _ = heads.send(head);
        match &behaviour {
            Behaviour::Answer(answer) => stream.write_all(answer.as_bytes()).await.unwrap(),
            Behaviour::Stall(start) => {
                stream.write_all(start.as_bytes()).await.unwrap();
                stream.flush().await.unwrap();
                std::future::pending::<()>().await;
            }
            Behaviour::Reset => return,
        }
        stream.flush().await.unwrap();
    }
}

async fn reset(mut stream: TcpStream, heads: &mpsc::UnboundedSender<String>) {
    // Unread bytes at the time of closing make the system send a reset.
    let first = stream.read_u8().await;
    let _ = heads.send(format!("{first:?}"));
}

const PEM: (&str, &str) = ("schema.registry.ssl.truststore.type", "PEM");

fn exchange(url: String) -> Exchange {
    Exchange {
        id: 7,
        method: "GET".to_owned(),
        url,
        headers: vec![("Authorization".to_owned(), "Basic c2VjcmV0".to_owned())],
        body: None,
        delay_ms: 0,
        connect_timeout_ms: 5_000,
        timeout_ms: 10_000,
        max_response_bytes: 100,
    }
}

fn client(settings: &[(&str, &str)]) -> HttpClient {
    HttpClient::new(&Transport::new(&Properties::from_iter(settings.iter().copied())).unwrap()).unwrap()
}

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.clone()).unwrap()
}

fn failure(answer: &Answer) -> String {
    let reason = text(answer);
    assert_eq!((answer.id, answer.status), (7, 0), "{reason}");
    assert!(!reason.contains("secret") && !reason.contains("c2VjcmV0") && !reason.contains("schemas"), "{reason}");
    reason
}

#[tokio::test]
async fn requests_arrive_as_given_and_connections_are_kept() {
    let mut server = Server::start(None, ok("{}")).await;
    let client = client(&[]);
    let mut post = exchange(server.url());
    post.method = "POST".to_owned();
    post.body = Some(b"{\"schema\":1}".to_vec());
    for _ in 0..3 {
        let answer = client.perform(&post).await;
        assert_eq!((answer.id, answer.status, text(&answer).as_str()), (7, 200, "{}"));
        assert!(answer.headers.contains(&("x-seen".to_owned(), "yes".to_owned())));
        let head = server.head().to_lowercase();
        assert!(head.starts_with("post /schemas/ids/1?fetch=a%2fb http/1.1\r\n"), "{head}");
        assert!(head.contains("authorization: basic c2vjcmv0\r\n") && head.ends_with("{\"schema\":1}"), "{head}");
        assert!(!head.contains("accept-encoding") && !head.contains("referer"), "{head}");
    }
    server.connections.try_recv().unwrap();
    assert!(server.connections.try_recv().is_err(), "one connection for three requests");
}

#[tokio::test]
async fn statuses_and_redirects_are_answers() {
    let moved = "HTTP/1.1 307 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n".to_owned();
    let server = Server::start(None, Behaviour::Answer(moved)).await;
    let answer = client(&[]).perform(&exchange(server.url())).await;
    assert_eq!(answer.status, 307);
    assert!(answer.headers.contains(&("location".to_owned(), "http://127.0.0.1:1/".to_owned())));
}

#[tokio::test]
async fn nobody_there() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let answer = client(&[]).perform(&exchange(format!("http://127.0.0.1:{port}/schemas"))).await;
    assert!(failure(&answer).starts_with("no connection: Connection refused"), "{}", text(&answer));
    let answer = client(&[]).perform(&exchange("http://registry.invalid/schemas".to_owned())).await;
    assert!(failure(&answer).starts_with("no connection: "), "{}", text(&answer));
    let answer = client(&[]).perform(&exchange("no url".to_owned())).await;
    failure(&answer);
}

#[tokio::test]
async fn a_stalled_registry_ends_at_the_time_out() {
    for start in ["", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"] {
        let server = Server::start(None, Behaviour::Stall(start.to_owned())).await;
        let mut slow = exchange(server.url());
        slow.timeout_ms = 150;
        let began = std::time::Instant::now();
        let answer = client(&[]).perform(&slow).await;
        assert_eq!(failure(&answer), "time-out: expected an answer within 150 ms");
        assert!(began.elapsed() < Duration::from_secs(30));
    }
}

#[tokio::test]
async fn a_handshake_that_never_ends_counts_as_connecting() {
    // Accepts connections and says nothing: the client waits for the server's part of the handshake.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut slow = exchange(format!("https://127.0.0.1:{port}/"));
    slow.connect_timeout_ms = 150;
    let answer = client(&[]).perform(&slow).await;
    assert_eq!(failure(&answer), "time-out: expected a connection within 150 ms");
}

#[tokio::test]
async fn bodies_are_read_up_to_the_limit_only() {
    let exact = "x".repeat(100);
    let server = Server::start(None, ok(&exact)).await;
    assert_eq!(text(&client(&[]).perform(&exchange(server.url())).await), exact);
    // Announced, and not announced but endless.
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
    for huge in [
        format!("HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n{exact}x"),
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{}", chunk.repeat(50)),
    ] {
        let server = Server::start(None, Behaviour::Stall(huge)).await;
        let answer = client(&[]).perform(&exchange(server.url())).await;
        assert_eq!(failure(&answer), "answer too large: expected at most 100 bytes, found more");
    }
}

#[tokio::test]
async fn broken_connections_and_broken_http() {
    let server = Server::start(None, Behaviour::Reset).await;
    let answer = client(&[]).perform(&exchange(server.url())).await;
    assert!(failure(&answer).starts_with("the connection broke: "), "{}", text(&answer));
    for (broken, start) in [
        ("SSH-2.0-OpenSSH\r\n\r\n", "the connection broke: "),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "the connection broke: "),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            read_head(&mut stream).await.unwrap();
            stream.write_all(broken.as_bytes()).await.unwrap();
        });
        let answer = client(&[]).perform(&exchange(format!("http://127.0.0.1:{port}/"))).await;
        assert!(failure(&answer).starts_with(start), "{}", text(&answer));
    }
}

#[tokio::test]
async fn header_values_that_http_forbids_are_not_sent() {
    let mut server = Server::start(None, ok("")).await;
    let mut bad = exchange(server.url());
    bad.headers.push(("X-A".to_owned(), "secret\r\nX-B: c".to_owned()));
    let answer = client(&[]).perform(&bad).await;
    assert_eq!(failure(&answer), "request header X-A: expected a name and a value that HTTP allows");
    assert!(server.heads.try_recv().is_err());
}

#[tokio::test]
async fn only_known_authorities_are_trusted() {
    let authority = Authority::new();
    let server = Server::start(Some(authority.acceptor("localhost", false)), ok("{}")).await;
    let right = client(&[PEM, ("schema.registry.ssl.truststore.certificates", &authority.pem)]);
    assert_eq!(right.perform(&exchange(server.url_tls())).await.status, 200);
    let other = Authority::new().pem;
    for wrong in [client(&[PEM, ("schema.registry.ssl.truststore.certificates", &other)]), client(&[])] {
        let reason = failure(&wrong.perform(&exchange(server.url_tls())).await);
        assert!(reason.starts_with("no connection: TLS: "), "{reason}");
        assert!(reason.contains("UnknownIssuer") && reason.contains("ssl.truststore.location"), "{reason}");
    }
    // TLS where there is none, and the other way round.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_u8().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    });
    let reason = failure(&right.perform(&exchange(format!("https://localhost:{port}/"))).await);
    assert!(reason.starts_with("no connection: TLS: received corrupt message"), "{reason}");
    failure(&right.perform(&exchange(server.url())).await);
}

#[tokio::test]
async fn the_name_is_checked_unless_switched_off() {
    let authority = Authority::new();
    let server = Server::start(Some(authority.acceptor("registry.example", false)), ok("{}")).await;
    let trust = ("schema.registry.ssl.truststore.certificates", authority.pem.as_str());
    let algorithm = "schema.registry.ssl.endpoint.identification.algorithm";
    let reason = failure(&client(&[PEM, trust]).perform(&exchange(server.url_tls())).await);
    assert!(reason.contains("TLS") && reason.contains("registry.example"), "{reason}");
    let any_name = client(&[PEM, trust, (algorithm, "")]);
    assert_eq!(any_name.perform(&exchange(server.url_tls())).await.status, 200);
    // Without the name the authority still counts.
    let other = Authority::new().pem;
    let any_name = client(&[PEM, ("schema.registry.ssl.truststore.certificates", &other), (algorithm, "")]);
    let reason = failure(&any_name.perform(&exchange(server.url_tls())).await);
    assert!(reason.contains("UnknownIssuer"), "{reason}");
}

#[tokio::test]
async fn client_certificates_are_shown() {
    let authority = Authority::new();
    let server = Server::start(Some(authority.acceptor("localhost", true)), ok("{}")).await;
    let own = authority.sign("someone", ExtendedKeyUsagePurpose::ClientAuth);
    let trust = ("schema.registry.ssl.truststore.certificates", authority.pem.as_str());
    let known = client(&[
        PEM,
        trust,
        ("schema.registry.ssl.keystore.type", "PEM"),
        ("schema.registry.ssl.keystore.key", &own.key),
        ("schema.registry.ssl.keystore.certificate.chain", &own.chain),
    ]);
    assert_eq!(known.perform(&exchange(server.url_tls())).await.status, 200);
    let unknown = client(&[PEM, trust]).perform(&exchange(server.url_tls())).await;
    failure(&unknown);
    let stranger = Authority::new().sign("someone", ExtendedKeyUsagePurpose::ClientAuth);
    let unknown = client(&[
        PEM,
        trust,
        ("schema.registry.ssl.keystore.type", "PEM"),
        ("schema.registry.ssl.keystore.key", &stranger.key),
        ("schema.registry.ssl.keystore.certificate.chain", &stranger.chain),
    ]);
    failure(&unknown.perform(&exchange(server.url_tls())).await);
}

#[tokio::test]
async fn a_proxy_gets_every_request() {
    // Without TLS the proxy sees the whole URL, with TLS it is asked for a tunnel.
    let mut proxy = Server::start(None, ok("{}")).await;
    let port = proxy.port.to_string();
    let proxied = client(&[("proxy.host", "127.0.0.1"), ("proxy.port", &port)]);
    let answer = proxied.perform(&exchange("http://registry.example:8081/subjects".to_owned())).await;
    assert_eq!(answer.status, 200);
    assert!(proxy.head().starts_with("GET http://registry.example:8081/subjects HTTP/1.1\r\n"));
    let answer = proxied.perform(&exchange("https://registry.example:8081/subjects".to_owned())).await;
    assert_eq!(answer.status, 0, "the proxy answers like a registry, which is no TLS");
    let head = proxy.head();
    assert!(head.starts_with("CONNECT registry.example:8081 HTTP/1.1\r\n") && !head.contains("c2VjcmV0"), "{head}");
}

#[test]
fn unusable_proxies_are_refused() {
    for host in ["joe:s3cret@a", "a b", "a/b", "http://a", "a:1", "[::1]"] {
        let error = proxy(host, 80).unwrap_err();
        assert_eq!(error.code(), "registry.proxy", "{host}");
        assert!(!error.to_string().contains("s3cret"));
    }
    assert_eq!(proxy("::1", 80).unwrap(), "http://[::1]:80");
    assert_eq!(proxy("proxy.example", 3128).unwrap(), "http://proxy.example:3128");
}

#[tokio::test]
async fn the_time_for_connecting_is_the_exchanges() {
    let client = client(&[]);
    let mut exchange = exchange("http://127.0.0.1:1/".to_owned());
    let kept = |client: &HttpClient| client.client.lock().unwrap().as_ref().unwrap().0;
    for (connect, total, expected) in [(5_000, 10_000, 5_000), (300, 300, 5_000), (300, 900, 300), (700, 700, 700)] {
        (exchange.connect_timeout_ms, exchange.timeout_ms) = (connect, total);
        failure(&client.perform(&exchange).await);
        assert_eq!(kept(&client), expected);
    }
}
