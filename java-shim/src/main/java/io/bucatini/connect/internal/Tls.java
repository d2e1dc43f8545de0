package io.bucatini.connect.internal;

import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.SecureRandom;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.Locale;
import java.util.Map;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import javax.net.ssl.X509TrustManager;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.config.SslConfigs;

/**
 * Kafka's {@code ssl.*} settings as what the JDK makes connections with. The core has checked that they fit together
 * (transport.rs); what takes files and security providers happens here. Store types are those that the JVM's providers know.
 */
final class Tls {
    private static final String PEM = "PEM";

    private final Map<String, String> settings;
    private final String prefix;

    /**
     * @param settings those with the prefix
     * @param prefix what stands before {@code ssl.}
     */
    Tls(Map<String, String> settings, String prefix) {
        this.settings = settings;
        this.prefix = prefix;
    }

    /**
     * Null if nothing asks for another context than the JVM's own, which trusts what {@code javax.net.ssl.*} say.
     *
     * @throws ConfigException if a store cannot be read
     */
    SSLContext context() {
        TrustManager[] trusted = trustManagers();
        KeyManager[] keys = keyManagers();
        String protocol = get(SslConfigs.SSL_PROTOCOL_CONFIG);
        String provider = get(SslConfigs.SSL_PROVIDER_CONFIG);
        if (trusted == null && keys == null && protocol == null && provider == null) {
            return null;
        }
        try {
            String name = protocol == null ? SslConfigs.DEFAULT_SSL_PROTOCOL : protocol;
            SSLContext context = provider == null ? SSLContext.getInstance(name) : SSLContext.getInstance(name, provider);
            String random = get(SslConfigs.SSL_SECURE_RANDOM_IMPLEMENTATION_CONFIG);
            context.init(keys, trusted, random == null ? null : SecureRandom.getInstance(random));
            return context;
        } catch (GeneralSecurityException e) {
            throw refused(SslConfigs.SSL_PROTOCOL_CONFIG, e);
        }
    }

    /** Null if nothing asks for other protocols and cipher suites than the context's. */
    SSLParameters parameters() {
        String protocols = get(SslConfigs.SSL_ENABLED_PROTOCOLS_CONFIG);
        String suites = get(SslConfigs.SSL_CIPHER_SUITES_CONFIG);
        if (protocols == null && suites == null) {
            return null;
        }
        SSLParameters parameters = new SSLParameters();
        if (protocols != null) {
            parameters.setProtocols(protocols.split("\\s*,\\s*"));
        }
        if (suites != null) {
            parameters.setCipherSuites(suites.split("\\s*,\\s*"));
        }
        return parameters;
    }

    private TrustManager[] trustManagers() {
        boolean verifiesHost = verifiesHost();
        String algorithm = get(SslConfigs.SSL_TRUSTMANAGER_ALGORITHM_CONFIG);
        String type = type(SslConfigs.SSL_TRUSTSTORE_TYPE_CONFIG);
        String location = get(SslConfigs.SSL_TRUSTSTORE_LOCATION_CONFIG);
        String certificates = get(SslConfigs.SSL_TRUSTSTORE_CERTIFICATES_CONFIG);
        if (location == null && certificates == null && isFile(type) && algorithm == null && verifiesHost) {
            return null;
        }
        try {
            KeyStore store = null;
            if (type.equals(PEM) && (location != null || certificates != null)) {
                store = Pem.trusting(certificates == null ? text(location) : certificates);
            } else if (location != null || !isFile(type)) {
                store = loaded(type, location, password(SslConfigs.SSL_TRUSTSTORE_PASSWORD_CONFIG));
            }
            if (store != null && isFile(type) && store.size() == 0) {
                throw new GeneralSecurityException("nothing in it can be read; is its password missing?");
            }
            TrustManagerFactory factory = TrustManagerFactory.getInstance(
                    algorithm == null ? TrustManagerFactory.getDefaultAlgorithm() : algorithm);
            factory.init(store);
            TrustManager[] managers = factory.getTrustManagers();
            for (int i = 0; i < managers.length && !verifiesHost; i++) {
                if (managers[i] instanceof X509TrustManager) {
                    managers[i] = new AnyHost((X509TrustManager) managers[i]);
                }
            }
            return managers;
        } catch (GeneralSecurityException | IOException e) {
            throw refused(SslConfigs.SSL_TRUSTSTORE_LOCATION_CONFIG, e);
        }
    }

