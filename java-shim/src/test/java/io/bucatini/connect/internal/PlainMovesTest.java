package io.bucatini.connect.internal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.header.Header;
import org.apache.kafka.connect.sink.SinkRecord;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledForJreRange;
import org.junit.jupiter.api.condition.JRE;

/** Events whose values lie open: the same records as step by step, first in loops and then in a straight line. */
class PlainMovesTest {
    private static final Schema ROW = row();
    /** Another object: some converters make one for each record. */
    private static final Schema EQUAL_ROW = row();
    private static final Schema SOURCE = SchemaBuilder.struct().name("shop.Source").optional()
            .field("db", Schema.STRING_SCHEMA).field("ts_ms", Schema.OPTIONAL_INT64_SCHEMA)
            .field("snapshot", SchemaBuilder.string().optional().defaultValue("false").build()).build();
    private static final Schema TRANSACTION = SchemaBuilder.struct().name("shop.Transaction").optional()
            .field("id", Schema.STRING_SCHEMA).build();
    private static final Schema ENVELOPE = SchemaBuilder.struct().name("shop.Envelope").field("before", ROW).field("after", ROW)
            .field("source", SOURCE).field("transaction", TRANSACTION).field("op", Schema.STRING_SCHEMA)
            .field("ts_ms", Schema.OPTIONAL_INT64_SCHEMA).build();
    private static final List<Map<String, String>> SETTINGS = List.of(
            Map.of(),
            Map.of("add.fields", "op,source.db,source.ts_ms,source.snapshot"),
            Map.of("add.fields", "op,source.db,transaction.id,before.name"),
            Map.of("add.headers", "op,source.db,transaction.id"),
            Map.of("route.by.field", "name"),
            Map.of("replace.null.with.default", "false"),
            Map.of("drop.fields.header.name", "gone"),
            Map.of("delete.tombstone.handling.mode", "rewrite", "add.fields", "op,ts_ms", "add.headers", "op"),
            Map.of("generation", "1.7"),
            Map.of("generation", "1.7", "delete.handling.mode", "rewrite", "drop.tombstones", "false", "add.fields", "op,db"));
    /** As many events as it takes until a class is written, and all kinds of them again. */
    private static final int EVENTS = 3 * RowImagePlan.USED + 300;

    /** Not of Connect's class: its values do not lie open, so it goes step by step. */
    private static final class Closed extends Struct {
        Closed(Schema schema) {
            super(schema);
        }
    }

    @BeforeAll
    static void artifacts() {
        assumeFalse(Boolean.getBoolean("bucatini.artifacts.absent"), "built without native libraries");
    }

    private static Schema row() {
        return SchemaBuilder.struct().name("shop.Value").optional()
                .field("id", Schema.INT32_SCHEMA).field("name", Schema.OPTIONAL_STRING_SCHEMA)
                .field("count", Schema.INT64_SCHEMA)
                .field("kind", SchemaBuilder.string().optional().defaultValue("pasta").build()).build();
    }

    private static Struct row(int i) {
        Schema schema = i % 5 == 0 ? EQUAL_ROW : ROW;
        return (i % 13 == 0 ? new Closed(schema) : new Struct(schema)).put("id", i).put("name", i % 3 == 0 ? null : "n" + i % 7)
                .put("count", 3L * i).put("kind", i % 4 == 0 ? "rice" : null);
    }

    private static Struct event(int i, Struct event) {
        String op = List.of("c", "u", "d").get(i % 3 == 0 ? 0 : i % 2 + 1);
        event.put("op", op).put("before", op.equals("c") ? null : row(i + 1)).put("after", op.equals("d") ? null : row(i))
                .put("source", i % 19 == 0 ? null : new Struct(SOURCE).put("db", "shop").put("ts_ms", i % 7 == 0 ? null : 5L + i))
                .put("transaction", i % 2 == 0 ? null : new Struct(TRANSACTION).put("id", "t" + i)).put("ts_ms", 7L);
        Object after = event.get("after");
        Object[] values = i % 17 != 0 || after == null ? null : StructAccess.open((Struct) after);
        if (values != null) {
            // A null where the schema wants a value, which put would refuse.
            values[2] = null;
        }
        return event;
    }

    private static Struct event(int i) {
        return event(i, new Struct(ENVELOPE));
    }

    private static NativeTransformation<SinkRecord> open(Map<String, String> settings) {
        NativeTransformation<SinkRecord> smt =
                new NativeTransformation<>(PluginKind.EXTRACT_NEW_RECORD_STATE, NativeLibraries::get) {};
        smt.configure(settings);
        return smt;
    }

