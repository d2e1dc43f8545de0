package io.debezium.transforms;

import io.bucatini.connect.BucatiniExtractNewRecordState;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.transforms.Transformation;

/** Stands before Debezium's class of this name on the class path and hands everything to ours. */
public class ExtractNewRecordState<R extends ConnectRecord<R>> implements Transformation<R> {
    private final BucatiniExtractNewRecordState<R> ours = new BucatiniExtractNewRecordState<>();

    @Override
    public void configure(Map<String, ?> configs) {
        Map<String, Object> settings = new HashMap<>(configs);
        settings.put("generation", System.getProperty("bucatini.generation"));
        settings.put("engine", System.getProperty("bucatini.engine"));
        ours.configure(settings);
    }

    @Override
    public R apply(R record) {
        return ours.apply(record);
    }

    @Override
    public ConfigDef config() {
        return ours.config();
    }

    @Override
    public void close() {
        ours.close();
    }
}
