//! TLS as libpq's `sslmode` has it.

use crate::failure::{Failure, PgResult};
use crate::settings::{ConnectionSettings, SslMode};
use connect_data::Error;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Performs the handshake over a connection whose server has agreed to it.
pub(crate) async fn handshake(stream: TcpStream, settings: &ConnectionSettings) -> PgResult<TlsStream<TcpStream>> {
    let config = client_config(settings)?;
    let name = ServerName::try_from(settings.host.clone()).map_err(|_| {
        Error::config(
            "config.invalid",
            "setting database.hostname: expected a host name or address for TLS, found another",
        )
    })?;
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(|e| {
        // A certificate that is refused stays refused.
        if matches!(e.get_ref().and_then(|e| e.downcast_ref()), Some(rustls::Error::InvalidCertificate(_))) {
            return Failure::Final(
                Error::config("postgres.certificate", format!("TLS: the server's certificate is not accepted: {e}"))
                    .hint("check database.sslrootcert, database.hostname and database.sslmode"),
            );
        }
        Failure::Io(format!("TLS handshake: {e}"))
    })
}

/// Whether the mode looks at the server's certificate. As in libpq, require does so if root certificates are named.
fn verifies(settings: &ConnectionSettings) -> bool {
    match settings.ssl_mode {
        SslMode::VerifyCa | SslMode::VerifyFull => true,
        SslMode::Require => settings.ssl_root_cert.is_some(),
        SslMode::Disable | SslMode::Allow | SslMode::Prefer => false,
    }
}

fn client_config(settings: &ConnectionSettings) -> Result<ClientConfig, Error> {
    let provider = Arc::new(ring::default_provider());
    let unusable =
        |e: rustls::Error| Error::config("postgres.tls", format!("TLS: expected usable settings, found: {e}"));
    let verifier: Arc<dyn ServerCertVerifier> = if verifies(settings) {
        let roots = Arc::new(roots(settings)?);
        let inner = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider)).build().map_err(|e| {
            Error::config("postgres.certificate", format!("setting database.sslrootcert: expected roots, found: {e}"))
        })?;
        match settings.ssl_mode {
            SslMode::VerifyFull => inner,
            _ => Arc::new(AnyName(inner)),
        }
    } else {
        Arc::new(AnyCertificate(Arc::clone(&provider)))
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    match (&settings.ssl_cert, &settings.ssl_key) {
        (None, None) => Ok(builder.with_no_client_auth()),
        (Some(cert), Some(key)) => {
            let chain = certificates("database.sslcert", cert)?;
            builder.with_client_auth_cert(chain, private_key(key)?).map_err(unusable)
        }
        _ => Err(Error::config(
            "config.invalid",
            "settings database.sslcert and database.sslkey: expected both or none, found one",
        )),
    }
}

fn roots(settings: &ConnectionSettings) -> Result<RootCertStore, Error> {
    let path = settings.ssl_root_cert.as_deref().ok_or_else(|| {
        Error::config("config.missing", "setting database.sslrootcert: expected a value, found none")
            .hint("verify-ca and verify-full need the certificate of whoever signed the server's, in PEM")
    })?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates("database.sslrootcert", path)? {
        roots.add(certificate).map_err(|e| unreadable("database.sslrootcert", &e.to_string()))?;
    }
    Ok(roots)
}

fn certificates(key: &str, path: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = read.map_err(|e| unreadable(key, &e.to_string()))?;
    if certificates.is_empty() {
        return Err(unreadable(key, "no certificate in it"));
    }
    Ok(certificates)
}

fn private_key(path: &str) -> Result<PrivateKeyDer<'static>, Error> {
    const KEY: &str = "database.sslkey";
    let bytes = std::fs::read(path).map_err(|e| unreadable(KEY, &e.to_string()))?;
    if bytes.starts_with(b"-----") {
        return PrivateKeyDer::from_pem_slice(&bytes).map_err(|_| {
            unreadable(KEY, "no private key in it").hint("an encrypted key has to be decrypted first: openssl pkey")
        });
    }
    Ok(PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(bytes)))
}

fn unreadable(key: &str, why: &str) -> Error {
    Error::config("config.invalid", format!("setting {key}: expected a file in PEM, found: {why}"))
}

/// Encryption without a look at who is there.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// A certificate that a known root has signed, for whatever name.
#[derive(Debug)]
struct AnyName(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match self.0.verify_server_cert(end_entity, intermediates, name, ocsp, now) {
            // The name is looked at last.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            result => result,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
