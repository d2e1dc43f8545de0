package io.bucatini.connect.internal;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.Key;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.Cipher;
import javax.crypto.EncryptedPrivateKeyInfo;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;

/** Certificates and private keys as text (RFC 7468), as Kafka's {@code ssl.*.type=PEM} takes them: keys in PKCS#8. */
final class Pem {
    /** Of stores that never leave the memory of this process. */
    static final char[] PASSWORD = "in memory".toCharArray();

    private static final Pattern BLOCK =
            Pattern.compile("-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\\s]+)-----END \\1-----");

    private Pem() {}

    /** A store that trusts all certificates in the text. */
    static KeyStore trusting(String text) throws GeneralSecurityException, IOException {
        KeyStore store = empty();
        int number = 0;
        for (Certificate certificate : certificates(text)) {
            store.setCertificateEntry("trusted" + number++, certificate);
        }
        return store;
    }

    /**
     * A store with one key, protected by {@link #PASSWORD}.
     *
     * @param keyPassword null if the key is not encrypted
     */
    static KeyStore holding(String key, String chain, char[] keyPassword) throws GeneralSecurityException, IOException {
        List<Certificate> certificates = certificates(chain);
        KeyStore store = empty();
        store.setKeyEntry("key", privateKey(key, keyPassword, certificates.get(0)), PASSWORD,
                certificates.toArray(new Certificate[0]));
        return store;
    }

    private static KeyStore empty() throws GeneralSecurityException, IOException {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        return store;
    }

    private static List<Certificate> certificates(String text) throws GeneralSecurityException {
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        List<Certificate> certificates = new ArrayList<>();
        Matcher blocks = BLOCK.matcher(text);
        while (blocks.find()) {
            if (blocks.group(1).endsWith("CERTIFICATE")) {
                certificates.add(factory.generateCertificate(new ByteArrayInputStream(decoded(blocks))));
            }
        }
        if (certificates.isEmpty()) {
            throw new GeneralSecurityException("no -----BEGIN CERTIFICATE----- in the PEM text");
        }
        return certificates;
    }

    private static PrivateKey privateKey(String text, char[] password, Certificate certificate)
            throws GeneralSecurityException, IOException {
        Matcher blocks = BLOCK.matcher(text);
        while (blocks.find()) {
            switch (blocks.group(1)) {
                case "PRIVATE KEY":
                    return factory(certificate).generatePrivate(new PKCS8EncodedKeySpec(decoded(blocks)));
                case "ENCRYPTED PRIVATE KEY":
                    if (password == null) {
                        throw new GeneralSecurityException("the private key is encrypted and there is no key password");
                    }
                    return factory(certificate).generatePrivate(decrypted(new EncryptedPrivateKeyInfo(decoded(blocks)), password));
                case "RSA PRIVATE KEY":
                case "EC PRIVATE KEY":
                    throw new GeneralSecurityException("expected a private key in PKCS#8, found -----BEGIN " + blocks.group(1)
                            + "-----; `openssl pkcs8 -topk8` converts it");
                default:
            }
        }
        throw new GeneralSecurityException("no -----BEGIN PRIVATE KEY----- in the PEM text");
    }

    /** A key is of the kind that its certificate says. */
    private static KeyFactory factory(Certificate certificate) throws GeneralSecurityException {
        return KeyFactory.getInstance(certificate.getPublicKey().getAlgorithm());
    }

    private static PKCS8EncodedKeySpec decrypted(EncryptedPrivateKeyInfo info, char[] password) throws GeneralSecurityException {
        // Before JDK 19 the name of PBES2 says nothing of the algorithms inside, but its parameters do.
        String name = info.getAlgName();
        String algorithm = name.startsWith("PBEWith") ? name : info.getAlgParameters().toString();
        Key key = SecretKeyFactory.getInstance(algorithm).generateSecret(new PBEKeySpec(password));
        Cipher cipher = Cipher.getInstance(algorithm);
        cipher.init(Cipher.DECRYPT_MODE, key, info.getAlgParameters());
        return info.getKeySpec(cipher);
    }

    private static byte[] decoded(Matcher block) throws GeneralSecurityException {
        try {
            return Base64.getMimeDecoder().decode(block.group(2).getBytes(StandardCharsets.US_ASCII));
        } catch (IllegalArgumentException e) {
            throw new GeneralSecurityException("the PEM text is not Base64", e);
        }
    }
}
