//! TLS settings as Kafka spells them ([`schema_registry::transport`] checks them), for rustls.
//!
//! Stores may be PEM or PKCS12, whatever their type says: the content shows it, and a store of type JKS may be PKCS12 in
//! Java as well. Real JKS and stores of other types, such as PKCS11, need a JVM: they are refused with a remedy.

use connect_data::{Error, Result};
use p12_keystore::{KeyStore, KeyStoreEntry, Pkcs12ImportPolicy};
use pkcs8::der::asn1::OctetStringRef;
use pkcs8::der::{Decode, Encode, SecretDocument};
use pkcs8::spki::SubjectPublicKeyInfoRef;
use pkcs8::{EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme, SupportedProtocolVersion};
use schema_registry::transport::{Secret, Store as Setting, Tls};
use sec1::EcPrivateKey;
use std::sync::Arc;

/// A key or trust store, or a part of one that is given as text.
struct Store {
    /// The setting that names it, without `schema.registry.ssl.`.
    setting: &'static str,
    bytes: Vec<u8>,
}

enum Format {
    Pem,
    Pkcs12,
}

impl Store {
    fn text(setting: &'static str, text: &Secret) -> Self {
        Self { setting, bytes: text.reveal().as_bytes().to_vec() }
    }

    fn file(setting: &'static str, path: &str) -> Result<Self> {
        match std::fs::read(path) {
            Ok(bytes) => Ok(Self { setting, bytes }),
            Err(error) => Err(invalid(setting, "a file that can be read", &error.kind().to_string())),
        }
    }

    fn format(&self) -> Result<Format> {
        match *self.bytes.as_slice() {
            [0xFE, 0xED, 0xFE, 0xED, ..] | [0xCE, 0xCE, 0xCE, 0xCE, ..] => {
                let error = invalid(self.setting, "PEM or PKCS12", "a Java key store (JKS)");
                Err(error.hint(
                    "convert it: keytool -importkeystore -srckeystore FILE -destkeystore FILE.p12 -deststoretype PKCS12",
                ))
            }
            [0x30, ..] => Ok(Format::Pkcs12),
            _ if find(&self.bytes, b"-----BEGIN ").is_some() => Ok(Format::Pem),
            _ => Err(invalid(self.setting, "PEM or PKCS12", "neither")),
        }
    }

    fn pem_certificates(&self) -> Result<Vec<CertificateDer<'static>>> {
        let found: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.bytes).collect();
        match found {
            Ok(certificates) if !certificates.is_empty() => Ok(certificates),
            Ok(_) => Err(invalid(self.setting, "at least one certificate", "none")),
            Err(_) => Err(invalid(self.setting, "certificates in PEM", "damaged PEM")),
        }
    }

    fn pkcs12(&self, password: Option<&Secret>, policy: Pkcs12ImportPolicy) -> Result<KeyStore> {
        let password = password.map_or("", Secret::reveal);
        // The library's reasons are not repeated: they may quote what they read.
        KeyStore::from_pkcs12(&self.bytes, password, policy).map_err(|_| {
            invalid(self.setting, "a PKCS12 file and its password", "a file that the password does not open")
        })
    }
}

/// The configuration for connections to registries.
///
/// # Errors
/// Config `registry.tls`.
pub(super) fn client_config(settings: &Tls) -> Result<ClientConfig> {
    let provider = Arc::new(provider(&settings.cipher_suites)?);
    let roots = Arc::new(roots(settings.trusted.as_ref())?);
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&versions(&settings.protocols)?)
        .map_err(|_| invalid("cipher.suites", "suites for the versions in enabled.protocols", "none"))?;
    let builder = if settings.verifies_host {
        builder.with_root_certificates(roots)
    } else {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyName { roots, provider }))
    };
    let Some(store) = &settings.identity else { return Ok(builder.with_no_client_auth()) };
    let (chain, key) = identity(store)?;
    let key = with_public_part(&key, chain.first()).unwrap_or(key);
    builder.with_client_auth_cert(chain, key).map_err(|error| {
        let expected = "a private key and the chain of its certificate";
        invalid("keystore", expected, &format!("something else ({error})"))
    })
}

