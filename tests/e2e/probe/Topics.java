import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Topics of one partition, as bytes. */
final class Topics implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final Admin admin;
    private final KafkaConsumer<byte[], byte[]> consumer;
    private final KafkaProducer<byte[], byte[]> producer;

    Topics(String bootstrap) {
        admin = Admin.create(Map.of("bootstrap.servers", bootstrap));
        consumer = new KafkaConsumer<>(
                Map.of("bootstrap.servers", bootstrap, "enable.auto.commit", "false", "allow.auto.create.topics", "false"),
                new ByteArrayDeserializer(),
                new ByteArrayDeserializer());
        producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", bootstrap), new ByteArraySerializer(), new ByteArraySerializer());
    }

    /** What becomes of a record in an answer. */
    interface Form {
        Object of(ConsumerRecord<byte[], byte[]> record) throws Exception;
    }

    void create(String topic) throws Exception {
        try {
            admin.createTopics(List.of(new NewTopic(topic, Optional.of(1), Optional.empty()))).all().get();
        } catch (ExecutionException error) {
            if (!(error.getCause() instanceof TopicExistsException)) {
                throw error;
            }
        }
    }

    /** Deletes the topic if it is there and returns when the broker no longer lists it. */
    void delete(String topic) throws Exception {
        try {
            admin.deleteTopics(List.of(topic)).all().get();
        } catch (ExecutionException error) {
            if (!(error.getCause() instanceof UnknownTopicOrPartitionException)) {
                throw error;
            }
        }
        while (exists(topic)) {
            Thread.sleep(50);
        }
    }

    /** How many records one of the topic's partitions holds; 0 if there is no such topic. */
    long count(String topic, int number) throws Exception {
        if (!exists(topic)) {
            return 0;
        }
        List<TopicPartition> partition = List.of(new TopicPartition(topic, number));
        long end = consumer.endOffsets(partition, PATIENCE).get(partition.get(0));
        return end - consumer.beginningOffsets(partition, PATIENCE).get(partition.get(0));
    }

    /** The offset a consumer group would go on from; null if it has committed none. */
    Long committed(String group, String topic) throws Exception {
        OffsetAndMetadata committed = admin.listConsumerGroupOffsets(group)
                .partitionsToOffsetAndMetadata()
                .get()
                .get(new TopicPartition(topic, 0));
        return committed == null ? null : committed.offset();
    }

    /** Every record that the topic holds now, from the first. */
    List<Object> read(String topic, Form form) throws Exception {
        List<Object> found = new ArrayList<>();
        if (!exists(topic)) {
            return found;
        }
        TopicPartition partition = new TopicPartition(topic, 0);
        consumer.assign(List.of(partition));
        consumer.seekToBeginning(List.of(partition));
        long end = consumer.endOffsets(List.of(partition), PATIENCE).get(partition);
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (consumer.position(partition, PATIENCE) < end) {
            for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
                found.add(form.of(record));
            }
            if (System.nanoTime() > deadline) {
                throw new IllegalStateException("could not read topic " + topic + " up to offset " + end);
            }
        }
        return found;
    }

    /** Writes records given as {"key": base64 or null, "value": base64 or null}; returns their offsets. */
    List<Long> write(String topic, JsonNode records) throws Exception {
        List<Long> offsets = new ArrayList<>();
        for (JsonNode record : records) {
            offsets.add(producer.send(new ProducerRecord<>(topic, 0, bytes(record.get("key")), bytes(record.get("value"))))
                    .get()
                    .offset());
        }
        return offsets;
    }

    @Override
    public void close() {
        consumer.close();
        producer.close();
        admin.close();
    }

    private boolean exists(String topic) throws Exception {
        return admin.listTopics().names().get().contains(topic);
    }

    private static byte[] bytes(JsonNode base64) {
        return base64 == null || base64.isNull() ? null : Base64.getDecoder().decode(base64.asText());
    }
}
