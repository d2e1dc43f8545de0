package io.bucatini.corpus;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.header.ConnectHeaders;
import org.apache.kafka.connect.header.Header;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.storage.Converter;
import org.apache.kafka.connect.transforms.Transformation;

/**
 * Runs plug-ins for the corpus: commands as JSON lines on stdin, outcomes in the corpus's form as JSON lines on stdout.
 *
 * <p>Arguments: the class of the transformation, and those of the converters with commas between. One plug-in is open
 * at a time.
 *
 * <pre>
 * {"do":"transformation","config":{}}              {"ok":true} or an error of phase configure
 * {"do":"converter","class":0,"is_key":false,"config":{}}    the same
 * {"do":"apply","record":RECORD}                   {"record":RECORD} | {"drop":true}
 * {"do":"serialize","topic","datum":{"schema","payload"}}
 *                                                  {"bytes":hex,"headers":[...]} | {"null":true}
 * {"do":"serialize_last","topic"}                  the same, of what was deserialized last by any converter
 * {"do":"deserialize","topic","bytes":hex|null,"headers":[{"key","hex"}]}
 *                                                  {"schema","payload"} | {"null_result":true}
 * </pre>
 * Any of them may answer {@code {"error":{"phase","class","message","causes"}}}; {@code {"broken":text}} is an error of
 * the harness itself, such as an input that Connect's classes cannot hold.
 */
public final class CorpusHarness {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private final Class<?> transformationClass;
    private final List<Class<?>> converterClasses;
    private Transformation<SourceRecord> transformation;
    private Converter converter;
    private SchemaAndValue last;

    private CorpusHarness(Class<?> transformationClass, List<Class<?>> converterClasses) {
        this.transformationClass = transformationClass;
        this.converterClasses = converterClasses;
    }

