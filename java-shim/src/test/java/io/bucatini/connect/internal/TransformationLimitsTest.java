package io.bucatini.connect.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.bucatini.connect.BucatiniExtractNewRecordState;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.kafka.connect.data.ConnectSchema;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.source.SourceRecord;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The transformation with what is unusual: records that are no change events, wide rows, schemas that change. */
class TransformationLimitsTest {
    private static final String DROP = "drop";

    @BeforeAll
    static void artifacts() {
        assumeFalse(Boolean.getBoolean("bucatini.artifacts.absent"), "built without native libraries");
    }

    private static BucatiniExtractNewRecordState<SourceRecord> configured(Engine engine, Map<String, String> config) {
        Map<String, String> settings = new HashMap<>(config);
        settings.put("engine", engine.name().toLowerCase(Locale.ROOT));
        BucatiniExtractNewRecordState<SourceRecord> smt = new BucatiniExtractNewRecordState<>();
        smt.configure(settings);
        return smt;
    }

    private static SourceRecord record(Schema schema, Object value) {
        return new SourceRecord(null, null, "server.public.pasta", 0, null, null, schema, value);
    }

    private static Schema envelope(Schema row) {
        return SchemaBuilder.struct().name("server.public.pasta.Envelope").field("before", row).field("after", row)
                .field("op", Schema.STRING_SCHEMA).build();
    }

    private static SourceRecord created(Schema envelope, Struct after) {
        return record(envelope, new Struct(envelope).put("after", after).put("op", "c"));
    }

    @ParameterizedTest
    @EnumSource(Engine.class)
    void recordsThatAreNoChangeEventsAreTheSameObject(Engine engine) {
        Schema heartbeat = SchemaBuilder.struct().name("io.debezium.connector.common.Heartbeat")
                .field("ts_ms", Schema.INT64_SCHEMA).build();
        Schema transaction = SchemaBuilder.struct().name("io.debezium.connector.common.TransactionMetadataValue")
                .field("status", Schema.STRING_SCHEMA).field("id", Schema.STRING_SCHEMA)
                .field("event_count", Schema.OPTIONAL_INT64_SCHEMA).build();
        Schema message = SchemaBuilder.struct().name("io.debezium.connector.postgresql.MessageValue")
                .field("op", Schema.STRING_SCHEMA).field("message", Schema.OPTIONAL_BYTES_SCHEMA).build();
        Schema ddl = SchemaBuilder.struct().name("io.debezium.connector.mysql.SchemaChangeValue")
                .field("ddl", Schema.OPTIONAL_STRING_SCHEMA).build();
        List<SourceRecord> others = List.of(record(heartbeat, new Struct(heartbeat).put("ts_ms", 1L)),
                record(transaction, new Struct(transaction).put("status", "BEGIN").put("id", "1")),
                record(message, new Struct(message).put("op", "m")), record(ddl, new Struct(ddl).put("ddl", "create")),
                record(null, Map.of("op", "c")), record(null, "text"), record(Schema.BYTES_SCHEMA, new byte[] {1}));
        for (Map<String, String> config : List.of(Map.of("generation", "1.7"), Map.of("add.headers", "op"),
                Map.of("delete.tombstone.handling.mode", "rewrite", "add.fields", "op", "route.by.field", "id"))) {
            BucatiniExtractNewRecordState<SourceRecord> smt = configured(engine, config);
            for (SourceRecord other : others) {
                assertSame(other, smt.apply(other));
                assertEquals(0, other.headers().size());
            }
            smt.close();
        }
    }

    @ParameterizedTest
    @EnumSource(Engine.class)
    void truncateAndMessageEventsAreDropped(Engine engine) {
        Schema row = SchemaBuilder.struct().name("r").optional().field("id", Schema.INT32_SCHEMA).build();
        Schema envelope = envelope(row);
        for (String op : List.of("t", "m")) {
            SourceRecord event = record(envelope, new Struct(envelope).put("op", op));
            assertNull(configured(engine, Map.of()).apply(event));
            assertNull(configured(engine, Map.of("generation", "1.7")).apply(event));
        }
    }

