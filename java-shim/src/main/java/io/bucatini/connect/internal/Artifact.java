package io.bucatini.connect.internal;

import io.bucatini.connect.BucatiniError;
import java.math.BigInteger;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Properties;

/** A native library or component out of the jar, checked against the digest that the build wrote beside it. */
final class Artifact {
    private static final String DIGESTS = "META-INF/bucatini/artifacts.properties";

    private final byte[] bytes;
    private final String digest;

    private Artifact(byte[] bytes, String digest) {
        this.bytes = bytes;
        this.digest = digest;
    }

    /** @throws BucatiniError if it is missing, or its digest is missing or another one */
    static Artifact of(String path) {
        return of(path, Resources.bytes(path), Resources.properties(DIGESTS));
    }

    static Artifact of(String path, byte[] bytes, Properties digests) {
        String expected = digests.getProperty(path);
        String found = digest(bytes);
        if (!found.equals(expected)) {
            throw new BucatiniError("artifact.digest", path + " in the plug-in's jar is damaged: expected SHA-256 "
                    + expected + ", found " + found + "; install the plug-in again");
        }
        return new Artifact(bytes, found);
    }

    byte[] bytes() {
        return bytes;
    }

    /** SHA-256, in lower-case hexadecimal digits. */
    String digest() {
        return digest;
    }

    static String digest(byte[] bytes) {
        try {
            return String.format("%064x", new BigInteger(1, MessageDigest.getInstance("SHA-256").digest(bytes)));
        } catch (NoSuchAlgorithmException e) {
            throw new BucatiniError("artifact.sha-256", "this JVM has no SHA-256, with which the plug-in's libraries are checked", e);
        }
    }
}
