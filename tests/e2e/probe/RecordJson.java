import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;

/** A Kafka record as an answer of the probe. */
final class RecordJson {
    private RecordJson() {}

    /** Key and value as base64. */
    static Map<String, Object> raw(ConsumerRecord<byte[], byte[]> record) {
        Map<String, Object> answer = frame(record);
        answer.put("key", base64(record.key()));
        answer.put("value", base64(record.value()));
        return answer;
    }

    /** Key and value as kcat prints Avro, each with the id of its schema. */
    static Map<String, Object> avro(ConsumerRecord<byte[], byte[]> record, AvroReader avro) throws Exception {
        Map<String, Object> answer = frame(record);
        answer.put("key", avro.read(record.key()));
        answer.put("value", avro.read(record.value()));
        return answer;
    }

    private static Map<String, Object> frame(ConsumerRecord<byte[], byte[]> record) {
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("offset", record.offset());
        List<List<String>> headers = new ArrayList<>();
        for (Header header : record.headers()) {
            byte[] value = header.value();
            String text = value == null ? null : new String(value, StandardCharsets.UTF_8);
            headers.add(Arrays.asList(header.key(), text));
        }
        answer.put("headers", headers);
        return answer;
    }

    private static String base64(byte[] bytes) {
        return bytes == null ? null : Base64.getEncoder().encodeToString(bytes);
    }
}
