package io.bucatini.connect.internal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.kafka.connect.data.ConnectSchema;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.json.JsonConverter;
import org.junit.jupiter.api.Test;

/** An envelope that is read late is like one that was read at once. */
class LazyStructTest {
    private static final byte[] NO_INPUT = {};
    private static final Schema ROW = SchemaBuilder.struct().name("shop.Value").optional()
            .field("id", Schema.INT32_SCHEMA).field("name", Schema.OPTIONAL_STRING_SCHEMA)
            .field("price", Decimal.builder(2).optional().build())
            .field("kind", SchemaBuilder.string().optional().defaultValue("pasta").build()).build();
    private static final Schema ENVELOPE = SchemaBuilder.struct().name("shop.Envelope").field("before", ROW).field("after", ROW)
            .field("op", Schema.STRING_SCHEMA).field("ts_ms", Schema.OPTIONAL_INT64_SCHEMA).build();

    private final RowImageReader reader = new RowImageReader(StructAccess.BEST);
    private final RowImageReader publicReader = new RowImageReader(StructAccess.PUBLIC);
    private final RowImageWriter writer = new RowImageWriter(StructAccess.BEST);

    private static Struct event(int id, String op) {
        Struct row = new Struct(ROW).put("id", id).put("name", "bucatini").put("kind", null);
        return new Struct(ENVELOPE).put("before", null).put("after", row).put("op", op).put("ts_ms", 5L);
    }

    private byte[] image(Schema schema, Object value) {
        WireWriter out = new WireWriter(64);
        writer.write(RowImagePlan.of(schema), value, out);
        return out.toBytes();
    }

    private LazyStruct lazy(RowImageReader by, Schema schema, Struct value) {
        return (LazyStruct) by.readLazily(RowImagePlan.of(schema), image(schema, value), NO_INPUT);
    }

    private LazyStruct lazy(Struct value) {
        return lazy(reader, value.schema(), value);
    }

    /** A schema whose fields are random, under an envelope's name. */
    private static Schema randomEnvelope(RandomData data) {
        SchemaBuilder envelope = SchemaBuilder.struct().name("random.Envelope");
        for (int i = 0; i < 6; i++) {
            envelope.field("f" + i, data.schema());
        }
        return envelope.build();
    }

    @Test
    void randomEnvelopesAreThoseThatAreReadAtOnce() {
        for (int seed = 0; seed < 1_500; seed++) {
            RandomData data = new RandomData(seed);
            Schema schema = randomEnvelope(data);
            Struct value = (Struct) data.value(schema);
            if (value == null) {
                continue;
            }
            byte[] image = image(schema, value);
            RowImagePlan plan = RowImagePlan.of(schema);
            Struct eager = (Struct) reader.read(plan, image, image.length, NO_INPUT);
            for (RowImageReader by : List.of(reader, publicReader)) {
                LazyStruct lazy = lazy(by, schema, value);
                assertNotNull(lazy.pending());
                assertSame(schema, lazy.schema());
                for (Field field : schema.fields()) {
                    assertEquals(eager.get(field), lazy.get(field));
                    assertEquals(eager.get(field.name()), lazy.get(field.name()));
                    assertEquals(eager.getWithoutDefault(field.name()), lazy.getWithoutDefault(field.name()));
                }
                assertNull(lazy.pending());
                assertEquals(eager.hashCode(), lazy(by, schema, value).hashCode());
                assertEquals(eager.toString(), lazy(by, schema, value).toString());
                assertTrue(lazy(by, schema, value).equals(lazy(by, schema, value)));
                assertTrue(lazy(by, schema, value).equals(eager));
                assertFalse(lazy(by, schema, value).equals(new Struct(ENVELOPE)));
            }
        }
    }

    @Test
    void everyMethodThatLooksAtTheFieldsReadsThemFirst() throws Exception {
        int overridden = 0;
        for (Method method : Struct.class.getDeclaredMethods()) {
            if (!Modifier.isPublic(method.getModifiers()) || method.getName().equals("schema") || method.isSynthetic()) {
                continue;
            }
            assertSame(LazyStruct.class, LazyStruct.class.getMethod(method.getName(), method.getParameterTypes()).getDeclaringClass(),
                    method.toString());
            overridden++;
        }
        assertTrue(overridden >= 20, "only " + overridden);
        assertEquals("u", lazy(event(1, "u")).getString("op"));
        assertEquals(5L, lazy(event(1, "u")).getInt64("ts_ms"));
        assertEquals(1, lazy(event(1, "u")).getStruct("after").getInt32("id"));
        assertThrows(DataException.class, () -> lazy(event(1, "u")).getInt32("op"));
        lazy(event(1, "u")).validate();
        assertThrows(DataException.class, lazy(new Struct(ENVELOPE))::validate);
    }

    @Test
    void aFieldMayBePut() {
        LazyStruct lazy = lazy(event(1, "u"));
        lazy.put("op", "d");
        assertEquals("d", lazy.get("op"));
        assertEquals(event(1, "x").get("after"), lazy.get("after"));
        LazyStruct byField = lazy(event(1, "u"));
        byField.put(ENVELOPE.field("ts_ms"), 6L);
        assertEquals(List.of("u", 6L), Arrays.asList(byField.get("op"), byField.get("ts_ms")));
    }

    @Test
    void aPlainStructIsEqualOnlyTheOtherWayRound() {
        Struct plain = event(1, "u");
        assertTrue(lazy(plain).equals(plain));
        assertFalse(plain.equals(lazy(plain)));
        assertEquals(plain.hashCode(), lazy(plain).hashCode());
    }