    private KeyManager[] keyManagers() {
        String type = type(SslConfigs.SSL_KEYSTORE_TYPE_CONFIG);
        String location = get(SslConfigs.SSL_KEYSTORE_LOCATION_CONFIG);
        String key = get(SslConfigs.SSL_KEYSTORE_KEY_CONFIG);
        if (location == null && key == null && isFile(type)) {
            return null;
        }
        try {
            char[] storePassword = password(SslConfigs.SSL_KEYSTORE_PASSWORD_CONFIG);
            char[] keyPassword = password(SslConfigs.SSL_KEY_PASSWORD_CONFIG);
            KeyStore store;
            if (type.equals(PEM)) {
                String text = location == null ? null : text(location);
                String chain = settings.get(prefix + SslConfigs.SSL_KEYSTORE_CERTIFICATE_CHAIN_CONFIG);
                store = Pem.holding(text == null ? key : text, text == null ? chain : text, keyPassword);
                keyPassword = Pem.PASSWORD;
            } else {
                store = loaded(type, location, storePassword);
            }
            String algorithm = get(SslConfigs.SSL_KEYMANAGER_ALGORITHM_CONFIG);
            KeyManagerFactory factory = KeyManagerFactory.getInstance(
                    algorithm == null ? KeyManagerFactory.getDefaultAlgorithm() : algorithm);
            factory.init(store, keyPassword == null ? storePassword : keyPassword);
            return factory.getKeyManagers();
        } catch (GeneralSecurityException | IOException e) {
            throw refused(SslConfigs.SSL_KEYSTORE_LOCATION_CONFIG, e);
        }
    }

    /** A location of null is for stores that are no files: tokens, the operating system's. */
    private static KeyStore loaded(String type, String location, char[] password) throws GeneralSecurityException, IOException {
        KeyStore store = KeyStore.getInstance(type);
        if (location == null) {
            store.load(null, password);
            return store;
        }
        try (InputStream in = Files.newInputStream(Path.of(location))) {
            store.load(in, password);
        }
        return store;
    }

    private static String text(String location) throws IOException {
        return Files.readString(Path.of(location), StandardCharsets.US_ASCII);
    }

    /** As the core decided: https, or nothing at all, verifies. */
    private boolean verifiesHost() {
        String algorithm = settings.get(prefix + SslConfigs.SSL_ENDPOINT_IDENTIFICATION_ALGORITHM_CONFIG);
        return algorithm == null || algorithm.trim().equalsIgnoreCase("https");
    }

    private String type(String name) {
        String type = get(name);
        return type == null ? SslConfigs.DEFAULT_SSL_KEYSTORE_TYPE : type.toUpperCase(Locale.ROOT);
    }

    private static boolean isFile(String type) {
        return type.equals("JKS") || type.equals("PKCS12") || type.equals(PEM);
    }

    private String get(String name) {
        String value = settings.get(prefix + name);
        return value == null || value.isBlank() ? null : value.trim();
    }

    private char[] password(String name) {
        String value = settings.get(prefix + name);
        return value == null || value.isEmpty() ? null : value.toCharArray();
    }

    /** What the JDK says of a store names no password. */
    private ConfigException refused(String name, Exception e) {
        return new ConfigException("setting " + prefix + name + " and those that belong to it: the JVM cannot use them ("
                + e.getClass().getSimpleName() + (e.getMessage() == null ? "" : ": " + e.getMessage()) + ") [registry.tls]");
    }

    /** Verifies the chain of certificates but not whose it is: handing on no connection leaves the host unknown. */
    private static final class AnyHost extends X509ExtendedTrustManager {
        private final X509TrustManager chains;

        AnyHost(X509TrustManager chains) {
            this.chains = chains;
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String kind) throws CertificateException {
            chains.checkServerTrusted(chain, kind);
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String kind, Socket socket) throws CertificateException {
            chains.checkServerTrusted(chain, kind);
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String kind, SSLEngine engine) throws CertificateException {
            chains.checkServerTrusted(chain, kind);
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String kind) throws CertificateException {
            chains.checkClientTrusted(chain, kind);
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String kind, Socket socket) throws CertificateException {
            chains.checkClientTrusted(chain, kind);
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String kind, SSLEngine engine) throws CertificateException {
            chains.checkClientTrusted(chain, kind);
        }

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return chains.getAcceptedIssuers();
        }
    }
}