    public static void main(String[] arguments) throws IOException, ClassNotFoundException {
        PrintStream answers = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        // Whatever a plug-in or a logger prints must not end up among the answers.
        System.setOut(System.err);
        List<Class<?>> converters = new ArrayList<>();
        for (String name : arguments[1].split(",")) {
            converters.add(classOrNull(name));
        }
        CorpusHarness harness = new CorpusHarness(classOrNull(arguments[0]), converters);
        ObjectMapper mapper = new ObjectMapper();
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            answers.println(mapper.writeValueAsString(harness.run(mapper.readTree(line))));
            answers.flush();
        }
    }

    /** {@code -} stands for a class that is not there: its commands are then refused. */
    private static Class<?> classOrNull(String name) throws ClassNotFoundException {
        return name.equals("-") ? null : Class.forName(name);
    }

    private ObjectNode run(JsonNode command) {
        String verb = command.path("do").asText();
        try {
            switch (verb) {
                case "transformation":
                    return openTransformation(config(command));
                case "converter":
                    return openConverter(command);
                case "apply":
                    return apply(command.get("record"));
                case "serialize": {
                    SchemaAndValue datum = FromJson.datum(command.get("datum"));
                    return attempt("fromConnectData", () -> serialize(topic(command), datum));
                }
                case "serialize_last":
                    return attempt("fromConnectData", () -> serialize(topic(command), last));
                case "deserialize":
                    return deserialize(command);
                default:
                    return broken("unknown command " + verb);
            }
        } catch (Exception | LinkageError e) {
            return broken(e.toString());
        }
    }

    private ObjectNode openTransformation(Map<String, Object> config) throws ReflectiveOperationException {
        close();
        @SuppressWarnings("unchecked")
        Transformation<SourceRecord> opened =
                (Transformation<SourceRecord>) transformationClass.getDeclaredConstructor().newInstance();
        return attempt("configure", () -> {
            opened.configure(config);
            transformation = opened;
            return NODES.objectNode().put("ok", true);
        });
    }

    private ObjectNode openConverter(JsonNode command) throws ReflectiveOperationException {
        close();
        Class<?> converterClass = converterClasses.get(command.path("class").asInt());
        Converter opened = (Converter) converterClass.getDeclaredConstructor().newInstance();
        return attempt("configure", () -> {
            opened.configure(config(command), command.path("is_key").asBoolean());
            converter = opened;
            return NODES.objectNode().put("ok", true);
        });
    }

    private void close() {
        if (transformation != null) {
            transformation.close();
            transformation = null;
        }
        if (converter instanceof AutoCloseable) {
            try {
                ((AutoCloseable) converter).close();
            } catch (Exception e) {
                throw new IllegalStateException("close: " + e, e);
            }
        }
        converter = null;
    }

    private ObjectNode apply(JsonNode json) {
        ConnectHeaders headers = new ConnectHeaders();
        for (JsonNode header : json.path("headers")) {
            headers.add(header.get("key").asText(), FromJson.datum(header));
        }
        SchemaAndValue key = FromJson.datum(json.get("key"));
        SchemaAndValue value = FromJson.datum(json.get("value"));
        JsonNode partition = json.path("kafkaPartition");
        JsonNode timestamp = json.path("timestamp");
        SourceRecord record = new SourceRecord(null, null, json.get("topic").asText(null),
                partition.isIntegralNumber() ? partition.asInt() : null, key.schema(), key.value(), value.schema(),
                value.value(), timestamp.isIntegralNumber() ? timestamp.asLong() : null, headers);
        SourceRecord[] applied = new SourceRecord[1];
        ObjectNode error = attempt("apply", () -> {
            applied[0] = transformation.apply(record);
            return null;
        });
        if (error != null) {
            return error;
        }
        return applied[0] == null
                ? NODES.objectNode().put("drop", true)
                : (ObjectNode) NODES.objectNode().set("record", record(applied[0]));
    }

    private static ObjectNode record(SourceRecord record) {
        ObjectNode json = NODES.objectNode().put("topic", record.topic());
        json.put("kafkaPartition", record.kafkaPartition()).put("timestamp", record.timestamp());
        json.set("key", ToJson.datum(record.keySchema(), record.key()));
        json.set("value", ToJson.datum(record.valueSchema(), record.value()));
        ArrayNode headers = json.putArray("headers");
        for (Header header : record.headers()) {
            headers.add(ToJson.datum(header.schema(), header.value()).put("key", header.key()));
        }
        return json;
    }

    private ObjectNode serialize(String topic, SchemaAndValue datum) {
        RecordHeaders headers = new RecordHeaders();
        byte[] bytes = converter.fromConnectData(topic, headers, datum.schema(), datum.value());
        if (bytes == null) {
            return NODES.objectNode().put("null", true);
        }
        ObjectNode json = NODES.objectNode().put("bytes", Hex.of(bytes));
        ArrayNode list = json.putArray("headers");
        headers.forEach(header -> list.addObject().put("key", header.key()).put("hex", Hex.of(header.value())));
        return json;
    }

    private ObjectNode deserialize(JsonNode command) {
        byte[] bytes = command.path("bytes").isTextual() ? Hex.bytes(command.get("bytes").asText()) : null;
        RecordHeaders headers = new RecordHeaders();
        for (JsonNode header : command.path("headers")) {
            headers.add(header.get("key").asText(), Hex.bytes(header.get("hex").asText()));
        }
        SchemaAndValue[] result = new SchemaAndValue[1];
        ObjectNode error = attempt("toConnectData", () -> {
            result[0] = converter.toConnectData(topic(command), headers, bytes);
            return null;
        });
        if (error != null) {
            return error;
        }
        last = result[0];
        return last == null
                ? NODES.objectNode().put("null_result", true)
                : ToJson.datum(last.schema(), last.value());
    }

    private static String topic(JsonNode command) {
        return command.path("topic").asText(null);
    }

    private static Map<String, Object> config(JsonNode command) {
        Map<String, Object> config = new HashMap<>();
        FromJson.each(command.path("config"), (key, value) -> config.put(key, value.asText()));
        return config;
    }

    private interface Attempt {
        ObjectNode run() throws Exception;
    }

    /** Whatever the plug-in throws is its answer, an Error included. */
    private static ObjectNode attempt(String phase, Attempt attempt) {
        try {
            return attempt.run();
        } catch (Throwable thrown) {
            ObjectNode error = NODES.objectNode().put("phase", phase);
            error.put("class", thrown.getClass().getName()).put("message", thrown.getMessage());
            ArrayNode causes = error.putArray("causes");
            Throwable cause = thrown.getCause();
            for (int i = 0; cause != null && i < 10; i++, cause = cause.getCause()) {
                causes.addObject().put("class", cause.getClass().getName()).put("message", cause.getMessage());
            }
            return (ObjectNode) NODES.objectNode().set("error", error);
        }
    }

    private static ObjectNode broken(String what) {
        return NODES.objectNode().put("broken", what);
    }
}