    /** All that one can see of what becomes of a value. */
    private static String outcome(NativeTransformation<SinkRecord> smt, Struct value, int i) {
        SinkRecord record = new SinkRecord("shop", 0, Schema.STRING_SCHEMA, "k" + i, ENVELOPE, value, i);
        record.headers().addString("own", "h");
        if (i % 23 == 0) {
            record.headers().addList("gone", List.of("name"), SchemaBuilder.array(Schema.STRING_SCHEMA).build());
        }
        SinkRecord made;
        try {
            made = smt.apply(record);
        } catch (DataException e) {
            return e.getMessage();
        }
        if (made == null) {
            return "dropped";
        }
        StringBuilder seen = new StringBuilder(made.toString());
        for (Header header : made.headers()) {
            seen.append(header);
        }
        return seen.append(made.valueSchema() == null ? null : made.valueSchema().fields()).toString();
    }

    @Test
    void recordsAreThoseOfTheSteps() {
        for (Map<String, String> settings : SETTINGS) {
            int rows = 0;
            int faults = 0;
            try (NativeTransformation<SinkRecord> plain = open(settings); NativeTransformation<SinkRecord> stepped = open(settings)) {
                for (int i = 0; i < EVENTS; i++) {
                    int number = i;
                    String expected = outcome(stepped, event(i, new Closed(ENVELOPE)), i);
                    assertEquals(expected, outcome(plain, event(i), i), () -> settings + " event " + number);
                    rows += expected.contains("Struct{") ? 1 : 0;
                    faults += expected.contains("null-required") ? 1 : 0;
                }
            }
            assertTrue(rows > EVENTS / 3 && faults > 10, settings + ": " + rows + " rows, " + faults + " faults");
        }
    }

    private final Moves moves = new Moves("test", null, null, StructAccess.BEST, null);

    private static WireWriter path(WireWriter out, int... positions) {
        out.u32(positions.length);
        for (int position : positions) {
            out.u32(position);
        }
        return out;
    }

    private MoveStep step(int kind, Schema root, WireWriter rest) {
        WireWriter out = new WireWriter(64);
        out.u8(kind);
        out.raw(rest.toBytes(), 0, rest.length());
        return new MoveStep(new WireReader(out.toBytes()), root, 6, moves);
    }

    private MoveStep require(int... positions) {
        WireWriter out = path(new WireWriter(32), positions);
        out.str("a field");
        return step(MoveStep.REQUIRE, ENVELOPE, out);
    }

    private MoveStep copy(int count, int to, int... positions) {
        WireWriter out = path(new WireWriter(32), positions);
        out.u32(0);
        out.u32(count);
        out.u32(to);
        return step(MoveStep.COPY, ENVELOPE, out);
    }

    private MoveStep put(int to, int... positions) {
        WireWriter out = new WireWriter(32);
        out.u32(to);
        out.u8(1);
        out.u8(0);
        path(out, positions);
        out.u8(0);
        out.u8(0);
        return step(MoveStep.PUT, ENVELOPE, out);
    }

    private static Object[] moved(Struct value, MoveStep... read) {
        MoveStep[] steps = MoveStep.joined(List.of(read));
        PlainSteps plain = PlainSteps.of(steps, 6);
        RowMover mover = RowMovers.of(plain);
        Object[] event = StructAccess.open(value);
        Object[] values = new Object[6];
        EventPart other = RowMovers.other(plain);
        mover.move(plain.row.values(event), event, other == null ? event : other.values(event), RowMovers.constants(plain), values);
        return values;
    }

    @Test
    @EnabledForJreRange(min = JRE.JAVA_17)
    void usualStepsAreAStraightLine() {
        Struct row = row(2);
        assertArrayEquals(new Object[] {2, "n2", 6L, null, "u", "shop"},
                moved(event(2), require(1, 0), require(1, 2), copy(4, 0, 1), put(4, 4), put(5, 2, 0)));
        assertEquals(row.get("id"), moved(event(2), copy(1, 0, 1))[0]);
        assertThrows(RowMover.Missing.class, () -> moved(event(17 * 2), require(1, 0), require(1, 2), copy(4, 0, 1)));
    }

    @Test
    void otherStepsStaySteps() {
        assertNull(PlainSteps.of(new MoveStep[] {put(0, 4)}, 6), "no row");
        assertNull(PlainSteps.of(new MoveStep[] {copy(1, 0, 1), copy(1, 1, 0)}, 6), "two rows");
        assertNull(PlainSteps.of(new MoveStep[] {copy(1, 0, 1), require(1, 0)}, 6), "a requirement after a copy");
        assertNull(PlainSteps.of(new MoveStep[] {put(0, 4), copy(1, 0, 1)}, 6), "a copy over what was put");
        assertNull(RowMovers.of(PlainSteps.of(new MoveStep[] {copy(1, 0, 1), put(4, 2, 0), put(5, 3, 0)}, 6)), "two other Structs");
    }
}
