package io.bucatini.connect.internal;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Key;
import java.security.KeyStore;
import java.security.KeyStoreException;
import java.security.KeyStoreSpi;
import java.security.NoSuchAlgorithmException;
import java.security.Provider;
import java.security.Security;
import java.security.UnrecoverableKeyException;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.util.Date;
import java.util.Enumeration;

/**
 * A security provider with a store of type {@code PKCS11}, as SunPKCS11 adds one for a token: it is loaded from no file, only
 * by its PIN. Behind it is a PKCS12 file, whose password is the PIN.
 */
final class TestToken {
    private static final String NAME = "TestToken";
    private static Path contents;

    TestToken(Path pkcs12) {
        contents = pkcs12;
        Security.insertProviderAt(new TokenProvider(), 1);
    }

    /** Takes the provider out of the JVM again. */
    void remove() {
        Security.removeProvider(NAME);
    }

    private static final class TokenProvider extends Provider {
        private static final long serialVersionUID = 1L;

        TokenProvider() {
            super(NAME, "1", "a token for tests");
            put("KeyStore.PKCS11", Store.class.getName());
        }
    }

    /** What the token shows; public, because providers are asked by name. */
    public static final class Store extends KeyStoreSpi {
        private final KeyStore inner;

        /** As providers make them. */
        public Store() throws KeyStoreException {
            inner = KeyStore.getInstance("PKCS12");
        }

        @Override
        public void engineLoad(InputStream stream, char[] pin)
                throws IOException, NoSuchAlgorithmException, CertificateException {
            if (stream != null) {
                throw new IOException("a token is not loaded from a file");
            }
            try (InputStream file = Files.newInputStream(contents)) {
                inner.load(file, pin);
            }
        }

        @Override
        public Key engineGetKey(String alias, char[] password) throws NoSuchAlgorithmException, UnrecoverableKeyException {
            try {
                return inner.getKey(alias, password);
            } catch (KeyStoreException e) {
                throw new IllegalStateException(e);
            }
        }

        private interface Question<T> {
            T ask() throws KeyStoreException;
        }

        private static <T> T ask(Question<T> question) {
            try {
                return question.ask();
            } catch (KeyStoreException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public Certificate[] engineGetCertificateChain(String alias) {
            return ask(() -> inner.getCertificateChain(alias));
        }

        @Override
        public Certificate engineGetCertificate(String alias) {
            return ask(() -> inner.getCertificate(alias));
        }

        @Override
        public Date engineGetCreationDate(String alias) {
            return ask(() -> inner.getCreationDate(alias));
        }

        @Override
        public Enumeration<String> engineAliases() {
            return ask(inner::aliases);
        }

        @Override
        public boolean engineContainsAlias(String alias) {
            return ask(() -> inner.containsAlias(alias));
        }

        @Override
        public int engineSize() {
            return ask(inner::size);
        }

        @Override
        public boolean engineIsKeyEntry(String alias) {
            return ask(() -> inner.isKeyEntry(alias));
        }

        @Override
        public boolean engineIsCertificateEntry(String alias) {
            return ask(() -> inner.isCertificateEntry(alias));
        }

        @Override
        public String engineGetCertificateAlias(Certificate certificate) {
            return ask(() -> inner.getCertificateAlias(certificate));
        }

        @Override
        public void engineSetKeyEntry(String alias, Key key, char[] password, Certificate[] chain) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void engineSetKeyEntry(String alias, byte[] key, Certificate[] chain) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void engineSetCertificateEntry(String alias, Certificate certificate) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void engineDeleteEntry(String alias) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void engineStore(OutputStream stream, char[] password) {
            throw new UnsupportedOperationException();
        }
    }
}
