import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/**
 * Looks at Kafka with stock Java classes only, so that nothing of ours judges what we wrote.
 *
 * <p>Reads one JSON command a line from standard input and answers each with one JSON line. It stays up for the length
 * of a run because a JVM's start would otherwise be the larger part of every question.
 */
public final class Probe {
    private static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] arguments) throws Exception {
        PrintStream answers = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        System.setOut(System.err); // whatever a library prints must not be taken for an answer
        String bootstrap = arguments[0];
        var commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        try (Topics topics = new Topics(bootstrap)) {
            for (String line = commands.readLine(); line != null; line = commands.readLine()) {
                ObjectNode answer = JSON.createObjectNode();
                try {
                    answer.set("answer", answer(topics, bootstrap, JSON.readTree(line)));
                } catch (Exception | LinkageError error) {
                    answer.put("error", describe(error));
                }
                answers.println(JSON.writeValueAsString(answer));
            }
        }
    }

    private static JsonNode answer(Topics topics, String bootstrap, JsonNode command) throws Exception {
        String topic = command.path("topic").asText();
        switch (command.path("do").asText()) {
            case "create-topic":
                topics.create(topic);
                return null;
            case "delete-topic":
                topics.delete(topic);
                return null;
            case "count":
                return JSON.valueToTree(topics.count(topic, command.path("partition").asInt(0)));
            case "committed":
                return JSON.valueToTree(topics.committed(command.path("group").asText(), topic));
            case "read-raw":
                return JSON.valueToTree(topics.read(topic, RecordJson::raw));
            case "read-avro":
                AvroReader avro = new AvroReader(registry(command));
                return JSON.valueToTree(topics.read(topic, record -> RecordJson.avro(record, avro)));
            case "write-raw":
                return JSON.valueToTree(topics.write(topic, command.path("records")));
            case "peer-read":
                return JSON.valueToTree(new Peer(bootstrap, registry(command)).read(topic));
            case "peer-write":
                Peer peer = new Peer(bootstrap, registry(command));
                return JSON.valueToTree(peer.write(topic, command.path("schema").asText(), command.path("values")));
            default:
                throw new IllegalArgumentException("unknown command: " + command);
        }
    }

    private static Registry registry(JsonNode command) {
        return new Registry(command.path("registry").asText(), command.path("user_info").asText());
    }

    private static String describe(Throwable error) {
        StringBuilder text = new StringBuilder(error.toString());
        for (Throwable cause = error.getCause(); cause != null; cause = cause.getCause()) {
            text.append(" <- ").append(cause);
        }
        return text.toString();
    }
}
