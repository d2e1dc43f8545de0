import com.fasterxml.jackson.databind.JsonNode;
import io.apicurio.registry.serde.avro.AvroKafkaDeserializer;
import io.apicurio.registry.serde.avro.AvroKafkaSerializer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.DecoderFactory;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringSerializer;

/** An ordinary Java producer and consumer with somebody else's Avro serdes, as other teams run beside Connect. */
final class Peer {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final String bootstrap;
    private final Registry registry;

    Peer(String bootstrap, Registry registry) {
        this.bootstrap = bootstrap;
        this.registry = registry;
    }

    /** Every value of the topic as the peer reads it, in kcat's form; null for a tombstone. */
    List<String> read(String topic) {
        List<String> values = new ArrayList<>();
        try (var consumer = new KafkaConsumer<Object, Object>(settings(), avroKeys(), avroValues())) {
            TopicPartition partition = new TopicPartition(topic, 0);
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            long end = consumer.endOffsets(List.of(partition), PATIENCE).get(partition);
            long deadline = System.nanoTime() + PATIENCE.toNanos();
            while (consumer.position(partition, PATIENCE) < end) {
                for (ConsumerRecord<Object, Object> record : consumer.poll(Duration.ofMillis(200))) {
                    GenericRecord value = (GenericRecord) record.value();
                    values.add(value == null ? null : KcatJson.print(value.getSchema(), value));
                }
                if (System.nanoTime() > deadline) {
                    throw new IllegalStateException("could not read topic " + topic + " up to offset " + end);
                }
            }
        }
        return values;
    }

    /** Writes values given as Avro JSON texts, registering the schema; returns their offsets. */
    List<Long> write(String topic, String schemaText, JsonNode values) throws Exception {
        Schema schema = new Schema.Parser().parse(schemaText);
        var serializer = new AvroKafkaSerializer<Object>();
        serializer.configure(settings(), false);
        List<Long> offsets = new ArrayList<>();
        try (var producer = new KafkaProducer<String, Object>(settings(), new StringSerializer(), serializer)) {
            for (JsonNode value : values) {
                var decoder = DecoderFactory.get().jsonDecoder(schema, value.asText());
                Object datum = new GenericDatumReader<>(schema).read(null, decoder);
                offsets.add(producer.send(new ProducerRecord<>(topic, 0, null, datum)).get().offset());
            }
        }
        return offsets;
    }

    private AvroKafkaDeserializer<Object> avroValues() {
        var deserializer = new AvroKafkaDeserializer<Object>();
        deserializer.configure(settings(), false);
        return deserializer;
    }

    private AvroKafkaDeserializer<Object> avroKeys() {
        var deserializer = new AvroKafkaDeserializer<Object>();
        deserializer.configure(settings(), true);
        return deserializer;
    }

    /** `as-confluent` with `contentId` gives four-byte ids, the same that the Confluent API hands out. */
    private Map<String, Object> settings() {
        String[] credentials = registry.userInfo.split(":", 2);
        Map<String, Object> settings = new HashMap<>();
        settings.put("bootstrap.servers", bootstrap);
        settings.put("enable.auto.commit", "false");
        settings.put("apicurio.registry.url", registry.url + "/apis/registry/v2");
        settings.put("apicurio.auth.username", credentials[0]);
        settings.put("apicurio.auth.password", credentials[1]);
        settings.put("apicurio.registry.auto-register", "true");
        settings.put("apicurio.registry.find-latest", "true");
        settings.put("apicurio.registry.as-confluent", "true");
        settings.put("apicurio.registry.use-id", "contentId");
        settings.put("apicurio.registry.headers.enabled", "false");
        return settings;
    }
}
