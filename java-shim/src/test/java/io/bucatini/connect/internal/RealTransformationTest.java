package io.bucatini.connect.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.bucatini.connect.BucatiniExtractNewRecordState;
import java.io.File;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.header.Header;
import org.apache.kafka.connect.runtime.ConnectorConfig;
import org.apache.kafka.connect.runtime.isolation.Plugins;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.transforms.Transformation;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The transformation with the real core: moves executed on Structs, and the same records as frames. */
class RealTransformationTest {
    private static final Schema SOURCE = SchemaBuilder.struct().name("io.debezium.connector.postgresql.Source")
            .field("db", Schema.STRING_SCHEMA).field("lsn", Schema.OPTIONAL_INT64_SCHEMA)
            .field("snapshot", SchemaBuilder.string().optional().defaultValue("false").build()).build();
    private static final Schema ROW = SchemaBuilder.struct().name("pasta.Value").optional()
            .field("id", Schema.INT32_SCHEMA).field("name", Schema.STRING_SCHEMA)
            .field("cooking_minutes", Schema.OPTIONAL_INT32_SCHEMA).build();
    private static final Schema KEY = SchemaBuilder.struct().name("pasta.Key").field("name", Schema.STRING_SCHEMA).build();
    private static final Schema ENVELOPE = envelope(ROW);

    @BeforeAll
    static void artifacts() {
        assumeFalse(Boolean.getBoolean("bucatini.artifacts.absent"), "built without native libraries");
    }

    private static Schema envelope(Schema row) {
        return SchemaBuilder.struct().name("server.public.pasta.Envelope").field("before", row).field("after", row)
                .field("source", SOURCE).field("op", Schema.STRING_SCHEMA).field("ts_ms", Schema.OPTIONAL_INT64_SCHEMA).build();
    }

    private static Struct change(Schema envelope, String op, Struct before, Struct after) {
        return new Struct(envelope).put("before", before).put("after", after).put("op", op).put("ts_ms", 5L)
                .put("source", new Struct(SOURCE).put("db", "shop").put("lsn", 42L));
    }

    private static Struct row(int id, String name) {
        return new Struct(ROW).put("id", id).put("name", name).put("cooking_minutes", 8);
    }

    private static SourceRecord record(Schema schema, Object value) {
        SourceRecord record = new SourceRecord(null, null, "server.public.pasta", 1, KEY, new Struct(KEY).put("name", "k"),
                schema, value, 99L);
        record.headers().addString("h", "old");
        return record;
    }

    private static <R extends ConnectRecord<R>> NativeTransformation<R> real(Map<String, String> config) {
        return open(config, NativeLibraries.get(Engine.NATIVE));
    }

    private static <R extends ConnectRecord<R>> NativeTransformation<R> open(Map<String, String> config, Library library) {
        NativeTransformation<R> opened = new NativeTransformation<>(PluginKind.EXTRACT_NEW_RECORD_STATE, engine -> library) {};
        opened.configure(config);
        return opened;
    }

