package io.bucatini.connect.internal;

import io.bucatini.connect.BucatiniError;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A configured plug-in behind the boundary. Any number of threads may use it at once. */
public final class NativePlugin implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(NativePlugin.class);
    /** More rounds than any record needs: a core that never has enough would hang the task. */
    private static final int MAX_ROUNDS = 10_000;
    private static final int MAX_TOPICS = 10_000;
    /** So many different needs are asked for at once. */
    private static final int LOCKS = 64;
    private static final int NOT_FOUND = 404;
    private static final byte[] EMPTY = {};

    private final PluginKind kind;
    private final Library library;
    private final Boundary boundary;
    private final PluginHandle handle;
    /** Of calls within calls, and of those that are made seldom. */
    private final ScratchPool scratches;
    /** Whether envelopes are read when somebody looks at them. */
    private final boolean lazy;
    private final RowImageReader reader = new RowImageReader(StructAccess.BEST);
    private final RowImageWriter writer = new RowImageWriter(StructAccess.BEST);
    private final Schemas schemas;
    private final RecordFrames frames;
    private final Moves moves;
    private final Exchanges exchanges;
    private final RegistryMetrics metrics;
    private final EnvelopeMetrics envelopes;
    /** By need: one thread asks the registry, the others find what it brought. */
    private final ReentrantLock[] exchanging = new ReentrantLock[LOCKS];
    /** Whether it was said that an unknown thing was let pass. */
    private final AtomicBoolean saidUnknown = new AtomicBoolean();
    private final Map<String, Topic> topics = new ConcurrentHashMap<>();
    private volatile Topic lastTopic = new Topic("", 0);

    private static final class Topic {
        final String name;
        final int id;

        Topic(String name, int id) {
            this.name = name;
            this.id = id;
        }
    }

    private NativePlugin(PluginKind kind, boolean lazy, Library library, Boundary boundary, PluginHandle handle,
            Exchanges exchanges, RegistryMetrics metrics, EnvelopeMetrics envelopes) {
        this.kind = kind;
        this.lazy = lazy;
        this.library = library;
        this.boundary = boundary;
        this.handle = handle;
        this.scratches = new ScratchPool(library);
        this.exchanges = exchanges;
        this.metrics = metrics;
        this.envelopes = envelopes;
        Arrays.setAll(exchanging, i -> new ReentrantLock());
        this.schemas = new Schemas(new Schemas.Source() {
            @Override
            public WireReader schema(int id) {
                return fetch(id);
            }

            @Override
            public int intern(WireWriter form) {
                return number(form);
            }
        }, reader, writer);
        this.frames = new RecordFrames(schemas, reader, writer);
        this.moves = new Moves(kind.className(), schemas, reader, StructAccess.BEST, this::plan);
    }

    /**
     * Opens a plug-in.
     *
     * @param libraries gives the library of an engine, usually {@link NativeLibraries#get}
     * @throws org.apache.kafka.common.config.ConfigException if a setting is wrong
     * @throws BucatiniError if the library or component cannot be loaded
     */
    static NativePlugin open(
            PluginKind kind, boolean isKey, Map<String, ?> configs, Function<Engine, Library> libraries) {
        Map<String, String> settings = Settings.of(configs);
        if (kind == PluginKind.AVRO_CONVERTER) {
            Jaas.inherit(settings);
        }
        Engine engine = Engine.of(settings);
        boolean lazy = kind == PluginKind.AVRO_CONVERTER
                && (Boolean) ConfigDef.parseType("lazy", settings.getOrDefault("lazy", "true"), ConfigDef.Type.BOOLEAN);
        Library library = libraries.apply(engine);
        Boundary boundary = new Boundary(kind.className());
        Scratch scratch = new Scratch(library);
        WireWriter message = scratch.message.reset();
        message.u8(isKey ? 1 : 0);
        Settings.write(settings, message);
        if (engine == Engine.WASM) {
            Components.append(kind, message);
        }
        int length = scratch.send();
        long opened;
        do {
            opened = boundary.checked(
                    library.open(kind.number(), scratch.in(), length, scratch.out(), scratch.capacity()), scratch, true);
        } while (opened == Boundary.AGAIN);
        if (opened <= 0) {
            throw new BucatiniError("boundary.result", kind.className() + ": the native library opened handle " + opened);
        }
        // A component is large, and is sent once.
        Scratch first = engine == Engine.NATIVE ? scratch : new Scratch(library);
        RegistryMetrics metrics = new RegistryMetrics(kind.className(), isKey);
        EnvelopeMetrics envelopes = new EnvelopeMetrics(kind.className());
        PluginHandle handle = new PluginHandle(library, opened, first, () -> {
            metrics.end();
            envelopes.end();
        });
        try {
            Exchanges exchanges = new Exchanges(new HttpClients(settings), metrics);
            return new NativePlugin(kind, lazy, library, boundary, handle, exchanges, metrics, envelopes);
        } catch (ConfigException e) {
            handle.close();
            throw new ConfigException(kind.className() + ": " + e.getMessage());
        }
    }

    /** No more calls; the plug-in goes when the last running one has ended. */
    @Override
    public void close() {
        handle.close();
    }

    /** {@code Converter.toConnectData}; {@code payload} is not null. */
    SchemaAndValue toConnect(String topic, Headers headers, byte[] payload) {
        Scratch scratch = handle.enter();
        metrics.converting(handle.isFirst(scratch));
        try {
            int topicId = topic(topic);
            WireWriter message = scratch.message.reset();
            append(headers, message);
            boolean asked = false;
            for (int round = 0; round < MAX_ROUNDS; round++) {
                scratch.send(payload, payload.length, message.array(), message.length());
                long result = boundary.checked(
                        library.toConnect(handle.number(), topicId, scratch.in(), payload.length, message.length(),
                                scratch.out(), scratch.capacity()), scratch);
                if (result >= 0) {
                    int length = (int) result;
                    Schemas.Interned schema = schemas.get((int) (result >>> 32));
                    Object value = lazy && schema.plan != null && schema.plan.lazy && schema.plan.lateness.isNext()
                            ? reader.readLazily(schema.plan, scratch.copy(length), payload)
                            : reader.read(schema.plan, scratch.receive(length), length, payload);
                    return new SchemaAndValue(schema.schema, value);
                }
                if (result == Library.NULL) {
                    return SchemaAndValue.NULL;
                }
                if (result == Library.NEED) {
                    if (!asked) {
                        metrics.asking();
                        asked = true;
                    }
                    satisfy(scratch.received(4).u32());
                }
            }
            throw endless();
        } catch (RuntimeException e) {
            throw translated(e);
        } finally {
            handle.leave(scratch);
        }
    }

    /** {@code Converter.fromConnectData}. */
    byte[] fromConnect(String topic, Schema schema, Object value) {
        Scratch scratch = handle.enter();
        metrics.converting(handle.isFirst(scratch));
        try {
            int topicId = topic(topic);
            Schemas.Interned interned = schemas.of(schema);
            writer.write(interned.plan, value, scratch.message.reset());
            boolean asked = false;
            for (int round = 0; round < MAX_ROUNDS; round++) {
                int length = scratch.send();
                long result = boundary.checked(
                        library.fromConnect(handle.number(), topicId, interned.id, scratch.in(), length, scratch.out(),
                                scratch.capacity()), scratch);
                if (result >= 0) {
                    return scratch.copy((int) result);
                }
                if (result == Library.NULL) {
                    return null;
                }
                if (result == Library.NEED) {
                    if (!asked) {
                        metrics.asking();
                        asked = true;
                    }
                    satisfy(scratch.received(4).u32());
                }
            }
            throw endless();
        } catch (RuntimeException e) {
            throw translated(e);
        } finally {
            handle.leave(scratch);
        }
    }

    /** {@code Transformation.apply}: by the core's plan if there is one, else with the whole record as a frame. */
    <R extends ConnectRecord<R>> R apply(R record) {
        handle.checkOpen();
        try {
            MovePlan plan = moves.plan(record);
            if (plan == null) {
                return applyFrame(record);
            }
            Object value = record.value();
            if (envelopes.sees(value)) {
                ((LazyStruct) value).plan().lateness.taken();
            }
            return plan.apply(record);
        } catch (RuntimeException e) {
            throw translated(e);
        }
    }

    private <R extends ConnectRecord<R>> R applyFrame(R record) {
        Scratch scratch = scratches.take();
        try {
            frames.write(record, scratch.message.reset());
            long length = definite(scratch, scratch.send(),
                    (handle, sent) -> library.apply(handle, scratch.in(), sent, scratch.out(), scratch.capacity()));
            return frames.outcome(record, scratch.received((int) length));
        } finally {
            scratches.giveBack(scratch);
        }
    }

    /** The answer to a request for a plan, null if there is none. */
    private WireReader plan(WireWriter request) {
        Scratch scratch = scratches.take();
        try {
            long result = repeated(scratch, scratch.send(request.array(), request.length(), EMPTY, 0),
                    (handle, sent) -> library.plan(handle, scratch.in(), sent, scratch.out(), scratch.capacity()));
            return result == Library.NULL ? null : new WireReader(scratch.copy((int) boundary.number(result)));
        } finally {
            scratches.giveBack(scratch);
        }
    }

    private int topic(String name) {
        Topic last = lastTopic;
        if (last.name.equals(name)) {
            return last.id;
        }
        if (name == null) {
            throw new DataFault("shim.topic", "expected the name of a topic, found null");
        }
        Topic topic = topics.get(name);
        if (topic == null) {
            if (topics.size() >= MAX_TOPICS) {
                topics.clear();
            }
            topic = new Topic(name, number(name));
            topics.put(name, topic);
        }
        lastTopic = topic;
        return topic.id;
    }

    private int number(String topic) {
        byte[] name = topic.getBytes(StandardCharsets.UTF_8);
        return (int) send(name, name.length, library::topic);
    }

    private int number(WireWriter form) {
        return (int) send(form.array(), form.length(), library::intern);
    }

    private WireReader fetch(int schema) {
        Scratch scratch = scratches.take();
        try {
            long length = definite(scratch, 0,
                    (handle, none) -> library.schema(handle, schema, scratch.out(), scratch.capacity()));
            return new WireReader(scratch.copy((int) length));
        } finally {
            scratches.giveBack(scratch);
        }
    }

    /** A method of the library that takes a message and answers a number. */
    private interface Message {
        long send(long handle, long in, int length, long out, int capacity);
    }

    private long send(byte[] message, int length, Message method) {
        Scratch scratch = scratches.take();
        try {
            return definite(scratch, scratch.send(message, length, EMPTY, 0),
                    (handle, sent) -> method.send(handle, scratch.in(), sent, scratch.out(), scratch.capacity()));
        } finally {
            scratches.giveBack(scratch);
        }
    }

    /** One call of the library with {@code sent} bytes in the scratch. */
    private interface Call {
        long at(long handle, int sent);
    }

    /** The result of a call that knows neither needs nor nulls. */
    private long definite(Scratch scratch, int sent, Call call) {
        return boundary.number(repeated(scratch, sent, call));
    }

    /** The result of a call, repeated while its buffer is too small. */
    private long repeated(Scratch scratch, int sent, Call call) {
        PluginHandle.State running = handle.acquire();
        try {
            long result;
            do {
                result = boundary.checked(call.at(running.handle(), sent), scratch);
            } while (result == Boundary.AGAIN);
            return result;
        } finally {
            running.release();
        }
    }

    /** Performs exchanges until the need is met; when there is no hope, the library says so. */
    private void satisfy(int need) {
        ReentrantLock lock = exchanging[Integer.remainderUnsigned(need, LOCKS)];
        try {
            lock.lockInterruptibly();
            try {
                exchange(need);
            } finally {
                lock.unlock();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BucatiniError("shim.interrupted",
                    kind.className() + ": interrupted while waiting for an answer over HTTP", e);
        }
    }

    private void exchange(int need) throws InterruptedException {
        Scratch scratch = scratches.take();
        Exchanges.Performed last = null;
        try {
            for (int round = 0; round < MAX_ROUNDS; round++) {
                long asked = definite(scratch, 0,
                        (handle, none) -> library.exchange(handle, need, now(), scratch.out(), scratch.capacity()));
                if (asked == 0) {
                    if (last != null && last.status == NOT_FOUND && saidUnknown.compareAndSet(false, true)) {
                        LOG.warn("{}: {} found nothing (404), and the records are converted without it; said once",
                                kind.className(), last.request);
                    }
                    return;
                }
                if (last != null && last.isFailure()) {
                    metrics.repeating();
                }
                last = exchanges.perform(scratch.received((int) asked));
                byte[] answer = last.answer;
                send(answer, answer.length, (handle, in, length, out, capacity) ->
                        library.answer(handle, in, length, now(), out, capacity));
            }
            throw endless();
        } finally {
            scratches.giveBack(scratch);
        }
    }

    /** Monotonic milliseconds: a core has no clock. */
    private static long now() {
        return System.nanoTime() / 1_000_000;
    }

    private static void append(Headers headers, WireWriter out) {
        if (headers == null) {
            return;
        }
        int count = 0;
        for (Header header : headers) {
            if (count++ == 0) {
                out.u32(0);
            }
            out.str(header.key());
            byte[] value = header.value();
            out.u8(value == null ? 0 : 1);
            if (value != null) {
                out.bytes(value);
            }
        }
        if (count > 0) {
            out.setInt(0, count);
        }
    }

    private BucatiniError endless() {
        return new BucatiniError("shim.endless",
                kind.className() + ": after " + MAX_ROUNDS + " rounds the conversion still lacks something");
    }

    private RuntimeException translated(RuntimeException e) {
        if (e instanceof DataFault) {
            return Errors.data(kind.className(), (DataFault) e);
        }
        if (e instanceof KafkaException || e instanceof PluginHandle.Closed) {
            return e;
        }
        throw Errors.unexpected(kind.className(), e);
    }
}
