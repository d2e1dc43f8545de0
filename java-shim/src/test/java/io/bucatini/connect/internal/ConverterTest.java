package io.bucatini.connect.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import io.bucatini.connect.BucatiniError;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.errors.RetriableException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The flow of a converter, over a library in Java. */
@Timeout(120)
class ConverterTest {
    private final FakeLibrary library = new FakeLibrary();
    private final NativeConverter converter = converter(Map.of());

    private static final class TestConverter extends NativeConverter {
        TestConverter(FakeLibrary library) {
            super(PluginKind.AVRO_CONVERTER, engine -> library);
        }
    }

    private NativeConverter converter(Map<String, ?> configs) {
        NativeConverter configured = new TestConverter(library);
        configured.configure(configs, true);
        return configured;
    }

    private static byte[] command(int command, int... argument) {
        ByteBuffer bytes = ByteBuffer.allocate(5 + argument.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putInt(FakeLibrary.COMMAND).put((byte) command);
        for (int value : argument) {
            bytes.put((byte) value);
        }
        return bytes.array();
    }

    private Throwable reported(int kind) {
        return assertThrows(Throwable.class, () -> converter.toConnectData("t", command(FakeLibrary.REPORT, kind)));
    }

    @Test
    void valuesComeBackWithTheSameSchemaObjectEachTime() {
        for (int seed = 0; seed < 300; seed++) {
            RandomData data = new RandomData(seed);
            Schema schema = data.schema();
            Object value = data.value(schema);
            byte[] bytes = converter.fromConnectData("t", schema, value);
            SchemaAndValue first = converter.toConnectData("t", bytes);
            assertEquals(value, first.value());
            assertEquals(schema, first.schema());
            assertSame(first.schema(), converter.toConnectData("t", bytes).schema());
        }
        assertTrue(library.interned.get() <= 300);
    }

    @Test
    void aSchemaCrossesOnceByIdentityAndOnceByEquality() {
        int before = library.interned.get();
        for (int i = 0; i < 1_000; i++) {
            Schema fresh = SchemaBuilder.struct().name("fresh").field("a", Schema.INT32_SCHEMA).build();
            converter.fromConnectData("t", fresh, new Struct(fresh).put("a", i));
            converter.fromConnectData("t", fresh, new Struct(fresh).put("a", i));
        }
        assertEquals(before + 1, library.interned.get());
    }

    @Test
    void aTopicCrossesOnce() {
        for (int i = 0; i < 100; i++) {
            converter.fromConnectData("t" + i % 10, Schema.STRING_SCHEMA, "x");
        }
        assertEquals(10, library.topics.get());
        DataException none =
                assertThrows(DataException.class, () -> converter.fromConnectData(null, Schema.STRING_SCHEMA, "x"));
        assertTrue(none.getMessage().contains("topic"));
    }

    @Test
    void nullsAreNull() {
        assertSame(SchemaAndValue.NULL, converter.toConnectData("t", null));
        assertSame(SchemaAndValue.NULL, converter.toConnectData("t", command(FakeLibrary.NOTHING)));
        assertNull(converter.fromConnectData("t", null, null));
        SchemaAndValue read = converter.toConnectData("t",
                converter.fromConnectData("t", Schema.OPTIONAL_STRING_SCHEMA, null));
        assertEquals(Schema.OPTIONAL_STRING_SCHEMA, read.schema());
        assertNull(read.value());
    }

    @Test
    void schemalessDataNeedsNoSchema() {
        Map<String, Object> value = new HashMap<>(Map.of("a", 1L, "b", Arrays.asList("x", null, 2.5)));
        SchemaAndValue read = converter.toConnectData("t", converter.fromConnectData("t", null, value));
        assertNull(read.schema());
        assertEquals(value, read.value());
    }

    @Test
    void buffersGrowWithTheRecordAndShrinkAgain() {
        String large = "ü".repeat(3_000_000);
        byte[] bytes = converter.fromConnectData("t", Schema.STRING_SCHEMA, large);
        assertEquals(large, converter.toConnectData("t", bytes).value());
        int grown = library.grown.get();
        assertTrue(grown > 0);
        for (int i = 0; i < 1_200; i++) {
            converter.toConnectData("t", converter.fromConnectData("t", Schema.STRING_SCHEMA, "small"));
        }
        assertEquals(grown, library.grown.get());
        assertEquals(large, converter.toConnectData("t", bytes).value());
        assertTrue(library.grown.get() > grown, "the large buffer was kept");
    }

    @Test
    void dataErrorsAreTheRecords() {
        Throwable data = reported(1);
        assertSame(DataException.class, data.getClass());
        assertEquals("BucatiniAvroConverter: expected this, found that [fake.reported] at after.items[3]; do something",
                data.getMessage());
    }

    /** Under errors.tolerance=all an exception would skip the record: none of these is one. */
    @Test
    void everythingElseIsAnError() {
        for (int kind : new int[] {2, 3, 4, 0, 99}) {
            Throwable error = reported(kind);
            assertSame(BucatiniError.class, error.getClass(), "kind " + kind);
            assertEquals("fake.reported", ((BucatiniError) error).code());
            assertFalse(Exception.class.isInstance(error) || error instanceof RetriableException);
        }
        assertSame(BucatiniError.class, assertThrows(Throwable.class,
                () -> converter.toConnectData("t", command(FakeLibrary.NONSENSE))).getClass());
    }

    @Test
    void settingsThatAreRefusedAreAConfigException() {
        library.refuseOpen = 2;
        assertThrows(ConfigException.class, () -> converter(Map.of()));
        library.refuseOpen = 4;
        assertThrows(BucatiniError.class, () -> converter(Map.of()));
        library.refuseOpen = 3;
        assertThrows(BucatiniError.class, () -> converter(Map.of()));
        assertThrows(ConfigException.class, () -> converter(Map.of("engine", "other")));
    }

    @Test
    void settingsArriveWithTheSideOfTheRecord() {
        converter(Map.of("a.b", "c", "number", 5));
        WireReader message = new WireReader(library.openMessage);
        assertEquals(1, message.u8());
        assertEquals(2, message.u32());
        assertEquals("a.b=c", message.str() + "=" + message.str());
        assertEquals("number=5", message.str() + "=" + message.str());
        message.finish("open");
    }

    @Test
    void faultsOfAValueNameItsPlace() {
        Schema row = SchemaBuilder.struct().field("id", Schema.INT32_SCHEMA).build();
        Schema other = SchemaBuilder.struct().field("id", Schema.INT64_SCHEMA).build();
        DataException fault = assertThrows(DataException.class,
                () -> converter.fromConnectData("t", SchemaBuilder.array(row).build(), List.of(new Struct(other))));
        assertTrue(fault.getMessage().startsWith("BucatiniAvroConverter: expected a Struct of the schema at this place"),
                fault.getMessage());
        assertTrue(fault.getMessage().contains("at [0]"), fault.getMessage());
    }

    @Test
    void anObjectThatBreaksItsContractIsNoException() {
        Map<String, Object> broken = new HashMap<>() {
            private static final long serialVersionUID = 1L;

            @Override
            public java.util.Set<Map.Entry<String, Object>> entrySet() {
                throw new UnsupportedOperationException("broken");
            }
        };
        BucatiniError error = assertThrows(BucatiniError.class, () -> converter.fromConnectData("t", null, broken));
        assertEquals("shim.unexpected", error.code());
        assertTrue(error.getCause() instanceof UnsupportedOperationException);
    }

    @Test
    void useBeforeConfigureAndAfterCloseIsRefused() {
        NativeConverter fresh = new TestConverter(library);
        assertThrows(IllegalStateException.class, () -> fresh.toConnectData("t", new byte[5]));
        fresh.close();
        converter.close();
        assertThrows(IllegalStateException.class, () -> converter.toConnectData("t", new byte[5]));
        assertThrows(IllegalStateException.class, () -> converter.fromConnectData("t", Schema.STRING_SCHEMA, "x"));
        assertEquals(0, library.usedAfterClose.get());
    }

    @Test
    void configuringAgainOpensAnother() {
        converter.configure(Map.of(), false);
        assertEquals(2, library.opened.get());
        assertEquals(1, library.closed.get());
        converter.toConnectData("t", converter.fromConnectData("t", Schema.STRING_SCHEMA, "x"));
    }

    private static byte[] exchange(String url, int timeout) {
        WireWriter out = new WireWriter(64);
        out.u32(1);
        out.str("GET");
        out.str(url);
        out.u32(0);
        out.u8(0);
        out.u32(0);
        out.u32(1_000);
        out.u32(timeout);
        out.u32(1_000);
        return out.toBytes();
    }

    @Test
    void whatIsLackingIsFetchedByOneThread() throws Exception {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", request -> {
            byte[] body = "fact".getBytes(StandardCharsets.UTF_8);
            request.sendResponseHeaders(200, body.length);
            request.getResponseBody().write(body);
            request.close();
        });
        server.start();
        ExecutorService threads = Executors.newFixedThreadPool(8);
        try {
            library.exchange = exchange("http://127.0.0.1:" + server.getAddress().getPort() + "/", 5_000);
            List<Future<SchemaAndValue>> results = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                results.add(threads.submit(() -> converter.toConnectData("t", command(FakeLibrary.LACK))));
            }
            for (Future<SchemaAndValue> result : results) {
                assertSame(SchemaAndValue.NULL, result.get());
            }
            assertEquals(1, library.exchanges.get());
            assertTrue(new String(library.answer, StandardCharsets.UTF_8).endsWith("fact"));
        } finally {
            threads.shutdown();
            server.stop(0);
        }
    }

    @Test
    void aCoreThatNeverHasEnoughEndsWithAnError() {
        BucatiniError error =
                assertThrows(BucatiniError.class, () -> converter.toConnectData("t", command(FakeLibrary.ENDLESS)));
        assertEquals("shim.endless", error.code());
    }

    @Test
    void anInterruptionEndsTheWaitAndStaysVisible() throws Exception {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(Executors.newCachedThreadPool(task -> {
            Thread thread = new Thread(task);
            thread.setDaemon(true);
            return thread;
        }));
        server.createContext("/", request -> {
            try {
                Thread.sleep(30_000);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        server.start();
        library.exchange = exchange("http://127.0.0.1:" + server.getAddress().getPort() + "/", 20_000);
        AtomicReference<Throwable> thrown = new AtomicReference<>();
        AtomicReference<Boolean> interrupted = new AtomicReference<>();
        Runnable waits = () -> {
            thrown.set(assertThrows(Throwable.class, () -> converter.toConnectData("t", command(FakeLibrary.LACK))));
            interrupted.set(Thread.currentThread().isInterrupted());
        };
        Thread first = new Thread(waits);
        first.start();
        Thread.sleep(500);
        // Another one that waits for the first.
        Thread second = new Thread(waits);
        second.start();
        Thread.sleep(200);
        for (Thread thread : List.of(second, first)) {
            thread.interrupt();
            thread.join(15_000);
            assertFalse(thread.isAlive());
            assertSame(BucatiniError.class, thrown.get().getClass());
            assertEquals("shim.interrupted", ((BucatiniError) thrown.get()).code());
            assertTrue(interrupted.get());
        }
        server.stop(0);
    }

    @Test
    void headersTravelInOrderWithNulls() {
        RecordHeaders headers = new RecordHeaders();
        headers.add("a", new byte[] {1, 2});
        headers.add("b", null);
        // What the fake library does with headers does not matter; that they do not disturb the payload does.
        byte[] bytes = converter.fromConnectData("t", headers, Schema.STRING_SCHEMA, "x");
        assertEquals("x", converter.toConnectData("t", headers, bytes).value());
        assertEquals("x", converter.toConnectData("t", new RecordHeaders(), bytes).value());
    }

    @Test
    void manyThreadsConvertAtOnce() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(8);
        List<Future<Integer>> results = new ArrayList<>();
        for (int t = 0; t < 8; t++) {
            int thread = t;
            results.add(threads.submit(() -> {
                int converted = 0;
                for (int i = 0; i < 3_000; i++) {
                    RandomData data = new RandomData(thread * 7 + i % 50);
                    Schema schema = data.schema();
                    Object value = data.value(schema);
                    SchemaAndValue read = converter.toConnectData("t" + thread, converter.fromConnectData("t" + i % 3, schema, value));
                    assertEquals(value, read.value());
                    converted++;
                }
                return converted;
            }));
        }
        for (Future<Integer> result : results) {
            assertEquals(3_000, result.get());
        }
        threads.shutdown();
        assertEquals(0, library.usedAfterClose.get());
    }
}
