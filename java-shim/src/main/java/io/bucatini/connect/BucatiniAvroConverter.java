package io.bucatini.connect;

import io.bucatini.connect.internal.NativeConverter;
import io.bucatini.connect.internal.PluginKind;

/**
 * Avro in Confluent's wire format, with a schema registry: instead of {@code io.confluent.connect.avro.AvroConverter}, with
 * its settings.
 */
public final class BucatiniAvroConverter extends NativeConverter {
    /** For Connect; {@code configure} loads the native library. */
    public BucatiniAvroConverter() {
        super(PluginKind.AVRO_CONVERTER);
    }
}
