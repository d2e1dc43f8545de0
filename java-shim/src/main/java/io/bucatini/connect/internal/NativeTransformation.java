package io.bucatini.connect.internal;

import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.connect.components.Versioned;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.transforms.Transformation;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A Transformation whose work is done behind the boundary. Scanning, {@code version()} and {@code config()} touch no native
 * library; {@code configure} loads it.
 */
public abstract class NativeTransformation<R extends ConnectRecord<R>> implements Transformation<R>, Versioned {
    private static final Logger LOG = LoggerFactory.getLogger(NativeTransformation.class);
    /** How a core calls an invalid value. */
    private static final String INVALID = "[config.invalid]";
    /** Notices are for the worker's log: once in a worker is enough. */
    private static final AtomicBoolean SAID = new AtomicBoolean();

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

    /**
     * {@inheritDoc}
     *
     * @throws ConnectException if a value is invalid, as Debezium's transformations throw it
     * @throws ConfigException if settings contradict each other
     */
    @Override
    public final void configure(Map<String, ?> configs) {
        close();
        try {
            plugin = NativePlugin.open(kind, false, configs, libraries);
        } catch (ConfigException e) {
            if (e.getMessage().contains(INVALID)) {
                throw new ConnectException("Unable to validate config. " + e.getMessage(), e);
            }
            throw e;
        }
        String notice = ConfigDefs.notice(kind, configs);
        if (notice != null && SAID.compareAndSet(false, true)) {
            LOG.info("{}: {}", kind.className(), notice);
        }
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
