package io.bucatini.connect.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.bucatini.connect.BucatiniError;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Calendar;
import java.util.Collections;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TimeZone;
import org.apache.kafka.connect.data.ConnectSchema;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.data.Time;
import org.apache.kafka.connect.data.Timestamp;
import org.junit.jupiter.api.Test;

class RowImageTest {
    private static final byte[] NO_INPUT = {};

    private final RowImageReader reader = new RowImageReader(StructAccess.BEST);
    private final RowImageWriter writer = new RowImageWriter(StructAccess.BEST);
    private final RowImageReader publicReader = new RowImageReader(StructAccess.PUBLIC);
    private final RowImageWriter publicWriter = new RowImageWriter(StructAccess.PUBLIC);

    private static byte[] image(RowImageWriter writer, Schema schema, Object value) {
        WireWriter out = new WireWriter(16);
        writer.write(schema == null ? null : RowImagePlan.of(schema), value, out);
        return out.toBytes();
    }

    private static Object value(RowImageReader reader, Schema schema, byte[] image) {
        return reader.read(schema == null ? null : RowImagePlan.of(schema), image, image.length, NO_INPUT);
    }

    private DataFault fault(Schema schema, Object value) {
        return assertThrows(DataFault.class, () -> image(writer, schema, value));
    }

    @Test
    void theFieldOfStructIsReachable() {
        assertTrue(StructAccess.BEST.isDirect(), "Struct.values: without it every conversion takes several times as long");
        assertFalse(StructAccess.PUBLIC.isDirect());
    }

    @Test
    void randomValuesComeBackByEitherAccess() {
        int structs = 0;
        for (int seed = 0; seed < 3_000; seed++) {
            RandomData data = new RandomData(seed);
            Schema schema = data.schema();
            Object value = data.value(schema);
            byte[] image = image(writer, schema, value);
            assertEquals(0, image.length % 8);
            assertEquals(value, value(reader, schema, image), () -> "schema " + schema);
            assertEquals(value, value(publicReader, schema, image));
            assertTrue(Arrays.equals(image, image(publicWriter, schema, value)));
            structs += value instanceof Struct ? 1 : 0;
        }
        assertTrue(structs > 300, "only " + structs + " Structs");
    }

    @Test
    void damageIsAnErrorOrOtherDataButNothingElse() {
        int refused = 0;
        for (int seed = 0; seed < 400; seed++) {
            RandomData data = new RandomData(seed);
            Schema schema = data.schema();
            RowImagePlan plan = RowImagePlan.of(schema);
            byte[] image = image(writer, schema, data.value(schema));
            for (int i = 0; i < 40; i++) {
                byte[] broken = image.clone();
                broken[data.below(broken.length)] ^= (byte) (1 << data.below(8));
                int length = i % 4 == 0 ? data.below(image.length) : image.length;
                try {
                    reader.read(plan, broken, length, NO_INPUT);
                } catch (BucatiniError | DataFault e) {
                    refused++;
                }
            }
        }
        assertTrue(refused > 4_000, "only " + refused + " refused");
    }

    @Test
    void stringsAndBytesMayReferToTheInput() {
        Schema schema = SchemaBuilder.struct().field("s", Schema.STRING_SCHEMA).field("b", Schema.BYTES_SCHEMA).build();
        byte[] input = "xxspaghettiyy".getBytes(StandardCharsets.UTF_8);
        WireWriter out = new WireWriter(64);
        int base = out.zeros((int) RowImage.tailStart(3));
        out.setByte(base, 1);
        out.setInt(base + 8, 3);
        out.setLong(base + 16 + 24 + 8, 2 | 9L << 32);
        out.setLong(base + 16 + 24 + 16, 11 | 2L << 32);
        Struct read = (Struct) reader.read(RowImagePlan.of(schema), out.toBytes(), out.length(), input);
        assertEquals("spaghetti", read.get("s"));
        assertEquals(ByteBuffer.wrap(new byte[] {'y', 'y'}), read.get("b"));
        byte[] image = out.toBytes();
        BucatiniError error = assertThrows(BucatiniError.class,
                () -> reader.read(RowImagePlan.of(schema), image, image.length, Arrays.copyOf(input, 12)));
        assertEquals("row-image.range", error.code());
    }

