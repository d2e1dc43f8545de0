package io.bucatini.connect.internal;

import java.util.Map;
import java.util.function.Function;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.components.Versioned;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.transforms.Transformation;

/**
 * A Transformation whose work is done behind the boundary. Scanning, {@code version()} and {@code config()} touch no native
 * library; {@code configure} loads it.
 */
public abstract class NativeTransformation<R extends ConnectRecord<R>> implements Transformation<R>, Versioned {
    private final PluginKind kind;
    private final Function<Engine, Library> libraries;
    private volatile NativePlugin plugin;

    /** A transformation over the libraries in the jar. */
    protected NativeTransformation(PluginKind kind) {
        this(kind, NativeLibraries::get);
    }

    NativeTransformation(PluginKind kind, Function<Engine, Library> libraries) {
        this.kind = kind;
        this.libraries = libraries;
    }

    @Override
    public final String version() {
        return Version.get();
    }

    @Override
    public final ConfigDef config() {
        return ConfigDefs.of(kind);
    }

    @Override
    public final void configure(Map<String, ?> configs) {
        close();
        plugin = NativePlugin.open(kind, false, configs, libraries);
    }

    @Override
    public final R apply(R record) {
        NativePlugin configured = plugin;
        if (configured == null) {
            throw new IllegalStateException("the transformation has not been configured");
        }
        return configured.apply(record);
    }

    @Override
    public final void close() {
        NativePlugin open = plugin;
        if (open != null) {
            open.close();
        }
    }
}
