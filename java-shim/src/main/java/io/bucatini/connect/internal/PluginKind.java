package io.bucatini.connect.internal;

/** The plug-ins behind the boundary. */
public enum PluginKind {
    /** Confluent wire format. */
    AVRO_CONVERTER(1, "BucatiniAvroConverter", "avro-converter", "avro-converter"),
    /** Debezium's unwrapping. */
    EXTRACT_NEW_RECORD_STATE(2, "BucatiniExtractNewRecordState", "extract-new-record-state", "extract-new-record-state"),
    /** wal2json text to change events. */
    WAL2JSON_CONVERTER(3, "BucatiniWal2JsonConverter", "wal2json-converter", "wal2json");

    private final int number;
    private final String className;
    private final String config;
    private final String component;

    PluginKind(int number, String className, String config, String component) {
        this.number = number;
        this.className = className;
        this.config = config;
        this.component = component;
    }

    /** Number at the boundary. */
    int number() {
        return number;
    }

    /** Simple name of the class, for messages. */
    String className() {
        return className;
    }

    /** Name of the generated ConfigDef resource. */
    String config() {
        return config;
    }

    /** Name of the component. */
    String component() {
        return component;
    }
}
