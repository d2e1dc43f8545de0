package io.bucatini.connect.internal;

import java.util.Map;
import java.util.function.Function;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.connect.components.Versioned;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.storage.Converter;

/**
 * A Converter whose work is done behind the boundary. Scanning, {@code version()} and {@code config()} touch no native
 * library; {@code configure} loads it.
 */
public abstract class NativeConverter implements Converter, Versioned, AutoCloseable {
    private final PluginKind kind;
    private final Function<Engine, Library> libraries;
    private volatile NativePlugin plugin;

    /** A converter over the libraries in the jar. */
    protected NativeConverter(PluginKind kind) {
        this(kind, NativeLibraries::get);
    }

    NativeConverter(PluginKind kind, Function<Engine, Library> libraries) {
        this.kind = kind;
        this.libraries = libraries;
    }

    @Override
    public final String version() {
        return Version.get();
    }

    /** The settings; Connect asks for them since 3.2. */
    public final ConfigDef config() {
        return ConfigDefs.of(kind);
    }

    @Override
    public final void configure(Map<String, ?> configs, boolean isKey) {
        close();
        plugin = NativePlugin.open(kind, isKey, configs, libraries);
    }

    @Override
    public final SchemaAndValue toConnectData(String topic, byte[] value) {
        return toConnectData(topic, null, value);
    }

    @Override
    public final SchemaAndValue toConnectData(String topic, Headers headers, byte[] value) {
        return value == null ? SchemaAndValue.NULL : configured().toConnect(topic, headers, value);
    }

    @Override
    public final byte[] fromConnectData(String topic, Schema schema, Object value) {
        return configured().fromConnect(topic, schema, value);
    }

    /** Ends the converter; Connect does so since 4.1, before that the garbage collector does. */
    @Override
    public final void close() {
        NativePlugin open = plugin;
        if (open != null) {
            open.close();
        }
    }

    private NativePlugin configured() {
        NativePlugin configured = plugin;
        if (configured == null) {
            throw new IllegalStateException("the converter has not been configured");
        }
        return configured;
    }
}
