package io.bucatini.connect.internal;

/** The version that the build wrote into the jar. */
public final class Version {
    private Version() {}

    /** For example {@code 0.1.0}. */
    public static String get() {
        return Resources.properties("io/bucatini/connect/version.properties").getProperty("version");
    }
}
