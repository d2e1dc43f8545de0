package io.bucatini.connect.internal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpsConfigurator;
import io.bucatini.connect.BucatiniAvroConverter;
import io.bucatini.connect.BucatiniError;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.storage.Converter;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The Avro converter with the real core, on the messages of the reference story. */
@Timeout(300)
class RealConverterTest {
    private static final String TOPIC = "my_pg_source.public.pasta";
    private static final Path STORY = Path.of(System.getProperty("bucatini.repository"), "tests", "corpus", "story");

    private static final List<byte[]> MESSAGES = new ArrayList<>();
    private static final Map<Integer, JsonNode> SCHEMAS = new HashMap<>();

    private TestRegistry registry;

    @BeforeAll
    static void story() throws IOException {
        assumeFalse(Boolean.getBoolean("bucatini.artifacts.absent"), "built without native libraries");
        ObjectMapper json = new ObjectMapper();
        json.readTree(STORY.resolve("pasta-17-karapace-maria-schemas.json").toFile()).fields()
                .forEachRemaining(entry -> SCHEMAS.put(Integer.valueOf(entry.getKey()), entry.getValue()));
        for (String line : Files.readAllLines(STORY.resolve("pasta-17-karapace-maria.jsonl"))) {
            for (String part : List.of("key", "value")) {
                String raw = json.readTree(line).path(part).path("raw_base64").asText("");
                if (!raw.isEmpty()) {
                    MESSAGES.add(Base64.getDecoder().decode(raw));
                }
            }
        }
        assertTrue(MESSAGES.size() > 10);
    }

    @BeforeEach
    void start() throws IOException {
        registry = new TestRegistry();
        registry.schemas.putAll(SCHEMAS);
    }

    @AfterEach
    void stop() {
        registry.close();
    }

    private Map<String, String> config(String... more) {
        Map<String, String> config = new HashMap<>(Map.of("schema.registry.url", registry.url()));
        for (int i = 0; i < more.length; i += 2) {
            config.put(more[i], more[i + 1]);
        }
        return config;
    }

    private BucatiniAvroConverter converter(String... more) {
        BucatiniAvroConverter converter = new BucatiniAvroConverter();
        converter.configure(config(more), false);
        return converter;
    }

    @ParameterizedTest
    @EnumSource(Engine.class)
    void theStorysMessagesAreReadAndWrittenAgain(Engine engine) {
        BucatiniAvroConverter converter = converter("engine", engine.name().toLowerCase(Locale.ROOT));
        int rows = 0;
        for (byte[] message : MESSAGES) {
            SchemaAndValue read = converter.toConnectData(TOPIC, message);
            Struct value = (Struct) read.value();
            value.validate();
            assertSame(read.schema(), value.schema());
            assertSame(read.schema(), converter.toConnectData(TOPIC, message).schema());
            if (read.schema().field("op") != null && value.getStruct("after") != null) {
                assertEquals("postgresql", value.getStruct("source").get("connector"));
                assertTrue(value.getStruct("after").get("name") instanceof String);
                rows++;
            }
            byte[] written = converter.fromConnectData(TOPIC, read.schema(), value);
            assertArrayEquals(Arrays.copyOfRange(message, 5, message.length), Arrays.copyOfRange(written, 5, written.length));
        }
        assertTrue(rows >= 5, rows + " rows");
        // Two schemas to read and two to write, each asked for once.
        int requests = registry.requests.get();
        for (byte[] message : MESSAGES) {
            converter.toConnectData(TOPIC, message);
        }
        assertEquals(requests, registry.requests.get());
        assertTrue(requests <= 8, requests + " requests");
    }

    @ParameterizedTest
    @EnumSource(Engine.class)
    void damagedMessagesAreTheRecordsFault(Engine engine) {
        BucatiniAvroConverter converter = converter("engine", engine.name().toLowerCase(Locale.ROOT));
        int refused = 0;
        for (byte[] message : MESSAGES) {
            converter.toConnectData(TOPIC, message);
            for (int length = 1; length < message.length; length++) {
                byte[] cut = Arrays.copyOf(message, length);
                assertThrows(DataException.class, () -> converter.toConnectData(TOPIC, cut));
                refused++;
            }
            for (int bit = 40; bit < message.length * 8; bit += 7) {
                byte[] flipped = message.clone();
                flipped[bit / 8] ^= (byte) (1 << bit % 8);
                try {
                    converter.toConnectData(TOPIC, flipped);
                } catch (DataException e) {
                    refused++;
                }
            }
        }
        assertTrue(refused > 1_000);
    }