    @Test
    void defaultsShowAsInAnyStruct() {
        Struct after = lazy(event(1, "u")).getStruct("after");
        assertSame(Struct.class, after.getClass(), "what is handed out is plain");
        assertEquals("pasta", after.get("kind"));
        assertNull(after.getWithoutDefault("kind"));
    }

    @Test
    void connectItselfReadsIt() {
        Struct plain = event(3, "c");
        ConnectSchema.validateValue(ENVELOPE, lazy(plain));
        try (JsonConverter json = new JsonConverter()) {
            json.configure(Map.of("converter.type", "value"));
            assertArrayEquals(json.fromConnectData("t", ENVELOPE, plain), json.fromConnectData("t", ENVELOPE, lazy(plain)));
        }
        assertArrayEquals(image(ENVELOPE, plain), image(ENVELOPE, lazy(plain)));
        Schema around = SchemaBuilder.struct().field("event", ENVELOPE).build();
        assertEquals(plain.get("after"), new Struct(around).put("event", lazy(plain)).getStruct("event").get("after"));
    }

    @Test
    void onlyEnvelopesWhoseValuesCannotFailAreReadLate() {
        assertTrue(RowImagePlan.of(ENVELOPE).lazy);
        assertFalse(RowImagePlan.of(ROW).lazy);
        assertFalse(RowImagePlan.of(Schema.STRING_SCHEMA).lazy);
        assertFalse(RowImagePlan.of(SchemaBuilder.int32().name("a.Envelope").build()).lazy);
        Schema withoutScale = SchemaBuilder.struct().name("a.Envelope")
                .field("amount", SchemaBuilder.bytes().name(Decimal.LOGICAL_NAME).optional().build()).build();
        assertFalse(RowImagePlan.of(withoutScale).lazy);
        assertSame(Struct.class,
                reader.readLazily(RowImagePlan.of(ROW), image(ROW, event(1, "u").get("after")), NO_INPUT).getClass());
        Schema optional = SchemaBuilder.struct().name("a.Envelope").optional().field("op", Schema.STRING_SCHEMA).build();
        assertNull(reader.readLazily(RowImagePlan.of(optional), image(optional, null), NO_INPUT));
    }

    /** The raw array of a Struct that another class loader's copy of this class made is not to be trusted. */
    @Test
    void anothersSubclassIsReadByItsMethods() {
        Struct foreign = new Struct(ENVELOPE) {
            @Override
            public Object getWithoutDefault(String name) {
                return event(7, "r").getWithoutDefault(name);
            }
        };
        assertEquals("r", StructAccess.BEST.get(foreign, 2));
        assertArrayEquals(image(ENVELOPE, event(7, "r")), image(ENVELOPE, foreign));
        Object[] copied = new Object[2];
        StructAccess.BEST.copy(foreign, 2, 2, copied, 0);
        assertArrayEquals(new Object[] {"r", 5L}, copied);
        LazyStruct own = lazy(event(8, "c"));
        assertEquals("c", StructAccess.BEST.get(own, 2));
        assertNull(own.pending());
    }

    @Test
    void sixteenThreadsSeeOneEnvelope() throws Exception {
        int threads = 16;
        ExecutorService pool = Executors.newFixedThreadPool(threads);
        try {
            CyclicBarrier start = new CyclicBarrier(threads);
            LazyStruct[] shared = new LazyStruct[400];
            for (int i = 0; i < shared.length; i++) {
                shared[i] = lazy(event(i, "u"));
            }
            List<Future<List<Object>>> running = new ArrayList<>();
            for (int t = 0; t < threads; t++) {
                int number = t;
                running.add(pool.submit(() -> {
                    List<Object> seen = new ArrayList<>();
                    for (int i = 0; i < shared.length; i++) {
                        start.await();
                        Struct after = (Struct) (number % 2 == 0 ? shared[i].get("after") : shared[i].getStruct("after"));
                        assertEquals(i, after.get("id"));
                        assertEquals("bucatini", after.get("name"));
                        assertEquals("u", shared[i].getString("op"));
                        seen.add(after);
                    }
                    return seen;
                }));
            }
            List<Object> first = running.get(0).get();
            for (Future<List<Object>> other : running) {
                for (int i = 0; i < shared.length; i++) {
                    assertSame(first.get(i), other.get().get(i), "fields are made once");
                }
            }
        } finally {
            pool.shutdownNow();
        }
    }

    @Test
    void textsThatRepeatAreOneString() {
        RowImagePlan plan = RowImagePlan.of(ENVELOPE);
        String first = ((Struct) reader.readLazily(plan, image(ENVELOPE, event(1, "u")), NO_INPUT)).getString("op");
        assertSame(first, ((Struct) reader.readLazily(plan, image(ENVELOPE, event(2, "u")), NO_INPUT)).getString("op"));
        assertEquals("d", ((Struct) reader.readLazily(plan, image(ENVELOPE, event(3, "d")), NO_INPUT)).getString("op"));
        RecentText texts = new RecentText();
        for (int i = 0; i < 1_000; i++) {
            byte[] text = ("größe " + i).getBytes(java.nio.charset.StandardCharsets.UTF_8);
            assertEquals("größe " + i, texts.of(text, 0, text.length));
            assertEquals("größe " + i, texts.of(text, 0, text.length));
        }
    }
}