    @Test
    void nullsStandWhereTheSchemaWantsAValueAndAreNoDefaults() {
        Schema schema = SchemaBuilder.struct()
                .field("required", Schema.STRING_SCHEMA)
                .field("defaulted", SchemaBuilder.int32().optional().defaultValue(7).build())
                .build();
        Struct empty = new Struct(schema);
        for (StructAccess access : List.of(StructAccess.BEST, StructAccess.PUBLIC)) {
            byte[] image = image(new RowImageWriter(access), schema, empty);
            Struct read = (Struct) value(new RowImageReader(access), schema, image);
            assertNull(read.getWithoutDefault("required"));
            assertNull(read.getWithoutDefault("defaulted"));
            assertEquals(7, read.get("defaulted"));
        }
    }

    @Test
    void theSchemaObjectsAreThoseOfTheSchema() {
        Schema inner = SchemaBuilder.struct().field("x", Schema.INT8_SCHEMA).build();
        Schema schema = SchemaBuilder.struct().field("inner", inner).field("list", SchemaBuilder.array(inner).build()).build();
        Struct row = new Struct(inner).put("x", (byte) 1);
        Struct value = new Struct(schema).put("inner", row).put("list", List.of(row));
        Struct read = (Struct) value(reader, schema, image(writer, schema, value));
        assertSame(schema, read.schema());
        assertSame(inner, read.getStruct("inner").schema());
        assertSame(inner, ((Struct) read.getArray("list").get(0)).schema());
    }

    @Test
    void noValueIsNull() {
        byte[] image = new byte[16];
        image[0] = 1;
        image[1] = 1;
        assertNull(value(reader, Schema.STRING_SCHEMA, image));
        assertNull(value(reader, null, image));
    }

    @Test
    void readersRefuseWhatTheSpecificationRefuses() {
        byte[] image = image(writer, Schema.STRING_SCHEMA, "abc");
        int[][] changes = {{0, 2}, {1, 2}, {2, 1}, {4, 1}, {8, 2}, {12, 9}};
        for (int[] change : changes) {
            byte[] broken = image.clone();
            broken[change[0]] = (byte) change[1];
            BucatiniError error = assertThrows(BucatiniError.class, () -> value(reader, Schema.STRING_SCHEMA, broken));
            assertEquals("row-image.header", error.code(), "byte " + change[0]);
        }
        byte[] unavailable = image.clone();
        unavailable[24] = 1;
        assertEquals("row-image.unavailable",
                assertThrows(BucatiniError.class, () -> value(reader, Schema.STRING_SCHEMA, unavailable)).code());
        byte[] outside = image.clone();
        outside[40] = (byte) 200;
        assertEquals("row-image.range",
                assertThrows(BucatiniError.class, () -> value(reader, Schema.STRING_SCHEMA, outside)).code());
        Schema two = SchemaBuilder.struct().field("a", Schema.INT8_SCHEMA).build();
        assertEquals("row-image.slots", assertThrows(BucatiniError.class, () -> value(reader, two, image)).code());
    }

    @Test
    void faultsNameThePlace() {
        Schema item = SchemaBuilder.struct().field("price", Schema.FLOAT64_SCHEMA).build();
        Schema after = SchemaBuilder.struct().field("items", SchemaBuilder.array(item).build()).build();
        Schema schema = SchemaBuilder.struct().field("after", after).build();
        Struct bad = new Struct(item);
        ((Object[]) valuesOf(bad))[0] = "text";
        Struct value = new Struct(schema);
        ((Object[]) valuesOf(value))[0] = rawStruct(after, List.of(new Struct(item), bad));
        DataFault fault = fault(schema, value);
        assertEquals("after.items[1].price", fault.path());
        assertEquals("expected a Double, found java.lang.String", fault.getMessage());
        Schema map = SchemaBuilder.map(Schema.STRING_SCHEMA, Schema.INT32_SCHEMA).build();
        assertEquals("{0}", fault(map, Map.of("secret", 1L)).path());
    }

