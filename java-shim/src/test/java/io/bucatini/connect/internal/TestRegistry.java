package io.bucatini.connect.internal;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/** As much of a schema registry as a converter asks: by id, register, look up. */
final class TestRegistry implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();

    final Map<Integer, JsonNode> schemas = new TreeMap<>();
    final AtomicInteger requests = new AtomicInteger();
    /** Method and path of each request. */
    final Queue<String> asked = new ConcurrentLinkedQueue<>();
    /** Answered to everything if not 0. */
    volatile int failWith;
    volatile long delayMillis;
    /** Answers instead of the registry if not null. */
    volatile HttpHandler fault;

    private final ExecutorService workers = Executors.newCachedThreadPool();
    private final HttpServer server;

    TestRegistry() throws IOException {
        this(0, null);
    }

    /**
     * @param port 0 for any
     * @param tls null for none
     */
    TestRegistry(int port, HttpsConfigurator tls) throws IOException {
        InetSocketAddress address = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
        if (tls == null) {
            server = HttpServer.create(address, 0);
        } else {
            HttpsServer https = HttpsServer.create(address, 0);
            https.setHttpsConfigurator(tls);
            server = https;
        }
        server.setExecutor(workers);
        server.createContext("/", this::serve);
        server.start();
    }

    int port() {
        return server.getAddress().getPort();
    }

    String url() {
        return (server instanceof HttpsServer ? "https" : "http") + "://127.0.0.1:" + port();
    }

    private void serve(HttpExchange exchange) throws IOException {
        requests.incrementAndGet();
        asked.add(exchange.getRequestMethod() + " " + exchange.getRequestURI().getPath());
        HttpHandler standIn = fault;
        if (standIn != null) {
            standIn.handle(exchange);
            return;
        }
        String path = exchange.getRequestURI().getPath();
        byte[] body = exchange.getRequestBody().readAllBytes();
        try {
            Thread.sleep(delayMillis);
        } catch (InterruptedException e) {
            exchange.close();
            return;
        }
        if (failWith != 0) {
            reply(exchange, failWith, JSON.createObjectNode().put("error_code", failWith).put("message", "failing"));
        } else if (path.startsWith("/schemas/ids/")) {
            JsonNode schema = schemas.get(Integer.parseInt(path.substring("/schemas/ids/".length())));
            if (schema == null) {
                reply(exchange, 404, JSON.createObjectNode().put("error_code", 40403).put("message", "Schema not found"));
            } else {
                reply(exchange, 200, JSON.createObjectNode().put("schema", schema.toString()));
            }
        } else {
            JsonNode schema = JSON.readTree(JSON.readTree(body).get("schema").asText());
            int id = id(schema, path.endsWith("/versions"));
            reply(exchange, id < 0 ? 404 : 200, id < 0
                    ? JSON.createObjectNode().put("error_code", 40403).put("message", "Schema not found")
                    : JSON.createObjectNode().put("id", id).put("version", 1).put("subject", "s").put("schema", schema.toString()));
        }
    }

    private synchronized int id(JsonNode schema, boolean register) {
        for (Map.Entry<Integer, JsonNode> known : schemas.entrySet()) {
            if (known.getValue().equals(schema)) {
                return known.getKey();
            }
        }
        if (!register) {
            return -1;
        }
        int id = 100 + schemas.size();
        schemas.put(id, schema);
        return id;
    }

    private static void reply(HttpExchange exchange, int status, ObjectNode json) throws IOException {
        byte[] bytes = json.toString().getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().add("Content-Type", "application/vnd.schemaregistry.v1+json");
        exchange.sendResponseHeaders(status, bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    @Override
    public void close() {
        server.stop(0);
        workers.shutdownNow();
    }
}
