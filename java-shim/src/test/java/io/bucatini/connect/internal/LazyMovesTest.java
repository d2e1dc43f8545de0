package io.bucatini.connect.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.header.Header;
import org.apache.kafka.connect.sink.SinkRecord;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The transformation on envelopes that nobody has looked into: the same rows, and the envelope is never made. */
class LazyMovesTest {
    private static final Schema ROW = SchemaBuilder.struct().name("shop.Value").optional()
            .field("id", Schema.INT32_SCHEMA).field("name", Schema.OPTIONAL_STRING_SCHEMA)
            .field("tags", SchemaBuilder.array(Schema.STRING_SCHEMA).optional().build())
            .field("kind", SchemaBuilder.string().optional().defaultValue("pasta").build()).build();
    private static final Schema SOURCE = SchemaBuilder.struct().name("shop.Source")
            .field("db", Schema.STRING_SCHEMA).field("ts_ms", Schema.OPTIONAL_INT64_SCHEMA).build();
    private static final Schema ENVELOPE = SchemaBuilder.struct().name("shop.Envelope").field("before", ROW).field("after", ROW)
            .field("source", SOURCE).field("op", Schema.STRING_SCHEMA).field("ts_ms", Schema.OPTIONAL_INT64_SCHEMA).build();
    private static final List<Map<String, String>> SETTINGS = List.of(
            Map.of(),
            Map.of("add.fields", "op,source.db,source.ts_ms"),
            Map.of("add.headers", "op,source.db"),
            Map.of("route.by.field", "name"),
            Map.of("delete.tombstone.handling.mode", "rewrite"),
            Map.of("generation", "1.7", "delete.handling.mode", "rewrite", "drop.tombstones", "false"));

    @BeforeAll
    static void artifacts() {
        assumeFalse(Boolean.getBoolean("bucatini.artifacts.absent"), "built without native libraries");
    }

    private static Struct row(int id) {
        return new Struct(ROW).put("id", id).put("name", id % 3 == 0 ? null : "größe " + id)
                .put("tags", id % 2 == 0 ? null : List.of("a", "b" + id)).put("kind", id % 4 == 0 ? "rice" : null);
    }

    private static Struct event(int i) {
        String op = List.of("c", "u", "d").get(i % 3);
        return new Struct(ENVELOPE).put("op", op).put("before", op.equals("c") ? null : row(i)).put("after", op.equals("d") ? null : row(i))
                .put("source", new Struct(SOURCE).put("db", "shop").put("ts_ms", i % 5 == 0 ? null : 5L + i)).put("ts_ms", 7L);
    }

    private static LazyStruct lazy(RowImagePlan plan, Struct value) {
        WireWriter out = new WireWriter(64);
        new RowImageWriter(StructAccess.BEST).write(plan, value, out);
        return (LazyStruct) new RowImageReader(StructAccess.BEST).readLazily(plan, out.toBytes(), new byte[0]);
    }

    private static SinkRecord record(Struct value) {
        return new SinkRecord("shop", 0, null, null, ENVELOPE, value, 1);
    }

    @Test
    void rowsAreThoseOfPlainEnvelopes() {
        RowImagePlan plan = RowImagePlan.of(ENVELOPE);
        int rows = 0;
        for (Map<String, String> settings : SETTINGS) {
            try (NativeTransformation<SinkRecord> smt =
                    new NativeTransformation<>(PluginKind.EXTRACT_NEW_RECORD_STATE, NativeLibraries::get) {}) {
                smt.configure(settings);
                for (int i = 0; i < 60; i++) {
                    LazyStruct lazy = lazy(plan, event(i));
                    SinkRecord expected = smt.apply(record(event(i)));
                    SinkRecord found = smt.apply(record(lazy));
                    assertNotNull(lazy.pending(), () -> settings + ": the envelope was made");
                    assertEquals(expected == null, found == null);
                    if (expected != null) {
                        assertEquals(expected.topic(), found.topic());
                        assertEquals(expected.valueSchema(), found.valueSchema());
                        assertEquals(expected.value(), found.value());
                        assertEquals(names(expected), names(found));
                        rows += found.value() == null ? 0 : 1;
                    }
                }
            }
        }
        assertTrue(rows > 200, "only " + rows);
    }

    private static String names(SinkRecord record) {
        StringBuilder all = new StringBuilder();
        for (Header header : record.headers()) {
            all.append(header.key()).append('=').append(header.value()).append(' ');
        }
        return all.toString();
    }
}