    private static Object valuesOf(Struct struct) {
        return StructAccess.BEST.values(struct, new org.apache.kafka.connect.data.Field[0]);
    }

    private static Struct rawStruct(Schema schema, Object only) {
        Struct struct = new Struct(schema);
        ((Object[]) valuesOf(struct))[0] = only;
        return struct;
    }

    /** Accepted or refused exactly as Connect's own classes do for every base type. */
    @Test
    void classesAreCheckedAsConnectDoes() {
        List<Schema> schemas = List.of(Schema.BOOLEAN_SCHEMA, Schema.INT8_SCHEMA, Schema.INT16_SCHEMA, Schema.INT32_SCHEMA,
                Schema.INT64_SCHEMA, Schema.FLOAT32_SCHEMA, Schema.FLOAT64_SCHEMA, Schema.STRING_SCHEMA, Schema.BYTES_SCHEMA,
                Decimal.schema(2), org.apache.kafka.connect.data.Date.SCHEMA, Time.SCHEMA, Timestamp.SCHEMA,
                SchemaBuilder.array(Schema.INT8_SCHEMA).build(),
                SchemaBuilder.map(Schema.INT8_SCHEMA, Schema.INT8_SCHEMA).build(),
                SchemaBuilder.struct().field("a", Schema.INT8_SCHEMA).build(),
                SchemaBuilder.struct().field("b", Schema.INT8_SCHEMA).build());
        List<Object> values = List.of(true, (byte) 1, (short) 1, 1, 1L, 1f, 1d, "1", new byte[] {1}, ByteBuffer.allocate(1),
                new BigDecimal("1.00"), new Date(0), List.of((byte) 1), Map.of((byte) 1, (byte) 2),
                new Struct(schemas.get(15)).put("a", (byte) 1), 'c', new Object());
        int accepted = 0;
        for (Schema schema : schemas) {
            for (Object value : values) {
                boolean expected;
                try {
                    ConnectSchema.validateValue(schema, value);
                    expected = true;
                } catch (org.apache.kafka.connect.errors.DataException e) {
                    expected = false;
                }
                boolean found;
                try {
                    image(writer, schema, value);
                    found = true;
                } catch (DataFault fault) {
                    found = false;
                }
                assertEquals(expected, found, schema + " and " + value.getClass());
                accepted += found ? 1 : 0;
            }
        }
        assertEquals(17, accepted);
    }

