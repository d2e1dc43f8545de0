package io.bucatini.connect.internal;

import java.util.HashMap;
import java.util.List;
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
    /** The settings that say what becomes of deletes, and which Debezium is meant. */
    private static final List<String> DELETES =
            List.of("generation", "drop.tombstones", "delete.handling.mode", "delete.tombstone.handling.mode");
    private static final String UNAVAILABLE = "unavailable.value.handling";
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
            plugin = NativePlugin.open(kind, false, withHeaderForMark(configs), libraries);
        } catch (ConfigException e) {
            if (e.getMessage().contains(INVALID)) {
                throw new ConnectException("Unable to validate config. " + e.getMessage(), e);
            }
            throw e;
        }
        if (kind == PluginKind.EXTRACT_NEW_RECORD_STATE && DELETES.stream().noneMatch(configs::containsKey)
                && SAID.compareAndSet(false, true)) {
            LOG.info("{}: none of {} is set: deletes and tombstones are handled as Debezium 3.x does without them (a delete "
                    + "becomes a null value, tombstones are dropped)", kind.className(), DELETES);
        }
    }

    /** A row of Connect cannot say that a value is unavailable: there is the header instead. */
    private static Map<String, ?> withHeaderForMark(Map<String, ?> configs) {
        Object action = configs.get(UNAVAILABLE);
        if (action == null || !action.toString().trim().equalsIgnoreCase("mark")) {
            return configs;
        }
        Map<String, Object> changed = new HashMap<>(configs);
        changed.put(UNAVAILABLE, "header");
        return changed;
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