/// The cryptography, cut to the suites that are allowed. rustls names them as Java does, but for a `13` in some.
fn provider(suites: &[String]) -> Result<CryptoProvider> {
    let mut provider = ring::default_provider();
    if suites.is_empty() {
        return Ok(provider);
    }
    provider.cipher_suites.retain(|suite| {
        let name = format!("{:?}", suite.suite()).replace("TLS13_", "TLS_");
        suites.contains(&name)
    });
    if provider.cipher_suites.is_empty() {
        return Err(invalid("cipher.suites", "at least one suite with forward secrecy and AEAD", "none"));
    }
    Ok(provider)
}

fn versions(names: &[String]) -> Result<Vec<&'static SupportedProtocolVersion>> {
    if names.is_empty() {
        return Ok(rustls::ALL_VERSIONS.to_vec());
    }
    let named = |name: &String| match name.as_str() {
        "TLSv1.3" => Some(&rustls::version::TLS13),
        "TLSv1.2" => Some(&rustls::version::TLS12),
        _ => None,
    };
    let found: Vec<_> = names.iter().filter_map(named).collect();
    if found.is_empty() {
        return Err(invalid("enabled.protocols", "TLSv1.3 or TLSv1.2 among them", "neither"));
    }
    Ok(found)
}

fn refuse_type(setting: &'static str, store: &Setting) -> Result<()> {
    if ["PEM", "PKCS12", "JKS"].contains(&store.kind.as_str()) {
        return Ok(());
    }
    let error = invalid(setting, "PEM or PKCS12", &store.kind);
    Err(error.hint("other stores need a JVM: use Kafka Connect, or give key and certificates as PEM"))
}

/// Who may have signed a registry's certificate.
fn roots(setting: Option<&Setting>) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let Some(setting) = setting else {
        // A machine without any may still ask a registry without TLS; a handshake then says what is missing.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        return Ok(roots);
    };
    refuse_type("truststore.type", setting)?;
    let store = match (&setting.certificates, &setting.location) {
        (Some(text), _) => Store::text("truststore.certificates", text),
        (None, Some(path)) => Store::file("truststore.location", path)?,
        (None, None) => return Err(invalid("truststore.location", "a file", "none")),
    };
    let certificates = match store.format()? {
        Format::Pem => store.pem_certificates()?,
        Format::Pkcs12 => {
            let password = setting.password.as_ref();
            let trusted = certificates(&store.pkcs12(password, Pkcs12ImportPolicy::Strict)?);
            // Only Java marks certificates as trusted; a store made by OpenSSL holds them without the mark.
            if trusted.is_empty() { certificates(&store.pkcs12(password, Pkcs12ImportPolicy::Raw)?) } else { trusted }
        }
    };
    let (usable, _) = roots.add_parsable_certificates(certificates);
    if usable == 0 {
        return Err(invalid(store.setting, "at least one certificate authority", "none"));
    }
    Ok(roots)
}

fn certificates(store: &KeyStore) -> Vec<CertificateDer<'static>> {
    let entries = store.entries().filter_map(|(_, entry)| match entry {
        KeyStoreEntry::Certificate(certificate) => Some(CertificateDer::from(certificate.as_der().to_vec())),
        _ => None,
    });
    entries.collect()
}

