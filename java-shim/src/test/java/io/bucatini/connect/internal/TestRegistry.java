package io.bucatini.connect.internal;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/** As much of a schema registry as a converter asks: by id, register, look up. */
final class TestRegistry implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();

    final Map<Integer, JsonNode> schemas = new TreeMap<>();
    final AtomicInteger requests = new AtomicInteger();
    /** Answered to everything if not 0. */
    volatile int failWith;
    volatile long delayMillis;

    private final ExecutorService workers = Executors.newCachedThreadPool();
    private final HttpServer server;

    TestRegistry() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(workers);
        server.createContext("/", this::serve);
        server.start();
    }

    String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    private void serve(HttpExchange exchange) throws IOException {
        requests.incrementAndGet();
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
