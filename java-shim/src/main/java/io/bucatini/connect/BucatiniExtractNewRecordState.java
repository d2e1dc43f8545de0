package io.bucatini.connect;

import io.bucatini.connect.internal.NativeTransformation;
import io.bucatini.connect.internal.PluginKind;
import org.apache.kafka.connect.connector.ConnectRecord;

/**
 * Debezium's change events to the rows in them: instead of {@code io.debezium.transforms.ExtractNewRecordState}, with its
 * settings.
 */
public final class BucatiniExtractNewRecordState<R extends ConnectRecord<R>> extends NativeTransformation<R> {
    /** For Connect; {@code configure} loads the native library. */
    public BucatiniExtractNewRecordState() {
        super(PluginKind.EXTRACT_NEW_RECORD_STATE);
    }
}