    /** The same core without plans: every record goes as a frame. */
    private static Library framesOnly(AtomicInteger frames) {
        Library core = NativeLibraries.get(Engine.NATIVE);
        return (Library) Proxy.newProxyInstance(Library.class.getClassLoader(), new Class<?>[] {Library.class},
                (proxy, method, arguments) -> {
                    if (method.getName().equals("plan")) {
                        return (long) Library.NULL;
                    }
                    frames.addAndGet(method.getName().equals("apply") ? 1 : 0);
                    try {
                        return method.invoke(core, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    @ParameterizedTest
    @EnumSource(Engine.class)
    void theStorysRecordsAreUnwrapped(Engine engine) {
        BucatiniExtractNewRecordState<SourceRecord> smt = new BucatiniExtractNewRecordState<>();
        smt.configure(Map.of("drop.tombstones", "false", "delete.handling.mode", "rewrite", "engine",
                engine.name().toLowerCase(Locale.ROOT)));
        SourceRecord created = smt.apply(record(ENVELOPE, change(ENVELOPE, "c", null, row(1, "spaghetti"))));
        Struct value = (Struct) created.value();
        assertEquals(List.of("id", "name", "cooking_minutes", "__deleted"),
                created.valueSchema().fields().stream().map(Field::name).toList());
        assertEquals(List.of(1, "spaghetti", 8, "false"),
                Arrays.asList(value.get("id"), value.get("name"), value.get("cooking_minutes"), value.get("__deleted")));
        assertSame(created.valueSchema(), value.schema());
        assertEquals("server.public.pasta 1 99", created.topic() + " " + created.kafkaPartition() + " " + created.timestamp());
        SourceRecord deleted = smt.apply(record(ENVELOPE, change(ENVELOPE, "d", row(1, "spaghetti"), null)));
        assertEquals("true", ((Struct) deleted.value()).get("__deleted"));
        assertSame(created.valueSchema(), deleted.valueSchema(), "one schema, one object");
        SourceRecord tombstone = record(null, null);
        assertSame(tombstone, smt.apply(tombstone));
        value.validate();
    }

    @Test
    void whatIsNoChangeEventIsTheSameObject() {
        NativeTransformation<SourceRecord> smt = real(Map.of());
        for (SourceRecord other : List.of(record(ROW, row(1, "x")), record(Schema.STRING_SCHEMA, "text"),
                record(null, Map.of("a", 1)))) {
            assertSame(other, smt.apply(other));
        }
        assertNull(smt.apply(record(null, null)));
    }

    @Test
    void sinkRecordsStaySinkRecords() {
        NativeTransformation<SinkRecord> smt = real(Map.of("add.fields", "op"));
        SinkRecord unwrapped = smt.apply(new SinkRecord("t", 2, KEY, null, ENVELOPE,
                change(ENVELOPE, "c", null, row(1, "x")), 77, 5L, TimestampType.CREATE_TIME));
        assertEquals(77, unwrapped.kafkaOffset());
        assertEquals("c", ((Struct) unwrapped.value()).get("__op"));
    }

    @Test
    void addedHeadersFollowTheRecordsOwnAndLeaveTheOldRecordAlone() {
        NativeTransformation<SourceRecord> smt = real(Map.of("add.headers", "op,db,ts_ms"));
        SourceRecord record = record(ENVELOPE, change(ENVELOPE, "u", null, row(1, "x")));
        List<String> headers = new ArrayList<>();
        for (Header header : smt.apply(record).headers()) {
            headers.add(header.key() + "=" + header.value());
        }
        assertEquals(List.of("h=old", "__op=u", "__db=shop", "__ts_ms=5"), headers);
        assertEquals(1, record.headers().size());
    }

    @Test
    void faultsOfRecordsAndSettings() {
        NativeTransformation<SourceRecord> smt = real(Map.of("add.fields", "before.nope"));
        // 1.7 and 3.x disagree on what this is; neither must end in anything but a data error or a record.
        NativeTransformation<SourceRecord> route = real(Map.of("route.by.field", "id"));
        DataException wrong = assertThrows(DataException.class,
                () -> route.apply(record(ENVELOPE, change(ENVELOPE, "c", null, row(1, "x")))));
        assertTrue(wrong.getMessage().startsWith("BucatiniExtractNewRecordState: "), wrong.getMessage());
        assertThrows(ConnectException.class, () -> real(Map.of("delete.handling.mode", "perhaps")));
        ConfigException both = assertThrows(ConfigException.class,
                () -> real(Map.of("delete.handling.mode", "none", "delete.tombstone.handling.mode", "drop")));
        assertTrue(both.getMessage().contains("delete.handling.mode and delete.tombstone.handling.mode"), both.getMessage());
        smt.close();
        Struct wrongValue = new Struct(ROW).put("id", 1).put("name", "x");
        NativeTransformation<SourceRecord> plain = real(Map.of());
        DataException other =
                assertThrows(DataException.class, () -> plain.apply(record(ENVELOPE, wrongValue)));
        assertTrue(other.getMessage().contains("plan.struct"), other.getMessage());
        assertThrows(DataException.class, () -> plain.apply(record(ENVELOPE, "text")));
    }

    @Test
    void equalSchemasOfOtherObjectsGoTheSameWay() {
        NativeTransformation<SourceRecord> smt = real(Map.of());
        Schema first = smt.apply(record(ENVELOPE, change(ENVELOPE, "c", null, row(1, "x")))).valueSchema();
        for (int i = 0; i < 50; i++) {
            Schema row = SchemaBuilder.struct().name("pasta.Value").optional().field("id", Schema.INT32_SCHEMA)
                    .field("name", Schema.STRING_SCHEMA).field("cooking_minutes", Schema.OPTIONAL_INT32_SCHEMA).build();
            Schema envelope = envelope(row);
            assertNotSame(ENVELOPE, envelope);
            Struct after = new Struct(row).put("id", i).put("name", "n");
            SourceRecord unwrapped = smt.apply(record(envelope, change(envelope, "c", null, after)));
            assertSame(first, unwrapped.valueSchema());
            assertEquals(i, ((Struct) unwrapped.value()).get("id"));
        }
    }

    private static final List<Map<String, String>> CONFIGS = List.of(
            Map.of(),
            Map.of("generation", "1.7", "drop.tombstones", "false", "delete.handling.mode", "rewrite"),
            Map.of("generation", "1.7", "delete.handling.mode", "none", "add.fields", "op,db,ts_ms,source.lsn"),
            Map.of("generation", "1.7", "delete.handling.mode", "drop", "add.headers", "op,snapshot"),
            Map.of("generation", "3.x", "delete.tombstone.handling.mode", "rewrite", "add.fields", "op,snapshot"),
            Map.of("generation", "3.x", "delete.tombstone.handling.mode", "rewrite-with-tombstone"),
            Map.of("generation", "3.x", "delete.tombstone.handling.mode", "delete-to-tombstone", "add.headers", "db"),
            Map.of("generation", "3.x", "drop.fields.header.name", "drop", "drop.fields.from.key", "true",
                    "drop.fields.keep.schema.compatible", "false"),
            Map.of("generation", "3.x", "drop.fields.header.name", "drop", "replace.null.with.default", "false"),
            Map.of("generation", "3.x", "route.by.field", "f0"),
            Map.of("generation", "1.7", "route.by.field", "f0"));

    /** Both executors of a plan give the same, for rows of any shape. */
    @Test
    void movesAndFramesGiveTheSame() {
        AtomicInteger frames = new AtomicInteger();
        Library framed = framesOnly(frames);
        int changed = 0;
        int dropped = 0;
        int failed = 0;
        for (Map<String, String> config : CONFIGS) {
            for (int seed = 0; seed < 60; seed++) {
                NativeTransformation<SourceRecord> moves = real(config);
                NativeTransformation<SourceRecord> byFrame = open(config, framed);
                RandomData data = new RandomData(seed);
                SchemaBuilder columns = SchemaBuilder.struct().name("Row").optional();
                int fields = 1 + data.below(5);
                for (int i = 0; i < fields; i++) {
                    columns.field("f" + i, i == 0 && seed % 2 == 0 ? Schema.OPTIONAL_STRING_SCHEMA : data.schema());
                }
                Schema row = columns.build();
                Schema envelope = envelope(row);
                for (String op : List.of("c", "u", "d", "t", "none")) {
                    Struct before = op.equals("c") || op.equals("t") ? null : (Struct) data.value(row);
                    Struct after = op.equals("d") || op.equals("t") ? null : (Struct) data.value(row);
                    SourceRecord record = op.equals("none")
                            ? record(envelope, null) : record(envelope, change(envelope, op, before, after));
                    record.headers().addList("drop", Arrays.asList("f1", null, "name"),
                            SchemaBuilder.array(Schema.OPTIONAL_STRING_SCHEMA).build());
                    Object one = outcome(moves, record);
                    Object other = outcome(byFrame, record);
                    assertEquals(other, one, () -> config + " seed " + record.value());
                    changed += one instanceof SourceRecord ? 1 : 0;
                    dropped += one == null ? 1 : 0;
                    failed += one instanceof String ? 1 : 0;
                }
            }
        }
        assertEquals(CONFIGS.size() * 60 * 5, frames.get());
        assertTrue(changed > 1_000 && dropped > 200 && failed > 20, changed + ", " + dropped + ", " + failed);
    }

    private static Object outcome(NativeTransformation<SourceRecord> smt, SourceRecord record) {
        try {
            return smt.apply(record);
        } catch (DataException e) {
            return e.getMessage();
        }
    }

    @Test
    void manyThreadsShareOneInstance() throws Exception {
        NativeTransformation<SourceRecord> smt = real(Map.of("add.fields", "op"));
        ExecutorService threads = Executors.newFixedThreadPool(8);
        List<Future<Integer>> results = new ArrayList<>();
        for (int t = 0; t < 8; t++) {
            int first = t * 100_000;
            results.add(threads.submit(() -> {
                for (int i = first; i < first + 20_000; i++) {
                    String op = i % 2 == 0 ? "c" : "u";
                    Struct value = (Struct) smt.apply(record(ENVELOPE, change(ENVELOPE, op, null, row(i, "n" + i)))).value();
                    assertEquals(i, value.get("id"));
                    assertEquals("n" + i, value.get("name"));
                    assertEquals(op, value.get("__op"));
                }
                return 1;
            }));
        }
        int done = 0;
        for (Future<Integer> result : results) {
            done += result.get();
        }
        threads.shutdown();
        assertEquals(8, done);
    }

    @Test
    void tenThousandInstancesComeAndGoAndMemoryStays() throws Exception {
        come(5_000);
        long[] first = resources();
        long[] before = first;
        long[] after = first;
        long grown = Long.MAX_VALUE;
        // The virtual machine's own memory grows until everything is compiled; what leaks grows every time.
        for (int round = 0; round < 6 && grown >= 16 << 20; round++) {
            before = after;
            come(5_000);
            after = resources();
            grown = after[0] - before[0];
        }
        assertTrue(grown < 16 << 20, grown + " bytes more after another 5,000 instances");
        // It starts and ends threads of its own, too; a leak would be thousands.
        assertTrue(after[1] - first[1] <= 16 && after[2] - first[2] <= 16, Arrays.toString(first) + Arrays.toString(after));
    }

    private static void come(int instances) {
        Map<String, String> config = new HashMap<>(Map.of("add.fields", "op"));
        for (int i = 0; i < instances; i++) {
            NativeTransformation<SourceRecord> smt = real(config);
            assertEquals("c", ((Struct) smt.apply(record(ENVELOPE, change(ENVELOPE, "c", null, row(i, "x")))).value()).get("__op"));
            // Half of them are left to the Cleaner.
            if (i % 2 == 0) {
                smt.close();
            }
        }
    }

    /** Resident memory, threads and open files, after what is garbage has gone. */
    private static long[] resources() throws Exception {
        for (int i = 0; i < 3; i++) {
            System.gc();
            Thread.sleep(200);
        }
        long pages = Long.parseLong(Files.readString(Path.of("/proc/self/statm")).split(" ")[1]);
        return new long[] {pages * 4096, new File("/proc/self/task").list().length, new File("/proc/self/fd").list().length};
    }

    @Test
    void aValueThatWasNotSentIsListedInAHeader() {
        Struct row = row(1, "__debezium_unavailable_value");
        for (String handling : List.of("header", "mark")) {
            for (String engine : List.of("native", "wasm")) {
                BucatiniExtractNewRecordState<SourceRecord> smt = new BucatiniExtractNewRecordState<>();
                smt.configure(Map.of("unavailable.value.handling", handling, "engine", engine));
                SourceRecord unwrapped = smt.apply(record(ENVELOPE, change(ENVELOPE, "u", null, row)));
                assertEquals(List.of("name"), unwrapped.headers().lastWithName("__unavailable").value());
                assertEquals("__debezium_unavailable_value", ((Struct) unwrapped.value()).get("name"));
                SourceRecord sent = smt.apply(record(ENVELOPE, change(ENVELOPE, "u", null, row(1, "x"))));
                assertNull(sent.headers().lastWithName("__unavailable"));
                smt.close();
            }
        }
        NativeTransformation<SourceRecord> failing = real(Map.of("unavailable.value.handling", "fail"));
        assertThrows(DataException.class, () -> failing.apply(record(ENVELOPE, change(ENVELOPE, "u", null, row))));
    }

    /** Predicates and their negation, as Connect puts them around a transformation. */
    @Test
    void predicatesChooseTheRecords() {
        SourceRecord event = record(ENVELOPE, change(ENVELOPE, "c", null, row(1, "x")));
        SourceRecord tombstone = record(null, null);
        SourceRecord marked = record(ENVELOPE, change(ENVELOPE, "c", null, row(2, "y")));
        marked.headers().addString("skip", "");
        String predicates = "org.apache.kafka.connect.transforms.predicates.";
        Transformation<SourceRecord> notTombstones = chain(predicates + "RecordIsTombstone", Map.of(), true);
        assertSame(tombstone, notTombstones.apply(tombstone));
        assertEquals("x", ((Struct) notTombstones.apply(event).value()).get("name"));
        Transformation<SourceRecord> tombstones = chain(predicates + "RecordIsTombstone", Map.of(), false);
        assertNull(tombstones.apply(tombstone));
        assertSame(event, tombstones.apply(event));
        Transformation<SourceRecord> unmarked = chain(predicates + "HasHeaderKey", Map.of("name", "skip"), true);
        assertSame(marked, unmarked.apply(marked));
        assertEquals("x", ((Struct) unmarked.apply(event).value()).get("name"));
        Transformation<SourceRecord> topic = chain(predicates + "TopicNameMatches", Map.of("pattern", "server\\.public\\..*"), false);
        assertEquals("x", ((Struct) topic.apply(event).value()).get("name"));
        Transformation<SourceRecord> otherTopic = chain(predicates + "TopicNameMatches", Map.of("pattern", "other"), false);
        assertSame(event, otherTopic.apply(event));
    }

    private static Transformation<SourceRecord> chain(String predicate, Map<String, String> settings, boolean negate) {
        Map<String, String> config = new HashMap<>(Map.of("name", "c", "connector.class", "Any", "transforms", "unwrap",
                "transforms.unwrap.type", BucatiniExtractNewRecordState.class.getName(), "transforms.unwrap.predicate", "p",
                "transforms.unwrap.negate", String.valueOf(negate), "predicates", "p", "predicates.p.type", predicate));
        settings.forEach((key, value) -> config.put("predicates.p." + key, value));
        List<Transformation<SourceRecord>> chain =
                new ConnectorConfig(new Plugins(Map.of()), config).transformations();
        return chain.get(0);
    }
}
