package io.bucatini.connect.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsParameters;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import org.apache.kafka.common.config.ConfigException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** TLS and proxies, against servers on this machine. */
@Timeout(120)
class HttpClientsTest {
    private static final String SSL = "schema.registry.ssl.";

    @TempDir
    static Path folder;

    private static TestCertificates certificates;

    private TestRegistry registry;

    @BeforeAll
    static void certificates() throws Exception {
        certificates = new TestCertificates(folder);
    }

    @AfterEach
    void stop() {
        if (registry != null) {
            registry.close();
        }
    }

    /** Starts a registry that shows this certificate. */
    private void serve(String alias, boolean clientMustShowOne, String... protocols) throws Exception {
        SSLContext context = certificates.server(alias);
        registry = new TestRegistry(0, new HttpsConfigurator(context) {
            @Override
            public void configure(HttpsParameters params) {
                SSLParameters parameters = getSSLContext().getDefaultSSLParameters();
                parameters.setNeedClientAuth(clientMustShowOne);
                if (protocols.length > 0) {
                    parameters.setProtocols(protocols);
                }
                params.setSSLParameters(parameters);
            }
        });
        registry.fault = exchange -> {
            exchange.sendResponseHeaders(204, -1);
            exchange.close();
        };
    }

    private static Map<String, String> settings(String... namesAndValues) {
        Map<String, String> settings = new HashMap<>();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            String name = namesAndValues[i];
            settings.put(name.startsWith("proxy.") ? name : SSL + name, namesAndValues[i + 1]);
        }
        return settings;
    }

    private static Map<String, String> joined(Map<String, String> some, Map<String, String> more) {
        Map<String, String> all = new HashMap<>(some);
        all.putAll(more);
        return all;
    }

    private static Map<String, String> trusting(String alias) throws Exception {
        return settings("truststore.location", certificates.trustStore("PKCS12", alias).toString(),
                "truststore.type", "PKCS12", "truststore.password", TestCertificates.PASSWORD);
    }

    private static WireReader get(String url) {
        WireWriter out = new WireWriter(64);
        out.u32(1);
        out.str("GET");
        out.str(url);
        out.u32(0);
        out.u8(0);
        out.u32(0);
        out.u32(10_000);
        out.u32(20_000);
        out.u32(100_000);
        return new WireReader(out.toBytes());
    }

    private static Exchanges.Performed perform(Map<String, String> settings, String url) throws InterruptedException {
        return new Exchanges(new HttpClients(settings), new RegistryMetrics("Test", false)).perform(get(url));
    }

    private void reaches(Map<String, String> settings) throws Exception {
        Exchanges.Performed performed = perform(settings, registry.url() + "/x");
        assertEquals(204, performed.status, () -> new String(performed.answer, StandardCharsets.UTF_8));
    }

    private void failsWith(String reason, Map<String, String> settings) throws Exception {
        Exchanges.Performed performed = perform(settings, registry.url() + "/x");
        String why = new String(performed.answer, StandardCharsets.UTF_8);
        assertEquals(0, performed.status);
        assertTrue(why.contains(reason), why);
    }

    private static String written(String name, String text) {
        try {
            return Files.writeString(folder.resolve(name), text).toString();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void aServerIsTrustedByWhatTheSettingsTrust() throws Exception {
        serve("server", false);
        failsWith("PKIX", Map.of());
        failsWith("PKIX", trusting("stranger"));
        reaches(trusting("ca"));
        String jks = certificates.trustStore("JKS", "ca").toString();
        reaches(settings("truststore.location", jks, "truststore.password", TestCertificates.PASSWORD));
        reaches(settings("truststore.location", jks));
        // As Kafka: the type that is the default also reads the other one.
        reaches(settings("truststore.location", certificates.trustStore("PKCS12", "ca").toString(),
                "truststore.password", TestCertificates.PASSWORD));
        String pem = certificates.pemChain("ca");
        reaches(settings("truststore.type", "PEM", "truststore.certificates", pem));
        reaches(settings("truststore.type", "pem", "truststore.location", written("ca.pem", pem)));
        reaches(settings("truststore.type", "PEM", "truststore.certificates", certificates.pemChain("stranger") + pem));
        // As from a properties file that joins lines.
        reaches(settings("truststore.type", "PEM", "truststore.certificates", pem.replace("\n", " ")));
    }

    @Test
    void theHostMustBeTheCertificates() throws Exception {
        serve("elsewhere", false);
        failsWith("127.0.0.1", trusting("ca"));
        for (String off : new String[] {"", "none"}) {
            Map<String, String> anyHost = settings("endpoint.identification.algorithm", off);
            reaches(joined(trusting("ca"), anyHost));
            failsWith("PKIX", joined(trusting("stranger"), anyHost));
            failsWith("PKIX", anyHost);
        }
    }

    @Test
    void aClientShowsItsCertificate() throws Exception {
        serve("server", true);
        Map<String, String> trusting = trusting("ca");
        assertEquals(0, perform(trusting, registry.url() + "/x").status);
        assertEquals(0, registry.requests.get());
        for (String type : new String[] {"JKS", "PKCS12"}) {
            reaches(joined(trusting, settings("keystore.type", type,
                    "keystore.location", certificates.keyStore(type, "client").toString(),
                    "keystore.password", TestCertificates.PASSWORD, "key.password", TestCertificates.PASSWORD)));
        }
        reaches(joined(trusting, settings("keystore.location", certificates.keyStore("JKS", "client").toString(),
                "keystore.password", TestCertificates.PASSWORD)));
        String chain = certificates.pemChain("client");
        String key = certificates.pemKey("client");
        reaches(joined(trusting, settings("keystore.type", "PEM", "keystore.key", key, "keystore.certificate.chain", chain)));
        reaches(joined(trusting, settings("keystore.type", "PEM", "keystore.location", written("client.pem", key + chain))));
        reaches(joined(trusting, settings("keystore.type", "PEM", "keystore.certificate.chain", chain,
                "keystore.key", certificates.encryptedPemKey("client"), "key.password", TestCertificates.PASSWORD)));
        // One that the server does not know.
        assertEquals(0, perform(joined(trusting, settings("keystore.type", "PEM", "keystore.key", certificates.pemKey("stranger"),
                "keystore.certificate.chain", certificates.pemChain("stranger"))), registry.url() + "/x").status);
    }

    @Test
    void aTokenNeedsNoFile() throws Exception {
        serve("server", true);
        Map<String, String> settings = joined(trusting("ca"), settings("keystore.type", "PKCS11"));
        TestToken token = new TestToken(certificates.keyStore("PKCS12", "client"));
        try {
            reaches(joined(settings, settings("keystore.password", TestCertificates.PASSWORD)));
            Map<String, String> wrong = joined(settings, settings("keystore.password", "0000"));
            ConfigException refused = assertThrows(ConfigException.class, () -> new HttpClients(wrong));
            assertFalse(refused.getMessage().contains("0000"), refused.getMessage());
        } finally {
            token.remove();
        }
    }

    @Test
    void protocolsAndSuitesAreThoseOfTheSettings() throws Exception {
        serve("server", false, "TLSv1.2");
        reaches(trusting("ca"));
        reaches(joined(trusting("ca"), settings("enabled.protocols", "TLSv1.3, TLSv1.2", "protocol", "TLSv1.3")));
        assertEquals(0, perform(joined(trusting("ca"), settings("enabled.protocols", "TLSv1.3")), registry.url() + "/x").status);
        reaches(joined(trusting("ca"), settings("cipher.suites", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256")));
        reaches(joined(trusting("ca"), settings("trustmanager.algorithm", "PKIX", "secure.random.implementation", "DRBG")));
    }

    @Test
    void whatCannotBeReadIsASettingsFault() throws Exception {
        String store = certificates.keyStore("PKCS12", "client").toString();
        for (Map<String, String> wrong : List.of(
            settings("truststore.location", folder.resolve("absent").toString()),
            settings("truststore.location", written("no-store", "hello")),
            // Its certificates are encrypted.
            settings("truststore.location", certificates.trustStore("PKCS12", "ca").toString()),
            settings("truststore.type", "PEM", "truststore.certificates", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"),
            settings("truststore.type", "PEM", "truststore.certificates", "nothing"),
            settings("truststore.type", "NOPE", "truststore.location", store),
            settings("keystore.location", store, "keystore.password", "s3cret"),
            settings("keystore.type", "PEM", "keystore.key", certificates.encryptedPemKey("client"),
                    "keystore.certificate.chain", certificates.pemChain("client"), "key.password", "s3cret"),
            settings("keystore.type", "PEM", "keystore.key", certificates.encryptedPemKey("client"),
                    "keystore.certificate.chain", certificates.pemChain("client")),
            settings("keystore.type", "PEM", "keystore.key", "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----",
                    "keystore.certificate.chain", certificates.pemChain("client")),
            settings("protocol", "NOPE"),
            settings("provider", "NOPE"))) {
            ConfigException refused = assertThrows(ConfigException.class, () -> new HttpClients(wrong), wrong.keySet()::toString);
            assertTrue(refused.getMessage().contains(SSL), refused.getMessage());
            assertFalse(refused.getMessage().contains("s3cret"), refused.getMessage());
        }
    }

    @Test
    void equalSettingsShareAClientUntilAStoreIsRenewed() throws Exception {
        Path store = Files.copy(certificates.trustStore("JKS", "ca"), folder.resolve("renewed.jks"));
        Map<String, String> settings = settings("truststore.location", store.toString());
        HttpClients one = new HttpClients(settings);
        assertSame(one.get(1_000), new HttpClients(settings).get(1_000));
        assertNotSame(one.get(1_000), one.get(2_000));
        assertNotSame(one.get(1_000), new HttpClients(Map.of()).get(1_000));
        assertSame(one.get(1_000), one.get(1_000));
        Files.setLastModifiedTime(store, FileTime.fromMillis(1_000));
        assertNotSame(one.get(1_000), new HttpClients(settings).get(1_000));
    }

    @Test
    void aProxyIsAskedInPlainText() throws Exception {
        AtomicReference<String> seen = new AtomicReference<>();
        HttpServer proxy = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        proxy.createContext("/", exchange -> {
            seen.set(exchange.getRequestURI() + " " + exchange.getRequestHeaders().getFirst("Upgrade"));
            exchange.sendResponseHeaders(204, -1);
            exchange.close();
        });
        proxy.start();
        try {
            // A name that only the proxy needs to know.
            Map<String, String> settings = settings("proxy.host", "localhost", "proxy.port", "" + proxy.getAddress().getPort());
            assertEquals(204, perform(settings, "http://registry.invalid:8081/subjects").status);
            assertEquals("http://registry.invalid:8081/subjects null", seen.get());
        } finally {
            proxy.stop(0);
        }
    }

    @Test
    void aProxyIsTunneledThroughForTls() throws Exception {
        serve("server", false);
        try (TunnelProxy proxy = new TunnelProxy()) {
            Map<String, String> settings = settings("proxy.host", "127.0.0.1", "proxy.port", "" + proxy.port());
            reaches(joined(trusting("ca"), settings));
            assertEquals("CONNECT 127.0.0.1:" + registry.port() + " HTTP/1.1", proxy.asked.get());
        }
    }

    /** As much of a proxy as one CONNECT needs. */
    private static final class TunnelProxy implements AutoCloseable {
        final AtomicReference<String> asked = new AtomicReference<>();
        private final ServerSocket socket = new ServerSocket(0, 5, InetAddress.getLoopbackAddress());

        TunnelProxy() throws IOException {
            start(() -> {
                Socket client = socket.accept();
                StringBuilder head = new StringBuilder();
                while (!head.toString().endsWith("\r\n\r\n")) {
                    head.append((char) client.getInputStream().read());
                }
                asked.set(head.substring(0, head.indexOf("\r\n")));
                String[] target = asked.get().split(" ")[1].split(":");
                Socket server = new Socket(target[0], Integer.parseInt(target[1]));
                client.getOutputStream().write("HTTP/1.1 200 OK\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
                start(() -> server.getInputStream().transferTo(client.getOutputStream()));
                client.getInputStream().transferTo(server.getOutputStream());
            });
        }

        private interface Work {
            void run() throws IOException;
        }

        private static void start(Work work) {
            Thread thread = new Thread(() -> {
                try {
                    work.run();
                } catch (IOException e) {
                    // The other side has ended.
                }
            });
            thread.setDaemon(true);
            thread.start();
        }

        int port() {
            return socket.getLocalPort();
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }
}
