package io.bucatini.connect.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.SecureRandom;
import java.security.cert.Certificate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import javax.crypto.Cipher;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;
import javax.crypto.spec.PBEParameterSpec;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * An authority, what it signed ({@code server} for 127.0.0.1 and localhost, {@code elsewhere} for another host, {@code client})
 * and a {@code stranger} that signed itself; made by keytool, in one store.
 */
final class TestCertificates {
    static final String PASSWORD = "macaroni";

    private final Path folder;
    private final KeyStore all;

    TestCertificates(Path folder) throws Exception {
        this.folder = folder;
        Path store = folder.resolve("all.p12");
        make(store, "ca", "-dname", "CN=authority", "-ext", "bc:c");
        make(store, "server", "-signer", "ca", "-dname", "CN=server", "-ext", "san=ip:127.0.0.1,dns:localhost");
        make(store, "elsewhere", "-signer", "ca", "-dname", "CN=elsewhere", "-ext", "san=dns:elsewhere.example");
        make(store, "client", "-signer", "ca", "-dname", "CN=client");
        make(store, "stranger", "-dname", "CN=stranger", "-ext", "san=ip:127.0.0.1,dns:localhost");
        all = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(store)) {
            all.load(in, PASSWORD.toCharArray());
        }
    }

    private static void make(Path store, String alias, String... more) throws Exception {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair", "-keystore", store.toString(), "-storetype", "PKCS12", "-storepass", PASSWORD, "-alias", alias,
                "-keyalg", "EC", "-groupname", "secp256r1", "-validity", "30"));
        command.addAll(Arrays.asList(more));
        Process keytool = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(keytool.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, keytool.waitFor(), said);
    }

    /** A server that shows this certificate and trusts the authority's clients. */
    SSLContext server(String alias) throws GeneralSecurityException, IOException {
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(holding("PKCS12", alias), PASSWORD.toCharArray());
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusting("PKCS12", "ca"));
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
        return context;
    }

    /** A file that trusts the certificate. */
    Path trustStore(String type, String alias) throws GeneralSecurityException, IOException {
        return saved(trusting(type, alias), "trust-" + alias + "." + type);
    }

    /** A file with key and certificates. */
    Path keyStore(String type, String alias) throws GeneralSecurityException, IOException {
        return saved(holding(type, alias), "key-" + alias + "." + type);
    }

    private Path saved(KeyStore store, String name) throws GeneralSecurityException, IOException {
        Path file = folder.resolve(name);
        try (OutputStream out = Files.newOutputStream(file)) {
            store.store(out, PASSWORD.toCharArray());
        }
        return file;
    }

    private KeyStore trusting(String type, String alias) throws GeneralSecurityException, IOException {
        KeyStore store = empty(type);
        store.setCertificateEntry(alias, all.getCertificate(alias));
        return store;
    }

    private KeyStore holding(String type, String alias) throws GeneralSecurityException, IOException {
        KeyStore store = empty(type);
        char[] password = PASSWORD.toCharArray();
        store.setKeyEntry(alias, all.getKey(alias, password), password, all.getCertificateChain(alias));
        return store;
    }

    private static KeyStore empty(String type) throws GeneralSecurityException, IOException {
        KeyStore store = KeyStore.getInstance(type);
        store.load(null, null);
        return store;
    }

    /** As openssl writes it, with a line of text before each certificate. */
    String pemChain(String alias) throws GeneralSecurityException {
        StringBuilder text = new StringBuilder();
        for (Certificate certificate : all.getCertificateChain(alias)) {
            text.append("subject=").append(alias).append('\n').append(block("CERTIFICATE", certificate.getEncoded()));
        }
        return text.toString();
    }

    String pemKey(String alias) throws GeneralSecurityException {
        return block("PRIVATE KEY", all.getKey(alias, PASSWORD.toCharArray()).getEncoded());
    }

    /** As {@code openssl pkcs8 -topk8 -v2 aes-256-cbc} writes it (RFC 8018); the JDK reads this form but does not write it. */
    String encryptedPemKey(String alias) throws GeneralSecurityException {
        String algorithm = "PBEWithHmacSHA256AndAES_256";
        byte[] salt = new byte[16];
        new SecureRandom().nextBytes(salt);
        Cipher cipher = Cipher.getInstance(algorithm);
        cipher.init(Cipher.ENCRYPT_MODE,
                SecretKeyFactory.getInstance(algorithm).generateSecret(new PBEKeySpec(PASSWORD.toCharArray())),
                new PBEParameterSpec(salt, 2048));
        byte[] pbes2 = HexFormat.of().parseHex("06092a864886f70d01050d");
        byte[] pbkdf2 = HexFormat.of().parseHex("06092a864886f70d01050c");
        byte[] hmacSha256 = HexFormat.of().parseHex("300c06082a864886f70d02090500");
        byte[] aes256 = HexFormat.of().parseHex("060960864801650304012a");
        byte[] iterations = {2, 2, 8, 0};
        byte[] derivation = der(0x30, pbkdf2, der(0x30, der(4, salt), iterations, hmacSha256));
        byte[] encryption = der(0x30, aes256, der(4, cipher.getIV()));
        byte[] sealed = cipher.doFinal(all.getKey(alias, PASSWORD.toCharArray()).getEncoded());
        return block("ENCRYPTED PRIVATE KEY", der(0x30, der(0x30, pbes2, der(0x30, derivation, encryption)), der(4, sealed)));
    }

    private static byte[] der(int tag, byte[]... parts) {
        ByteArrayOutputStream content = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            content.writeBytes(part);
        }
        ByteArrayOutputStream whole = new ByteArrayOutputStream();
        whole.write(tag);
        if (content.size() > 127) {
            whole.write(0x82);
            whole.write(content.size() >> 8);
        }
        whole.write(content.size());
        whole.writeBytes(content.toByteArray());
        return whole.toByteArray();
    }

    private static String block(String name, byte[] content) {
        String lines = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(content);
        return "-----BEGIN " + name + "-----\n" + lines + "\n-----END " + name + "-----\n";
    }
}
