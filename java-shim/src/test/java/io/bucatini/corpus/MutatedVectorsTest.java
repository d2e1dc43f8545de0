package io.bucatini.corpus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpServer;
import io.bucatini.connect.BucatiniAvroConverter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.errors.DataException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The corpus's payloads, damaged at random: each engine reads the same or refuses with the same words, and neither fails. */
@Timeout(600)
class MutatedVectorsTest {
    private static final int MUTATIONS = Integer.getInteger("bucatini.mutations", 10);
    private static final long SEED = Long.getLong("bucatini.seed", 20_261_123);
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Map<String, String> schemas = new ConcurrentHashMap<>();

    @Test
    void enginesAgreeOnDamagedPayloads() throws Exception {
        assumeFalse(Boolean.getBoolean("bucatini.artifacts.absent"), "built without native libraries");
        HttpServer registry = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        registry.createContext("/schemas/ids/", exchange -> {
            String id = exchange.getRequestURI().getPath().substring("/schemas/ids/".length());
            byte[] body = JSON.createObjectNode().put("schema", schemas.get(id)).toString().getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        registry.start();
        try {
            compareAll("http://127.0.0.1:" + registry.getAddress().getPort());
        } finally {
            registry.stop(0);
        }
    }

    private void compareAll(String url) throws Exception {
        Map<Map<String, String>, List<BucatiniAvroConverter>> converters = new HashMap<>();
        Random random = new Random(SEED);
        int id = 0;
        int read = 0;
        int refused = 0;
        for (JsonNode vector : vectors()) {
            Map<String, String> config = new HashMap<>();
            vector.get("config").fields().forEachRemaining(e -> config.put(e.getKey(), e.getValue().asText()));
            config.remove("use.latest.version");
            config.put("schema.registry.url", url);
            config.put("schema.version.lookup", "off");
            List<BucatiniAvroConverter> engines = converters.computeIfAbsent(config, MutatedVectorsTest::both);
            if (engines.isEmpty()) {
                continue;
            }
            schemas.put(String.valueOf(++id), vector.get("schemas").get(vector.path("writer_version").asInt(1) - 1).toString());
            byte[] payload = unhex(vector.get("bytes").asText());
            for (int i = 0; i <= MUTATIONS; i++) {
                byte[] message = message(id, i == 0 ? payload : damaged(payload, random));
                String one = outcome(engines.get(0), message);
                assertEquals(one, outcome(engines.get(1), message),
                        () -> vector.get("id").asText() + " " + Arrays.toString(message));
                if (one.startsWith("{")) {
                    read++;
                } else {
                    refused++;
                }
            }
        }
        converters.values().forEach(engines -> engines.forEach(BucatiniAvroConverter::close));
        assertTrue(read > 2_000 && refused > 2_000, read + " read, " + refused + " refused");
    }

    private static List<JsonNode> vectors() throws Exception {
        Path folder = Path.of(System.getProperty("bucatini.repository"), "tests", "corpus", "avro");
        List<JsonNode> vectors = new ArrayList<>();
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.filter(f -> f.getFileName().toString().startsWith("a2c-")).sorted().collect(Collectors.toList())) {
                for (String line : Files.readAllLines(file)) {
                    vectors.add(JSON.readTree(line));
                }
            }
        }
        assertTrue(vectors.size() > 1_000, vectors.size() + " vectors");
        return vectors;
    }

    /** A converter of each engine; none if the settings are refused. */
    private static List<BucatiniAvroConverter> both(Map<String, String> config) {
        List<BucatiniAvroConverter> engines = new ArrayList<>();
        for (String engine : List.of("native", "wasm")) {
            Map<String, String> settings = new HashMap<>(config);
            settings.put("engine", engine);
            BucatiniAvroConverter converter = new BucatiniAvroConverter();
            try {
                converter.configure(settings, false);
                engines.add(converter);
            } catch (ConfigException e) {
                continue;
            }
        }
        assertTrue(engines.size() != 1, "one engine refuses " + config);
        return engines;
    }

    private static String outcome(BucatiniAvroConverter converter, byte[] message) {
        try {
            SchemaAndValue read = converter.toConnectData("t", message);
            return ToJson.datum(read.schema(), read.value()).toString();
        } catch (DataException e) {
            return e.getMessage();
        }
    }

    private static byte[] message(int id, byte[] payload) {
        byte[] message = new byte[5 + payload.length];
        message[3] = (byte) (id >> 8);
        message[4] = (byte) id;
        System.arraycopy(payload, 0, message, 5, payload.length);
        return message;
    }

    private static byte[] damaged(byte[] payload, Random random) {
        if (payload.length == 0) {
            return new byte[] {(byte) random.nextInt()};
        }
        int at = random.nextInt(payload.length);
        byte[] damaged = payload.clone();
        switch (random.nextInt(5)) {
            case 0:
                return Arrays.copyOf(payload, at);
            case 1:
                // The largest varint there is, or one that never ends.
                byte[] longer = new byte[payload.length + 10];
                System.arraycopy(payload, 0, longer, 0, at);
                Arrays.fill(longer, at, at + 10, (byte) 0xFF);
                longer[at + 9] = (byte) random.nextInt(3);
                System.arraycopy(payload, at, longer, at + 10, payload.length - at);
                return longer;
            case 2:
                damaged[at] = (byte) random.nextInt();
                return damaged;
            default:
                for (int i = random.nextInt(3); i >= 0; i--) {
                    int bit = random.nextInt(payload.length * 8);
                    damaged[bit / 8] ^= (byte) (1 << bit % 8);
                }
                return damaged;
        }
    }

    private static byte[] unhex(String text) {
        return HexFormat.of().parseHex(text);
    }
}
