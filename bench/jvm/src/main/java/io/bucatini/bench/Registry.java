package io.bucatini.bench;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** As much of a schema registry as both converters ask before they are warm. */
final class Registry implements AutoCloseable {
    private final List<String> schemas = new ArrayList<>();
    private final HttpServer server;

    Registry() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::serve);
        server.start();
    }

    String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    /** The Avro schema of an id, as JSON text inside a JSON string. */
    synchronized String quoted(int id) {
        return schemas.get(id - 1);
    }

    /** Registers a schema, given as {@link #quoted} answers it. */
    synchronized void add(String schema) {
        schemas.add(schema);
    }

    private synchronized void serve(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getPath();
        String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        String answer;
        if (path.startsWith("/schemas/ids/")) {
            answer = "{\"schema\":" + schemas.get(Integer.parseInt(path.substring("/schemas/ids/".length())) - 1) + "}";
        } else {
            String schema = schemaOf(body);
            int at = schemas.indexOf(schema);
            if (at < 0) {
                schemas.add(schema);
                at = schemas.size() - 1;
            }
            String subject = path.split("/")[2];
            answer = "{\"id\":" + (at + 1) + ",\"version\":1,\"subject\":\"" + subject + "\",\"schema\":" + schema + "}";
        }
        byte[] bytes = answer.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().add("Content-Type", "application/vnd.schemaregistry.v1+json");
        exchange.sendResponseHeaders(200, bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    /** The JSON string after "schema": with its quotes. */
    private static String schemaOf(String body) {
        int start = body.indexOf('"', body.indexOf(':', body.indexOf("\"schema\"") + 8));
        int end = start + 1;
        while (body.charAt(end) != '"') {
            end += body.charAt(end) == '\\' ? 2 : 1;
        }
        return body.substring(start, end + 1);
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