    /** Java threads may be small, and neither the core nor the shim may need a large one for what is legal. */
    @ParameterizedTest
    @EnumSource(Engine.class)
    void aListOfAThousandFitsOnASmallStack(Engine engine) throws Exception {
        registry.schemas.put(7, new ObjectMapper().readTree("{\"type\":\"record\",\"name\":\"L\",\"fields\":["
                + "{\"name\":\"v\",\"type\":\"int\"},{\"name\":\"next\",\"type\":[\"null\",\"L\"]}]}"));
        BucatiniAvroConverter converter = converter("engine", engine.name().toLowerCase(Locale.ROOT));
        byte[] message = list(1_000);
        AtomicReference<Object> outcome = new AtomicReference<>();
        Thread small = new Thread(null, () -> {
            try {
                SchemaAndValue read = converter.toConnectData(TOPIC, message);
                int length = 0;
                for (Struct item = (Struct) read.value(); item != null; item = item.getStruct("next")) {
                    assertEquals(length++, item.get("v"));
                }
                assertEquals(1_000, length);
                byte[] written = converter.fromConnectData(TOPIC, read.schema(), read.value());
                assertArrayEquals(Arrays.copyOfRange(message, 5, message.length), Arrays.copyOfRange(written, 5, written.length));
                byte[] deep = list(1_000_000);
                DataException tooDeep = assertThrows(DataException.class, () -> converter.toConnectData(TOPIC, deep));
                assertTrue(tooDeep.getMessage().contains("depth"), tooDeep.getMessage());
                outcome.set("done");
            } catch (Throwable e) {
                outcome.set(e);
            }
        }, "small", 256 << 10);
        small.start();
        small.join();
        assertEquals("done", outcome.get());
    }

    private static byte[] list(int length) {
        WireWriter out = new WireWriter(4 * length);
        out.raw(new byte[] {0, 0, 0, 0, 7}, 0, 5);
        for (int i = 0; i < length; i++) {
            int zigzag = 2 * i;
            for (; zigzag > 127; zigzag >>>= 7) {
                out.u8(zigzag & 127 | 128);
            }
            out.u8(zigzag);
            out.u8(i + 1 < length ? 2 : 0);
        }
        return out.toBytes();
    }

    @Test
    void faultsOfAPayloadNameTheField() throws Exception {
        registry.schemas.put(7, new ObjectMapper().readTree("{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"rows\","
                + "\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"S\",\"fields\":["
                + "{\"name\":\"id\",\"type\":\"int\"},{\"name\":\"shape\",\"type\":\"string\"}]}}}]}"));
        byte[] cut = {0, 0, 0, 0, 7, 4, 2, 2, 'a', 4, 40, 'b'};
        DataException fault = assertThrows(DataException.class, () -> converter().toConnectData(TOPIC, cut));
        assertTrue(fault.getMessage().contains(" at rows[1].shape"), fault.getMessage());
    }

    @ParameterizedTest
    @EnumSource(Engine.class)
    void aRegistryWithTlsIsTrustedByTheSettings(Engine engine, @TempDir Path folder) throws Exception {
        TestCertificates certificates = new TestCertificates(folder);
        try (TestRegistry secure = new TestRegistry(0, new HttpsConfigurator(certificates.server("server")))) {
            secure.schemas.putAll(SCHEMAS);
            String[] more = {"engine", engine.name().toLowerCase(Locale.ROOT), "schema.registry.url", secure.url(),
                "max.retries", "0", "schema.registry.ssl.truststore.type", "PEM", "schema.registry.ssl.truststore.certificates"};
            String[] trusting = Arrays.copyOf(more, more.length + 1);
            trusting[more.length] = certificates.pemChain("ca");
            assertTrue(converter(trusting).toConnectData(TOPIC, MESSAGES.get(1)).value() instanceof Struct);
            trusting[more.length] = certificates.pemChain("stranger");
            BucatiniError untrusted =
                    assertThrows(BucatiniError.class, () -> converter(trusting).toConnectData(TOPIC, MESSAGES.get(1)));
            assertTrue(untrusted.getMessage().contains("PKIX"), untrusted.getMessage());
            trusting[more.length] = "no certificate";
            ConfigException refused = assertThrows(ConfigException.class, () -> converter(trusting));
            assertTrue(refused.getMessage().startsWith("BucatiniAvroConverter: setting schema.registry.ssl."), refused.getMessage());
            // The core's own check, in both engines.
            trusting[more.length - 3] = "schema.registry.ssl.keystore.type";
            refused = assertThrows(ConfigException.class, () -> converter(trusting));
            assertTrue(refused.getMessage().contains("[registry.tls]"), refused.getMessage());
        }
    }