/// What a client proves who it is with.
fn identity(setting: &Setting) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    refuse_type("keystore.type", setting)?;
    let key_password = setting.key_password.as_ref();
    if let (Some(key), Some(chain)) = (&setting.key, &setting.certificates) {
        let key = private_key(&Store::text("keystore.key", key), key_password)?;
        return Ok((Store::text("keystore.certificate.chain", chain).pem_certificates()?, key));
    }
    let path = setting.location.as_ref().ok_or_else(|| invalid("keystore.location", "a file", "none"))?;
    let store = Store::file("keystore.location", path)?;
    if let Format::Pem = store.format()? {
        let key = private_key(&store, key_password)?;
        return Ok((store.pem_certificates()?, key));
    }
    let entries = store.pkcs12(setting.password.as_ref(), Pkcs12ImportPolicy::Strict)?;
    let (_, entry) = entries
        .private_key_chain()
        .ok_or_else(|| invalid(store.setting, "a private key with its certificate", "none"))?;
    let chain = entry.certs().iter().map(|c| CertificateDer::from(c.as_der().to_vec())).collect();
    Ok((chain, PrivatePkcs8KeyDer::from(entry.key().as_der().to_vec()).into()))
}

/// The key in a PEM text. Kafka takes PKCS #8 only; the older forms are read as well.
fn private_key(store: &Store, password: Option<&Secret>) -> Result<PrivateKeyDer<'static>> {
    const BEGIN: &[u8] = b"-----BEGIN ENCRYPTED PRIVATE KEY-----";
    const END: &[u8] = b"-----END ENCRYPTED PRIVATE KEY-----";
    let Some(start) = find(&store.bytes, BEGIN) else {
        let damaged = |_| invalid(store.setting, "a private key in PEM", "none, or a damaged one");
        return PrivateKeyDer::from_pem_slice(&store.bytes).map_err(damaged);
    };
    let rest = store.bytes.get(start..).unwrap_or_default();
    let section = find(rest, END).and_then(|end| rest.get(..end + END.len()));
    let text = section.and_then(|section| std::str::from_utf8(section).ok()).unwrap_or_default();
    let damaged = || invalid(store.setting, "an encrypted private key in PEM", "a damaged one");
    let (_, document) = SecretDocument::from_pem(text).map_err(|_| damaged())?;
    let encrypted = EncryptedPrivateKeyInfoRef::from_der(document.as_bytes()).map_err(|_| damaged())?;
    let key = encrypted.decrypt(password.map_or("", Secret::reveal)).map_err(|_| {
        let found = "a key that schema.registry.ssl.key.password does not open";
        invalid(store.setting, "an encrypted private key and its password", found)
    })?;
    Ok(PrivatePkcs8KeyDer::from(key.as_bytes().to_vec()).into())
}

/// Java leaves the public part out of keys of elliptic curves, and ring does not compute it. The certificate has it, too.
/// `None` = it is no such key, or complete.
fn with_public_part(
    key: &PrivateKeyDer<'_>,
    certificate: Option<&CertificateDer<'_>>,
) -> Option<PrivateKeyDer<'static>> {
    let PrivateKeyDer::Pkcs8(key) = key else { return None };
    let info = PrivateKeyInfoRef::from_der(key.secret_pkcs8_der()).ok()?;
    let short = EcPrivateKey::from_der(info.private_key.as_bytes()).ok().filter(|key| key.public_key.is_none())?;
    let subject = webpki::EndEntityCert::try_from(certificate?).ok()?.subject_public_key_info();
    let subject = SubjectPublicKeyInfoRef::from_der(subject.as_ref()).ok()?;
    let full = EcPrivateKey { public_key: subject.subject_public_key.as_bytes(), ..short }.to_der().ok()?;
    let full = PrivateKeyInfoRef::new(info.algorithm, OctetStringRef::new(&full).ok()?).to_der().ok()?;
    Some(PrivatePkcs8KeyDer::from(full).into())
}

/// Checks everything but the name: `ssl.endpoint.identification.algorithm=`.
#[derive(Debug)]
struct AnyName {
    roots: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        let certificate = ParsedCertificate::try_from(certificate)?;
        let algorithms = self.provider.signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&certificate, &self.roots, intermediates, now, algorithms)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

fn invalid(setting: &str, expected: &str, found: &str) -> Error {
    Error::config("registry.tls", format!("setting schema.registry.ssl.{setting}: expected {expected}, found {found}"))
}

#[cfg(test)]
mod tests;
