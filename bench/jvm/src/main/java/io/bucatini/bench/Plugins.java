package io.bucatini.bench;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.storage.Converter;
import org.apache.kafka.connect.transforms.Transformation;

/** The plug-ins that run against each other, each from its own class loader. */
final class Plugins {
    private final PluginLoader ours;
    private final PluginLoader confluent;
    private final PluginLoader debezium3;
    private final PluginLoader debezium17;
    private final Registry registry;
    /** Another build of ours, to be compared with; null if there is none. */
    private final Plugins before;

    /**
     * @param peers what bench/peers filled
     * @param plugin our jar
     */
    Plugins(Path peers, Path plugin, Path own, Registry registry) throws Exception {
        this.ours = new PluginLoader(List.of(plugin, own));
        this.confluent = new PluginLoader(List.of(peers.resolve("confluent-7.0.16")));
        this.debezium3 = new PluginLoader(List.of(peers.resolve("debezium-3.6.1")));
        this.debezium17 = new PluginLoader(List.of(peers.resolve("debezium-1.7.0"), own));
        this.registry = registry;
        String other = System.getProperty("before");
        this.before = other == null || other.equals(plugin.toString()) ? null : new Plugins(peers, Path.of(other), own, registry);
    }

    Plugins before() {
        return before;
    }

    private Map<String, String> converterConfig(Map<String, String> more) {
        Map<String, String> config = new HashMap<>(more);
        config.put("schema.registry.url", registry.url());
        return config;
    }

    Converter ours(Map<String, String> config) throws Exception {
        return configured(ours, "io.bucatini.connect.BucatiniAvroConverter", converterConfig(config));
    }

    Converter confluent() throws Exception {
        return configured(confluent, "io.confluent.connect.avro.AvroConverter", converterConfig(Map.of()));
    }

    Converter wal2json(Map<String, String> config) throws Exception {
        return configured(ours, "io.bucatini.connect.BucatiniWal2JsonConverter", config);
    }

    private static Converter configured(PluginLoader loader, String name, Map<String, String> config) throws Exception {
        Converter converter = loader.make(name, Converter.class);
        inside(loader, () -> converter.configure(config, false));
        return converter;
    }

    /** What is behind our converter. */
    Core core(Converter converter, String topic, Schema schema, Schema values) throws Exception {
        return (Core) ours.loadClass("io.bucatini.connect.internal.BareCore")
                .getConstructor(Converter.class, String.class, Schema.class, Schema.class)
                .newInstance(converter, topic, schema, values);
    }

    Transformation<SinkRecord> ourSmt(Map<String, String> config) throws Exception {
        return configuredSmt(ours, "io.bucatini.connect.BucatiniExtractNewRecordState", config);
    }

    Transformation<SinkRecord> debezium3(Map<String, String> config) throws Exception {
        return configuredSmt(debezium3, "io.debezium.transforms.ExtractNewRecordState", config);
    }

    Transformation<SinkRecord> debezium17(Map<String, String> config) throws Exception {
        return configuredSmt(debezium17, "io.debezium.transforms.ExtractNewRecordState", config);
    }

    @SuppressWarnings("unchecked")
    private static Transformation<SinkRecord> configuredSmt(PluginLoader loader, String name, Map<String, String> config)
            throws Exception {
        Transformation<SinkRecord> smt = loader.make(name, Transformation.class);
        inside(loader, () -> smt.configure(config));
        return smt;
    }

    /** As Connect does: kafka-clients looks classes up by the thread's loader. */
    private static void inside(PluginLoader loader, Runnable action) {
        Thread thread = Thread.currentThread();
        ClassLoader outer = thread.getContextClassLoader();
        thread.setContextClassLoader(loader);
        try {
            action.run();
        } finally {
            thread.setContextClassLoader(outer);
        }
    }

    /** Debezium 1.7's decoder of wal2json: a message of format 1 to the values of its row. */
    @SuppressWarnings("unchecked")
    Function<byte[], Object[]> debeziumDecoder() throws Exception {
        return debezium17.make("io.bucatini.bench.peer.DebeziumDecoder", Function.class);
    }
}
