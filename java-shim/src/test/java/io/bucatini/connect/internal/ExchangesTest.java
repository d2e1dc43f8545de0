package io.bucatini.connect.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ExchangesTest {
    private final RegistryMetrics metrics = new RegistryMetrics("Test", false);
    private final Exchanges exchanges = new Exchanges(new HttpClients(Map.of()), metrics);
    private final ExecutorService workers = Executors.newCachedThreadPool();
    private HttpServer server;
    private String url;

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(workers);
        server.start();
        url = "http://127.0.0.1:" + server.getAddress().getPort();
    }

    @AfterEach
    void stop() {
        server.stop(0);
        workers.shutdownNow();
    }

    /** An exchange with the attributes that a test does not set at their usual values. */
    private static final class Asked {
        String method = "GET";
        String url;
        final Map<String, String> headers = new HashMap<>();
        byte[] body;
        int delay;
        int connectTimeout = 2_000;
        int timeout = 5_000;
        int limit = 1_000_000;

        WireReader encoded() {
            WireWriter out = new WireWriter(64);
            out.u32(5);
            out.str(method);
            out.str(url);
            out.u32(headers.size());
            headers.forEach((name, value) -> {
                out.str(name);
                out.str(value);
            });
            out.u8(body == null ? 0 : 1);
            if (body != null) {
                out.bytes(body);
            }
            out.u32(delay);
            out.u32(connectTimeout);
            out.u32(timeout);
            out.u32(limit);
            return new WireReader(out.toBytes());
        }
    }

    private record Answer(int status, Map<String, List<String>> headers, byte[] body) {
        String text() {
            return new String(body, StandardCharsets.UTF_8);
        }
    }

    private Asked asked(String path) {
        Asked asked = new Asked();
        asked.url = url + path;
        return asked;
    }

    private Answer perform(Asked asked) throws InterruptedException {
        WireReader in = new WireReader(exchanges.perform(asked.encoded()).answer);
        assertEquals(5, in.u32());
        int status = in.u32();
        Map<String, List<String>> headers = new HashMap<>();
        for (int left = in.count(8); left > 0; left--) {
            headers.computeIfAbsent(in.str(), name -> new ArrayList<>()).add(in.str());
        }
        Answer answer = new Answer(status, headers, in.bytes());
        in.finish("answer");
        return answer;
    }

    private static void reply(HttpExchange exchange, int status, String body) throws IOException {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
        if (bytes.length > 0) {
            exchange.getResponseBody().write(bytes);
        }
        exchange.close();
    }

    @Test
    void requestAndAnswerArriveWhole() throws Exception {
        AtomicReference<String> seen = new AtomicReference<>();
        server.createContext("/subjects", exchange -> {
            seen.set(exchange.getRequestMethod() + " " + exchange.getRequestURI() + " "
                    + exchange.getRequestHeaders().getFirst("Authorization") + " "
                    + exchange.getRequestHeaders().getFirst("Upgrade") + " "
                    + new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
            exchange.getResponseHeaders().add("X-Twice", "1");
            exchange.getResponseHeaders().add("X-Twice", "2");
            reply(exchange, 422, "{\"wörd\":1}");
        });
        Asked asked = asked("/subjects/a%2Fb/versions?normalize=false");
        asked.method = "POST";
        asked.headers.put("Authorization", "Basic dTpw");
        asked.body = "{}".getBytes(StandardCharsets.UTF_8);
        Answer answer = perform(asked);
        assertEquals("POST /subjects/a%2Fb/versions?normalize=false Basic dTpw null {}", seen.get());
        assertEquals(422, answer.status);
        assertEquals(List.of("1", "2"), answer.headers.get("x-twice").stream().sorted().toList());
        assertEquals("{\"wörd\":1}", answer.text());
    }

    @Test
    void refusalsOfAuthorizationAreAnswersLikeAnyOther() throws Exception {
        server.createContext("/401", exchange -> reply(exchange, 401, "no"));
        server.createContext("/407", exchange -> reply(exchange, 407, "proxy"));
        server.createContext("/204", exchange -> reply(exchange, 204, ""));
        assertEquals(401, perform(asked("/401")).status);
        assertEquals(407, perform(asked("/407")).status);
        assertEquals(204, perform(asked("/204")).status);
    }

    @Test
    void redirectsAreNotFollowed() throws Exception {
        AtomicInteger followed = new AtomicInteger();
        server.createContext("/there", exchange -> {
            followed.incrementAndGet();
            reply(exchange, 200, "secret");
        });
        server.createContext("/here", exchange -> {
            exchange.getResponseHeaders().add("Location", url + "/there");
            reply(exchange, 302, "");
        });
        Answer answer = perform(asked("/here"));
        assertEquals(302, answer.status);
        assertEquals(List.of(url + "/there"), answer.headers.get("location"));
        assertEquals(0, followed.get());
    }

    @Test
    void nobodyListeningIsStatusZeroWithTheReason() throws Exception {
        Asked asked = new Asked();
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            asked.url = "http://127.0.0.1:" + socket.getLocalPort() + "/";
        }
        Answer answer = perform(asked);
        assertEquals(0, answer.status);
        assertTrue(answer.text().contains("ConnectException"), answer.text());
        assertFalse(answer.text().contains("\n"));
    }

    @Test
    void silenceEndsWithTheTimeOut() throws Exception {
        server.createContext("/silent", exchange -> sleep(20_000));
        Asked asked = asked("/silent");
        asked.timeout = 300;
        long begun = System.nanoTime();
        Answer answer = perform(asked);
        long millis = (System.nanoTime() - begun) / 1_000_000;
        assertEquals(0, answer.status);
        assertTrue(answer.text().contains("300 ms") || answer.text().contains("timed out"), answer.text());
        assertTrue(millis >= 250 && millis < 15_000, millis + " ms");
    }

    @Test
    void aBodyThatDripsEndsWithTheTimeOut() throws Exception {
        server.createContext("/drip", exchange -> {
            exchange.sendResponseHeaders(200, 0);
            for (int i = 0; i < 200; i++) {
                exchange.getResponseBody().write('x');
                exchange.getResponseBody().flush();
                sleep(100);
            }
        });
        Asked asked = asked("/drip");
        asked.timeout = 500;
        long begun = System.nanoTime();
        Answer answer = perform(asked);
        assertEquals(0, answer.status);
        assertTrue((System.nanoTime() - begun) / 1_000_000 < 15_000);
    }

    @Test
    void aBodyBeyondTheLimitIsNotReadToItsEnd() throws Exception {
        AtomicInteger sent = new AtomicInteger();
        CountDownLatch ended = new CountDownLatch(1);
        server.createContext("/large", exchange -> {
            byte[] part = new byte[64 * 1024];
            try (exchange) {
                exchange.sendResponseHeaders(200, 0);
                for (int i = 0; i < 3_200; i++) {
                    exchange.getResponseBody().write(part);
                    sent.addAndGet(part.length);
                }
            } finally {
                ended.countDown();
            }
        });
        Asked asked = asked("/large");
        asked.timeout = 30_000;
        asked.limit = 8 << 20;
        Answer answer = perform(asked);
        assertEquals(0, answer.status);
        assertTrue(answer.text().contains("larger than 8388608 bytes"), answer.text());
        assertTrue(ended.await(20, TimeUnit.SECONDS));
        assertTrue(sent.get() < 100 << 20, "the server could send " + sent.get() + " bytes");
        server.createContext("/fits", exchange -> reply(exchange, 200, "x".repeat(100)));
        Asked fits = asked("/fits");
        fits.limit = 100;
        assertEquals(200, perform(fits).status);
        fits.limit = 99;
        assertEquals(0, perform(fits).status);
    }

    @Test
    void anInterruptionEndsExchangeAndDelay() throws Exception {
        server.createContext("/silent", exchange -> sleep(20_000));
        for (boolean delayed : new boolean[] {false, true}) {
            Asked asked = asked("/silent");
            asked.timeout = 15_000;
            asked.delay = delayed ? 15_000 : 0;
            AtomicReference<Throwable> ended = new AtomicReference<>();
            Thread thread = new Thread(() -> ended.set(assertThrows(InterruptedException.class, () -> perform(asked))));
            thread.start();
            Thread.sleep(300);
            thread.interrupt();
            thread.join(10_000);
            assertFalse(thread.isAlive());
            assertTrue(ended.get() instanceof InterruptedException);
        }
    }

    @Test
    void theDelayIsKept() throws Exception {
        server.createContext("/", exchange -> reply(exchange, 200, ""));
        Asked asked = asked("/");
        asked.delay = 300;
        long begun = System.nanoTime();
        assertEquals(200, perform(asked).status);
        assertTrue((System.nanoTime() - begun) / 1_000_000 >= 300);
    }

    @Test
    void whatTheClientRefusesIsStatusZeroAndNamesNoSecret() throws Exception {
        Asked asked = asked("/");
        asked.headers.put("Host", "elsewhere");
        assertEquals(0, perform(asked).status);
        asked = asked("/");
        asked.headers.put("Authorization", "Bearer hunter2\r\nX: y");
        Answer answer = perform(asked);
        assertEquals(0, answer.status);
        assertFalse(answer.text().contains("hunter2"));
        asked = new Asked();
        asked.url = "no url";
        assertEquals(0, perform(asked).status);
        asked.url = "ftp://127.0.0.1/";
        assertEquals(0, perform(asked).status);
    }

    @Test
    void manyThreadsShareOneClient() throws Exception {
        server.createContext("/", exchange -> reply(exchange, 200, exchange.getRequestURI().getPath()));
        ExecutorService callers = Executors.newFixedThreadPool(8);
        List<java.util.concurrent.Future<String>> answers = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            String path = "/" + i;
            answers.add(callers.submit(() -> perform(asked(path)).text()));
        }
        for (int i = 0; i < 200; i++) {
            assertEquals("/" + i, answers.get(i).get());
        }
        callers.shutdown();
    }

    private static void sleep(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