    @ParameterizedTest
    @EnumSource(Engine.class)
    void aThousandColumnsAndTenMegabytes(Engine engine) {
        SchemaBuilder columns = SchemaBuilder.struct().name("wide").optional();
        for (int i = 0; i < 1_000; i++) {
            columns.field("c" + i, i % 2 == 0 ? Schema.OPTIONAL_STRING_SCHEMA : Schema.OPTIONAL_INT64_SCHEMA);
        }
        Schema row = columns.build();
        Schema envelope = envelope(row);
        Struct after = new Struct(row).put("c0", "ä".repeat(5 << 20));
        for (int i = 1; i < 1_000; i++) {
            after.put("c" + i, i % 3 == 0 ? null : i % 2 == 0 ? (Object) ("v" + i) : Long.valueOf(i));
        }
        BucatiniExtractNewRecordState<SourceRecord> smt =
                configured(engine, Map.of("delete.tombstone.handling.mode", "rewrite", "add.fields", "op"));
        SourceRecord unwrapped = smt.apply(created(envelope, after));
        Struct value = (Struct) unwrapped.value();
        value.validate();
        assertEquals(1_002, value.schema().fields().size());
        assertSame(after.get("c0"), value.get("c0"), "moved, not copied");
        for (Field field : row.fields()) {
            assertEquals(after.get(field), value.get(field.name()));
        }
        assertEquals("false c", value.get("__deleted") + " " + value.get("__op"));
    }

    @ParameterizedTest
    @EnumSource(Engine.class)
    void aValueIsReadByItsOwnSchema(Engine engine) {
        Schema row = SchemaBuilder.struct().name("r").field("id", Schema.INT32_SCHEMA).build();
        Schema declared = envelope(row);
        Schema own = SchemaBuilder.struct().name("server.public.pasta.Envelope").field("op", Schema.STRING_SCHEMA)
                .field("changed", Schema.STRING_SCHEMA).field("after", row).build();
        Struct value = new Struct(own).put("op", "u").put("changed", "id").put("after", new Struct(row).put("id", 7));
        BucatiniExtractNewRecordState<SourceRecord> smt =
                configured(engine, Map.of("delete.tombstone.handling.mode", "tombstone", "add.fields", "op"));
        for (int i = 0; i < 2; i++) {
            Struct unwrapped = (Struct) smt.apply(record(declared, value)).value();
            assertEquals("7 u", unwrapped.get("id") + " " + unwrapped.get("__op"));
            Struct other = new Struct(declared).put("after", new Struct(row).put("id", 8)).put("op", "u");
            assertEquals(8, ((Struct) smt.apply(record(declared, other)).value()).get("id"));
        }
    }

    /** Such schemas have one content, but are not equal in Java. */
    @Test
    void schemasWithBytesAsDefaultAreOneToo() {
        BucatiniExtractNewRecordState<SourceRecord> smt = configured(Engine.NATIVE, Map.of());
        Schema first = null;
        for (int i = 0; i < 3; i++) {
            Schema inner = SchemaBuilder.struct().name("i").field("data", SchemaBuilder.bytes().defaultValue(new byte[] {1}).build())
                    .field("must", Schema.INT32_SCHEMA).build();
            Schema row = SchemaBuilder.struct().name("r").optional().field("id", Schema.INT32_SCHEMA).field("inner", inner).build();
            Schema envelope = envelope(row);
            Struct after = new Struct(row).put("id", i).put("inner", new Struct(inner).put("data", new byte[] {2}).put("must", 1));
            SourceRecord unwrapped = smt.apply(created(envelope, after));
            assertEquals(i, ((Struct) unwrapped.value()).get("id"));
            first = first == null ? unwrapped.valueSchema() : first;
            assertSame(first, unwrapped.valueSchema());
        }
    }

    private static Schema recursive(RecursiveSchema again) {
        Schema row = SchemaBuilder.struct().name("r").optional().field("id", Schema.INT32_SCHEMA).field("next", again).build();
        again.refersTo((ConnectSchema) row);
        return row;
    }