    @Test
    void logicalTypesFollowConnectsOwnClasses() {
        Calendar calendar = Calendar.getInstance(TimeZone.getTimeZone("UTC"));
        calendar.set(1500, Calendar.MARCH, 1, 0, 0, 0);
        calendar.set(Calendar.MILLISECOND, 0);
        long[] millis = {0, 1, 86_400_000, 86_400_001, -86_400_000, -1, 1_639_385_467_887L, calendar.getTimeInMillis(),
            Long.MAX_VALUE, Long.MIN_VALUE};
        Schema date = org.apache.kafka.connect.data.Date.SCHEMA;
        for (long at : millis) {
            Date value = new Date(at);
            compare(date, value, () -> org.apache.kafka.connect.data.Date.fromLogical(date, value));
            compare(Time.SCHEMA, value, () -> Time.fromLogical(Time.SCHEMA, value));
            compare(Timestamp.SCHEMA, value, () -> Timestamp.fromLogical(Timestamp.SCHEMA, value));
        }
        for (int base : new int[] {0, 1, -1, 86_400_000, 86_400_001, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
            byte[] image = image(writer, Schema.INT32_SCHEMA, base);
            compareRead(date, image, () -> org.apache.kafka.connect.data.Date.toLogical(date, base));
            compareRead(Time.SCHEMA, image, () -> Time.toLogical(Time.SCHEMA, base));
        }
        Schema decimal = Decimal.schema(2);
        for (String text : List.of("0.00", "-0.01", "1.28", "-1.28", "1.27", "92233720368547758.07",
                "-92233720368547758.08", "92233720368547758.08", "123456789012345678901234567890.12", "1.0", "1", "1E+2")) {
            BigDecimal value = new BigDecimal(text);
            byte[] unscaled = value.unscaledValue().toByteArray();
            compare(decimal, value, () -> {
                Decimal.fromLogical(decimal, value);
                return null;
            });
            compareRead(decimal, image(writer, Schema.BYTES_SCHEMA, unscaled), () -> Decimal.toLogical(decimal, unscaled));
        }
        Schema noScale = SchemaBuilder.bytes().name(Decimal.LOGICAL_NAME).build();
        assertEquals("row-image.scale", fault(noScale, BigDecimal.ONE).code());
        byte[] none = image(writer, Schema.BYTES_SCHEMA, new byte[0]);
        assertEquals("row-image.decimal",
                assertThrows(DataFault.class, () -> value(reader, decimal, none)).code());
    }

    private interface Conversion {
        Object get();
    }

    private void compare(Schema schema, Object value, Conversion conversion) {
        Object expected;
        try {
            expected = conversion.get();
        } catch (org.apache.kafka.connect.errors.DataException e) {
            fault(schema, value);
            return;
        }
        byte[] image = image(writer, schema, value);
        if (expected != null) {
            assertEquals(((Number) expected).longValue(), new RowImage(image, 0, image.length, NO_INPUT).get(0));
        }
        assertEquals(value, value(reader, schema, image));
    }

    private void compareRead(Schema schema, byte[] image, Conversion conversion) {
        Object expected;
        try {
            expected = conversion.get();
        } catch (org.apache.kafka.connect.errors.DataException e) {
            assertThrows(DataFault.class, () -> value(reader, schema, image));
            return;
        }
        assertEquals(expected, value(reader, schema, image));
    }

    @Test
    void everyKindOfByteBufferIsTakenWithoutMovingIt() {
        ByteBuffer slice = ByteBuffer.wrap(new byte[] {9, 1, 2, 3, 9}, 1, 3).slice();
        ByteBuffer direct = ByteBuffer.allocateDirect(3).put(new byte[] {1, 2, 3}).flip();
        for (ByteBuffer bytes : List.of(slice, direct, slice.asReadOnlyBuffer())) {
            assertEquals(ByteBuffer.wrap(new byte[] {1, 2, 3}),
                    value(reader, Schema.BYTES_SCHEMA, image(writer, Schema.BYTES_SCHEMA, bytes)));
            assertEquals(3, bytes.remaining());
        }
    }

    @Test
    void schemalessDataKeepsItsTypes() {
        Map<Object, Object> map = new HashMap<>();
        map.put("list", Arrays.asList((byte) 1, (short) 2, 3, 4L, 5f, 6d, true, false, null, "x", ByteBuffer.allocate(2)));
        map.put(7L, Collections.emptyMap());
        map.put(null, Collections.emptyList());
        for (Object value : Arrays.asList(map, "text", 1L, null, Float.NaN)) {
            assertEquals(value, value(reader, null, image(writer, null, value)));
        }
        assertEquals("schemaless.kind", fault(null, new Date(0)).code());
        assertEquals("[1]{0}", fault(null, List.of(1, Map.of("k", new Object()))).path());
        assertEquals("schemaless.kind", fault(null, new Struct(SchemaBuilder.struct().build())).code());
        Object deep = 1;
        for (int i = 0; i < 257; i++) {
            deep = List.of(deep);
        }
        assertEquals("schemaless.depth", fault(null, deep).code());
    }

    @Test
    void imagesEndAt64MebibytesWithAnErrorOfTheRecord() {
        byte[] large = new byte[(64 << 20) - 100];
        assertEquals(large.length, ((ByteBuffer) value(reader, Schema.BYTES_SCHEMA,
                image(writer, Schema.BYTES_SCHEMA, large))).remaining());
        assertEquals("row-image.too-large", fault(Schema.BYTES_SCHEMA, new byte[64 << 20]).code());
        Schema wide = SchemaBuilder.array(SchemaBuilder.array(Schema.INT8_SCHEMA).build()).build();
        List<Byte> bytes = Collections.nCopies(1 << 20, (byte) 1);
        assertEquals("row-image.too-large", fault(wide, Collections.nCopies(10, bytes)).code());
    }
}