    @Test
    void whatTheRegistrySaysDecidesWhoseFaultItIs() {
        byte[] unknown = MESSAGES.get(0).clone();
        unknown[4] = 99;
        DataException none = assertThrows(DataException.class, () -> converter().toConnectData(TOPIC, unknown));
        assertTrue(none.getMessage().startsWith("BucatiniAvroConverter: "), none.getMessage());
        for (int status : new int[] {500, 503, 401, 403}) {
            registry.failWith = status;
            BucatiniAvroConverter converter = converter("max.retries", "1", "retries.wait.ms", "10", "retries.max.wait.ms", "20");
            Throwable error = assertThrows(Throwable.class, () -> converter.toConnectData(TOPIC, MESSAGES.get(0)));
            assertSame(BucatiniError.class, error.getClass(), status + ": " + error);
        }
        registry.failWith = 0;
        registry.close();
        BucatiniAvroConverter converter = converter("max.retries", "1", "retries.wait.ms", "10");
        BucatiniError down = assertThrows(BucatiniError.class, () -> converter.toConnectData(TOPIC, MESSAGES.get(0)));
        assertTrue(down.getMessage().contains("onnect"), down.getMessage());
    }

    @Test
    void anInterruptionEndsTheWaitForTheRegistry() throws Exception {
        registry.delayMillis = 30_000;
        BucatiniAvroConverter converter = converter();
        AtomicReference<Throwable> thrown = new AtomicReference<>();
        AtomicReference<Boolean> interrupted = new AtomicReference<>();
        Thread thread = new Thread(() -> {
            thrown.set(assertThrows(Throwable.class, () -> converter.toConnectData(TOPIC, MESSAGES.get(0))));
            interrupted.set(Thread.currentThread().isInterrupted());
        });
        thread.start();
        Thread.sleep(700);
        thread.interrupt();
        thread.join(15_000);
        assertFalse(thread.isAlive());
        assertSame(BucatiniError.class, thrown.get().getClass());
        assertTrue(interrupted.get());
    }

    @ParameterizedTest
    @EnumSource(Engine.class)
    void manyThreadsShareOneConverter(Engine engine) throws Exception {
        BucatiniAvroConverter converter = converter("engine", engine.name().toLowerCase(Locale.ROOT));
        ExecutorService threads = Executors.newFixedThreadPool(8);
        List<Future<Integer>> results = new ArrayList<>();
        for (int t = 0; t < 8; t++) {
            results.add(threads.submit(() -> {
                int read = 0;
                for (int i = 0; i < 200; i++) {
                    for (byte[] message : MESSAGES) {
                        SchemaAndValue value = converter.toConnectData(TOPIC, message);
                        byte[] again = converter.fromConnectData(TOPIC, value.schema(), value.value());
                        assertEquals(message.length, again.length);
                        read++;
                    }
                }
                return read;
            }));
        }
        for (Future<Integer> result : results) {
            assertEquals(200 * MESSAGES.size(), result.get());
        }
        threads.shutdown();
    }

    /** As in two plug-in folders: each class loader has its own copy of the library, and goes when it is not needed. */
    @Test
    void twoClassLoadersLoadTheLibraryAndAreCollected() throws Exception {
        Path classes = Path.of("target/classes");
        List<WeakReference<ClassLoader>> loaders = new ArrayList<>();
        List<Object> schemas = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            loaders.add(readWithOwnLoader(classes, schemas));
        }
        assertNotSame(schemas.get(0), schemas.get(1));
        assertEquals(schemas.get(0), schemas.get(1));
        schemas.clear();
        for (int i = 0; i < 200 && loaders.stream().anyMatch(loader -> loader.get() != null); i++) {
            System.gc();
            Thread.sleep(50);
        }
        assertTrue(loaders.stream().allMatch(loader -> loader.get() == null), "a class loader is still referred to");
    }

    private WeakReference<ClassLoader> readWithOwnLoader(Path classes, List<Object> schemas) throws Exception {
        URLClassLoader loader = new io.bucatini.connect.ChildFirst(classes.toUri().toURL());
        Converter converter = (Converter) loader.loadClass(BucatiniAvroConverter.class.getName()).getConstructor().newInstance();
        assertNotSame(BucatiniAvroConverter.class, converter.getClass());
        converter.configure(config(), false);
        for (byte[] message : MESSAGES) {
            assertTrue(converter.toConnectData(TOPIC, message).value() instanceof Struct);
        }
        schemas.add(converter.toConnectData(TOPIC, MESSAGES.get(1)).schema());
        ((AutoCloseable) converter).close();
        return new WeakReference<>(loader);
    }
}
