package io.bucatini.connect;

/**
 * Something that is not the record's fault: an outage, a library that cannot be loaded, a broken invariant.
 *
 * <p>An {@link Error}, not an exception, on purpose: under {@code errors.tolerance=all} Connect skips the record for every
 * exception, so an outage would empty the topic into the dead-letter queue. An error fails the task and the offsets stay.
 */
public final class BucatiniError extends Error {
    private static final long serialVersionUID = 1L;

    private final String code;

    /**
     * @param code stable machine-readable code, e.g. {@code registry.unreachable}
     * @param message what was expected, what was found, and what to do
     */
    public BucatiniError(String code, String message) {
        super(message);
        this.code = code;
    }

    /**
     * @param code stable machine-readable code
     * @param message what was expected, what was found, and what to do
     * @param cause what the JVM said
     */
    public BucatiniError(String code, String message, Throwable cause) {
        super(message, cause);
        this.code = code;
    }

    /** Stable machine-readable code. */
    public String code() {
        return code;
    }
}
