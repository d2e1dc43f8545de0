package io.bucatini.connect;

import io.bucatini.connect.internal.NativeConverter;
import io.bucatini.connect.internal.PluginKind;

/** wal2json's text (format version 2) to change events in Debezium's form. */
public final class BucatiniWal2JsonConverter extends NativeConverter {
    /** For Connect; {@code configure} loads the native library. */
    public BucatiniWal2JsonConverter() {
        super(PluginKind.WAL2JSON_CONVERTER);
    }
}
