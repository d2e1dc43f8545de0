package io.bucatini.connect.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import io.bucatini.connect.BucatiniAvroConverter;
import io.bucatini.connect.BucatiniError;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.DataException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The Avro converter with the real core, and a registry that does not do what it should. */
@Timeout(300)
class HostileRegistryTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int ID = 7;

    private TestRegistry registry;

    @BeforeAll
    static void libraries() {
        assumeFalse(Boolean.getBoolean("bucatini.artifacts.absent"), "built without native libraries");
    }

    @BeforeEach
    void start() throws IOException {
        registry = new TestRegistry();
        registry.schemas.put(ID, schema("name"));
    }

    @AfterEach
    void stop() {
        registry.close();
    }

    private static JsonNode schema(String field) {
        try {
            return JSON.readTree("{\"type\":\"record\",\"name\":\"Pasta\",\"fields\":[{\"name\":\"" + field
                    + "\",\"type\":\"string\"}]}");
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static byte[] message(int id) {
        return new byte[] {0, 0, 0, 0, (byte) id, 10, 'p', 'e', 'n', 'n', 'e'};
    }

    private BucatiniAvroConverter converter(String... more) {
        Map<String, String> config = new HashMap<>(Map.of("schema.registry.url", registry.url(), "max.retries", "2",
                "retries.wait.ms", "20", "retries.max.wait.ms", "40"));
        for (int i = 0; i < more.length; i += 2) {
            config.put(more[i], more[i + 1]);
        }
        BucatiniAvroConverter converter = new BucatiniAvroConverter();
        converter.configure(config, false);
        return converter;
    }

    private static void reads(BucatiniAvroConverter converter) {
        SchemaAndValue read = converter.toConnectData("t", message(ID));
        assertEquals("penne", ((Struct) read.value()).get("name"));
    }

    private static BucatiniError stops(BucatiniAvroConverter converter) {
        return assertThrows(BucatiniError.class, () -> converter.toConnectData("t", message(ID)));
    }

    private static void reply(HttpExchange exchange, int status, String body) throws IOException {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    private static HttpHandler always(int status, String body) {
        return exchange -> reply(exchange, status, body);
    }

    private static void pause(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** None of these says anything of the record, so none may be an exception, and all are over when the registry is back. */
    @ParameterizedTest
    @EnumSource(Engine.class)
    void whatTheRegistryDoesWrongIsNoRecordsFault(Engine engine) {
        String html = "<html><body>Sign in to the guest network</body></html>";
        Map<String, HttpHandler> repeated = new HashMap<>();
        repeated.put("registry.unavailable", always(500, "{\"error_code\":50001,\"message\":\"x\"}"));
        repeated.put("registry.throttled", always(429, "{\"error_code\":42901,\"message\":\"slow down\"}"));
        repeated.put("registry.not-json", always(200, html));
        repeated.put("registry.none", always(404, html));
        repeated.put("registry.answer", always(200, "{\"message\":\"hello\"}"));
        repeated.put("registry.wrong-answer", always(200, "{\"id\":8,\"schema\":\"\\\"int\\\"\"}"));
        repeated.put("registry.unreachable", HttpExchange::close);
        Map<String, HttpHandler> once = new HashMap<>();
        once.put("registry.unauthorized", always(401, ""));
        once.put("registry.forbidden", always(403, "{\"error_code\":40301,\"message\":\"no\"}"));
        once.put("registry.proxy", always(407, ""));
        Map<String, HttpHandler> all = new HashMap<>(repeated);
        all.putAll(once);
        all.forEach((code, fault) -> {
            BucatiniAvroConverter converter = converter("engine", engine.name().toLowerCase(Locale.ROOT));
            registry.fault = fault;
            registry.requests.set(0);
            BucatiniError error = stops(converter);
            assertEquals(code, error.code(), error.getMessage());
            assertFalse(error.getMessage().contains("guest network"), error.getMessage());
            // The JDK asks once more by itself when a kept connection was closed.
            int least = repeated.containsKey(code) ? 3 : 1;
            int asked = registry.requests.get();
            assertTrue(asked == least || code.equals("registry.unreachable") && asked > least, code + ": " + asked);
            registry.fault = null;
            reads(converter);
            converter.close();
        });
    }

    @ParameterizedTest
    @EnumSource(Engine.class)
    void aRegistryThatStallsCostsNoMoreThanTheBudget(Engine engine) {
        CountDownLatch over = new CountDownLatch(1);
        registry.fault = exchange -> {
            try {
                over.await();
            } catch (InterruptedException e) {
                exchange.close();
            }
        };
        BucatiniAvroConverter converter = converter("engine", engine.name().toLowerCase(Locale.ROOT),
                "max.retries", "1000", "retries.budget.ms", "3000", "http.read.timeout.ms", "500", "http.connect.timeout.ms", "500");
        long begun = System.nanoTime();
        assertEquals("registry.unreachable", stops(converter).code());
        long millis = (System.nanoTime() - begun) / 1_000_000;
        assertTrue(millis >= 1_500 && millis < 20_000, millis + " ms");
        assertTrue(registry.requests.get() >= 2 && registry.requests.get() <= 4, registry.requests + " requests");
        registry.fault = null;
        over.countDown();
        reads(converter);
    }

    @Test
    void aRegistryThatSendsWithoutEndIsNotRead() {
        AtomicLong sent = new AtomicLong();
        registry.fault = exchange -> {
            byte[] part = new byte[64 * 1024];
            try (exchange) {
                exchange.sendResponseHeaders(200, 0);
                for (int i = 0; i < 3_200; i++) {
                    exchange.getResponseBody().write(part);
                    sent.addAndGet(part.length);
                }
            }
        };
        BucatiniAvroConverter converter = converter("max.retries", "0");
        BucatiniError error = stops(converter);
        assertTrue(error.getMessage().contains("larger than 8388608 bytes"), error.getMessage());
        pause(500);
        assertTrue(sent.get() < 64 << 20, sent + " bytes of 200 MB were sent");
        registry.fault = null;
        reads(converter);
    }

    @Test
    void retryAfterIsObeyed() {
        AtomicInteger refused = new AtomicInteger();
        AtomicLong first = new AtomicLong();
        AtomicLong second = new AtomicLong();
        registry.fault = exchange -> {
            if (refused.getAndIncrement() == 0) {
                first.set(System.nanoTime());
                exchange.getResponseHeaders().add("Retry-After", "2");
                reply(exchange, 429, "{\"error_code\":42901,\"message\":\"slow down\"}");
            } else {
                second.set(System.nanoTime());
                registry.fault = null;
                reply(exchange, 200, JSON.createObjectNode().put("schema", schema("name").toString()).toString());
            }
        };
        reads(converter());
        assertTrue((second.get() - first.get()) / 1_000_000 >= 1_900);
    }

    @Test
    void redirectsAreFollowedWithoutCredentialsAndNotForEver() throws IOException {
        List<String> abroad = new ArrayList<>();
        try (TestRegistry other = new TestRegistry()) {
            other.fault = exchange -> {
                abroad.add(exchange.getRequestHeaders().getFirst("Authorization") + " "
                        + exchange.getRequestHeaders().getFirst("X-Secret"));
                reply(exchange, 200, JSON.createObjectNode().put("schema", schema("name").toString()).toString());
            };
            registry.fault = exchange -> {
                assertEquals("Basic dTpw", exchange.getRequestHeaders().getFirst("Authorization"));
                if (exchange.getRequestMethod().equals("POST")) {
                    reply(exchange, 404, "{\"error_code\":40403,\"message\":\"Schema not found\"}");
                } else {
                    exchange.getResponseHeaders().add("Location", other.url() + exchange.getRequestURI());
                    reply(exchange, 307, "");
                }
            };
            String[] secrets = {"basic.auth.credentials.source", "USER_INFO", "basic.auth.user.info", "u:p",
                "request.header.X-Secret", "s"};
            reads(converter(secrets));
            assertEquals(List.of("null null"), abroad);
            registry.fault = exchange -> {
                exchange.getResponseHeaders().add("Location", exchange.getRequestURI().toString());
                reply(exchange, 302, "");
            };
            registry.requests.set(0);
            assertEquals("registry.redirect", stops(converter(secrets)).code());
            assertEquals(6, registry.requests.get());
        }
    }

    @Test
    void anIdThatChangesItsSchemaIsNotBelieved() {
        BucatiniAvroConverter converter = converter();
        reads(converter);
        registry.schemas.put(ID, schema("renamed"));
        reads(converter);
        BucatiniError error = assertThrows(BucatiniError.class, () -> converter.toConnectData("other", message(ID)));
        assertEquals("registry.id-reused", error.code());
    }

    @Test
    void referencesThatGoInCirclesEnd() {
        registry.fault = exchange -> {
            String path = exchange.getRequestURI().getPath();
            String next = path.contains("/a/") ? "b" : "a";
            reply(exchange, 200, "{\"schema\":\"\\\"int\\\"\",\"version\":1,\"id\":" + ID
                    + ",\"references\":[{\"name\":\"n.R\",\"subject\":\"" + next + "\",\"version\":1}]}");
        };
        DataException refused = assertThrows(DataException.class, () -> converter().toConnectData("t", message(ID)));
        assertTrue(refused.getMessage().contains("registry.reference-loop"), refused.getMessage());
        assertEquals(3, registry.requests.get());
    }

    @ParameterizedTest
    @EnumSource(Engine.class)
    void sixteenThreadsAskOnce(Engine engine) throws Exception {
        registry.delayMillis = 200;
        BucatiniAvroConverter converter = converter("engine", engine.name().toLowerCase(Locale.ROOT));
        ExecutorService threads = Executors.newFixedThreadPool(16);
        CyclicBarrier together = new CyclicBarrier(16);
        List<Future<SchemaAndValue>> results = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            results.add(threads.submit(() -> {
                together.await();
                return converter.toConnectData("t", message(ID));
            }));
        }
        SchemaAndValue first = results.get(0).get();
        for (Future<SchemaAndValue> result : results) {
            assertSame(first.schema(), result.get().schema());
        }
        threads.shutdown();
        assertEquals(List.of("GET /schemas/ids/7", "POST /subjects/t-value"), List.copyOf(registry.asked));
    }

    /** Threads that need different schemas do not wait for each other's. */
    @Test
    void differentNeedsDoNotQueue() throws Exception {
        for (int id = 20; id < 36; id++) {
            registry.schemas.put(id, schema("name"));
        }
        BucatiniAvroConverter converter = converter("schema.version.lookup", "off");
        registry.delayMillis = 500;
        ExecutorService threads = Executors.newFixedThreadPool(16);
        List<Future<SchemaAndValue>> results = new ArrayList<>();
        long begun = System.nanoTime();
        for (int id = 20; id < 36; id++) {
            byte[] message = message(id);
            results.add(threads.submit(() -> converter.toConnectData("t", message)));
        }
        for (Future<SchemaAndValue> result : results) {
            result.get();
        }
        threads.shutdown();
        long millis = (System.nanoTime() - begun) / 1_000_000;
        assertTrue(millis < 7_000, "16 schemas of 500 ms each took " + millis + " ms");
        assertEquals(16, registry.requests.get());
    }

    @Test
    void whatIsMissingIsRememberedAsLongAsTold() {
        BucatiniAvroConverter converter = converter("missing.id.cache.ttl.sec", "2");
        for (int i = 0; i < 100; i++) {
            assertThrows(DataException.class, () -> converter.toConnectData("t", message(99)));
        }
        assertEquals(1, registry.requests.get());
        registry.schemas.put(99, schema("name"));
        assertThrows(DataException.class, () -> converter.toConnectData("t", message(99)));
        pause(2_100);
        assertEquals("penne", ((Struct) converter.toConnectData("t", message(99)).value()).get("name"));
    }

    /** A topic full of records of an unknown schema does not ask for each of them, even if nothing is to be remembered. */
    @Test
    void aRegistryIsSparedWhenManyRecordsFail() {
        BucatiniAvroConverter converter = converter();
        for (int i = 0; i < 5_000; i++) {
            assertThrows(DataException.class, () -> converter.toConnectData("t", message(99)));
        }
        assertTrue(registry.requests.get() < 30, registry.requests + " requests for 5,000 records");
    }

    @ParameterizedTest
    @EnumSource(Engine.class)
    void whatIsKnownIsServedWhileTheRegistryIsGone(Engine engine) throws IOException {
        BucatiniAvroConverter converter = converter("engine", engine.name().toLowerCase(Locale.ROOT), "max.retries", "1");
        SchemaAndValue known = converter.toConnectData("t", message(ID));
        byte[] written = converter.fromConnectData("t", known.schema(), known.value());
        int port = registry.port();
        Map<Integer, JsonNode> schemas = Map.copyOf(registry.schemas);
        registry.close();
        for (int i = 0; i < 1_000; i++) {
            reads(converter);
            assertEquals(written.length, converter.fromConnectData("t", known.schema(), known.value()).length);
        }
        assertThrows(BucatiniError.class, () -> converter.toConnectData("t", message(8)));
        registry = new TestRegistry(port, null);
        registry.schemas.putAll(schemas);
        registry.schemas.put(8, schema("shape"));
        assertEquals("penne", ((Struct) converter.toConnectData("t", message(8)).value()).get("shape"));
    }

    /** As after a topic was renamed: its subject does not hold the schemas of its records. */
    @ParameterizedTest
    @EnumSource(Engine.class)
    void schemasThatTheSubjectLacksAreReadWithOneWarning(Engine engine) {
        String[] more = {"engine", engine.name().toLowerCase(Locale.ROOT), "schema.version.lookup", "strict"};
        for (int id = 10; id < 13; id++) {
            registry.schemas.put(id, schema("name"));
        }
        registry.fault = exchange -> {
            if (exchange.getRequestMethod().equals("POST")) {
                reply(exchange, 404, "{\"error_code\":40403,\"message\":\"Schema not found\"}");
            } else {
                reply(exchange, 200, JSON.createObjectNode().put("schema", schema("name").toString()).toString());
            }
        };
        DataException strict = assertThrows(DataException.class, () -> converter(more).toConnectData("t", message(ID)));
        assertTrue(strict.getMessage().contains("schema.version.lookup=lenient"), strict.getMessage());
        PrintStream stderr = System.err;
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        System.setErr(new PrintStream(said, true));
        try {
            BucatiniAvroConverter converter = converter(more[0], more[1]);
            for (int i = 0; i < 5; i++) {
                for (String topic : List.of("t", "u", "v")) {
                    SchemaAndValue read = converter.toConnectData(topic, message(ID));
                    assertNull(read.schema().version());
                }
            }
        } finally {
            System.setErr(stderr);
        }
        List<String> warnings = said.toString(StandardCharsets.UTF_8).lines().filter(line -> line.contains("404")).toList();
        assertEquals(1, warnings.size(), warnings::toString);
        assertTrue(warnings.get(0).contains("BucatiniAvroConverter: POST " + registry.url() + "/subjects/"), warnings::toString);
    }
}