    @ParameterizedTest
    @EnumSource(Engine.class)
    void rowsMayReferBackToThemselves(Engine engine) {
        WireWriter form = new WireWriter(64);
        SchemaWriter.write(recursive(new RecursiveSchema(new byte[0])), new RowImageWriter(StructAccess.BEST)).write(form);
        RecursiveSchema again = new RecursiveSchema(form.toBytes());
        Schema row = recursive(again);
        Schema envelope = envelope(row);
        Struct last = new Struct(again).put("id", 3);
        Struct next = new Struct(again).put("id", 2).put("next", last);
        BucatiniExtractNewRecordState<SourceRecord> smt =
                configured(engine, Map.of("delete.tombstone.handling.mode", "rewrite", "add.headers", "after.next"));
        SourceRecord unwrapped = smt.apply(created(envelope, new Struct(row).put("id", 1).put("next", next)));
        Struct value = (Struct) unwrapped.value();
        value.validate();
        assertSame(next, value.get("next"));
        assertEquals(List.of("id", "next", "__deleted"), value.schema().fields().stream().map(Field::name).toList());
        assertEquals(List.of("id", "next"),
                value.schema().field("next").schema().fields().stream().map(Field::name).toList());
        assertSame(next, unwrapped.headers().lastWithName("__after_next").value());
    }

    @Test
    void schemasMayChangeMidStreamAndKeepTheirOutput() {
        BucatiniExtractNewRecordState<SourceRecord> smt = configured(Engine.NATIVE, Map.of("add.fields", "op"));
        List<Schema> rows = new ArrayList<>();
        List<Schema> envelopes = new ArrayList<>();
        for (int n = 1; n <= 40; n++) {
            SchemaBuilder columns = SchemaBuilder.struct().name("r").optional();
            for (int i = 0; i < n; i++) {
                columns.field("c" + i, Schema.OPTIONAL_INT32_SCHEMA);
            }
            rows.add(columns.build());
            envelopes.add(envelope(rows.get(n - 1)));
        }
        List<Schema> first = new ArrayList<>();
        for (int round = 0; round < 3; round++) {
            for (int n = 1; n <= 40; n++) {
                Struct after = new Struct(rows.get(n - 1)).put("c" + (n - 1), n);
                SourceRecord unwrapped = smt.apply(created(envelopes.get(n - 1), after));
                assertEquals(n, ((Struct) unwrapped.value()).get("c" + (n - 1)));
                assertEquals(n + 1, unwrapped.valueSchema().fields().size());
                if (round == 0) {
                    first.add(unwrapped.valueSchema());
                }
                assertSame(first.get(n - 1), unwrapped.valueSchema());
            }
        }
        assertNotSame(first.get(0), first.get(1));
    }

    @ParameterizedTest
    @EnumSource(Engine.class)
    void everyRecordMayDropOtherFields(Engine engine) {
        SchemaBuilder columns = SchemaBuilder.struct().name("r").optional().field("id", Schema.INT32_SCHEMA);
        for (int i = 0; i < 10; i++) {
            columns.field("c" + i, Schema.OPTIONAL_INT32_SCHEMA);
        }
        Schema row = columns.build();
        Schema envelope = envelope(row);
        BucatiniExtractNewRecordState<SourceRecord> smt = configured(engine, Map.of("drop.fields.header.name", DROP));
        Schema names = SchemaBuilder.array(Schema.STRING_SCHEMA).build();
        for (int set = 0; set < 1_024; set++) {
            SourceRecord event = created(envelope, new Struct(row).put("id", set).put("c3", 3));
            List<String> dropped = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                if ((set >> i & 1) != 0) {
                    dropped.add("c" + i);
                }
            }
            event.headers().addList(DROP, dropped, names);
            SourceRecord unwrapped = smt.apply(event);
            assertEquals(11 - dropped.size(), unwrapped.valueSchema().fields().size());
            assertEquals(set, ((Struct) unwrapped.value()).get("id"));
            assertTrue(dropped.contains("c3") || Integer.valueOf(3).equals(((Struct) unwrapped.value()).get("c3")));
            assertSame(unwrapped.valueSchema(), smt.apply(event).valueSchema());
        }
    }
}
