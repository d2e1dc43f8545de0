package io.bucatini.connect.internal;

import io.bucatini.connect.BucatiniError;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.connect.errors.DataException;

/**
 * The one place that decides what an error is in Connect: the record's own fault is a {@link DataException}, a wrong setting
 * a {@link ConfigException} while the plug-in is being configured, everything else a {@link BucatiniError}. Never a
 * RetriableException: Connect 3.9 drops the record.
 */
final class Errors {
    private static final int DATA = 1;
    private static final int CONFIG = 2;

    private Errors() {}

    /** What a native library reported ({@code Error::encode}). */
    static final class Report {
        private final int kind;
        private final String code;
        private final String message;
        private final String path;
        private final String hint;

        private Report(WireReader in) {
            kind = in.u8();
            code = in.str();
            message = in.str();
            path = in.str();
            hint = in.str();
        }

        static Report read(WireReader in) {
            return new Report(in);
        }

        /**
         * The exception to throw.
         *
         * @param place field that encloses the error's own path; empty for none
         * @param configuring whether settings are being read: out of a conversion a wrong setting is no record's fault, and a
         *     ConfigException would send record after record to the dead-letter queue
         * @throws BucatiniError if it is neither the record's fault nor a setting's
         */
        RuntimeException exception(String plugin, String place, boolean configuring) {
            String text = text(plugin, code, message, place + (place.isEmpty() || path.isEmpty() ? "" : ".") + path, hint);
            if (kind == DATA) {
                return new DataException(text);
            }
            if (kind == CONFIG && configuring) {
                return new ConfigException(text);
            }
            throw new BucatiniError(code, text);
        }
    }

    /** A fault of a record that was found in Java. */
    static DataException data(String plugin, DataFault fault) {
        return new DataException(text(plugin, fault.code(), fault.getMessage(), fault.path(), ""));
    }

    /** Something that cannot happen, happened: our bug, or a Connect object that breaks its own contract. */
    static BucatiniError unexpected(String plugin, RuntimeException found) {
        return new BucatiniError("shim.unexpected", text(plugin, "shim.unexpected", "unexpected " + found, "", ""), found);
    }

    private static String text(String plugin, String code, String message, String path, String hint) {
        StringBuilder text = new StringBuilder(plugin).append(": ").append(message).append(" [").append(code).append(']');
        if (!path.isEmpty()) {
            text.append(" at ").append(path);
        }
        if (!hint.isEmpty()) {
            text.append("; ").append(hint);
        }
        return text.toString();
    }
}
