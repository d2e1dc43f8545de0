package io.bucatini.connect.internal;

/**
 * A fault of one record that is found in Java: {@link Errors} turns it into a {@code DataException}. The path grows while it
 * unwinds, so it costs nothing on the good path.
 */
final class DataFault extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String code;
    private String path = "";

    DataFault(String code, String message) {
        super(message, null, false, false);
        this.code = code;
    }

    String code() {
        return code;
    }

    /** {@code after.items[3]}, empty at the root. */
    String path() {
        return path;
    }

    DataFault field(String name) {
        return within(name);
    }

    DataFault index(int index) {
        return within("[" + index + "]");
    }

    /** Entry of a map by position: the key itself is row data and stays out of messages. */
    DataFault entry(int index) {
        return within("{" + index + "}");
    }

    private DataFault within(String step) {
        path = path.isEmpty() || path.startsWith("[") || path.startsWith("{") ? step + path : step + "." + path;
        return this;
    }
}
