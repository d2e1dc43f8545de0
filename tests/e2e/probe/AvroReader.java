import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.DecoderFactory;

/** Reads the registry's wire format (a zero, four bytes of schema id, the datum) with Avro's own reader. */
final class AvroReader {
    private final Registry registry;
    private final Map<Integer, Schema> schemas = new HashMap<>();

    AvroReader(Registry registry) {
        this.registry = registry;
    }

    /** Returns the schema's id and the datum as kcat prints it; null for null bytes. */
    Map<String, Object> read(byte[] bytes) throws IOException, InterruptedException {
        if (bytes == null) {
            return null;
        }
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        if (buffer.remaining() < 5 || buffer.get() != 0) {
            throw new IOException("not in the registry's wire format: " + bytes.length + " bytes");
        }
        int id = buffer.getInt();
        Schema schema = schema(id);
        BinaryDecoder decoder = DecoderFactory.get().binaryDecoder(bytes, 5, bytes.length - 5, null);
        Object datum = new GenericDatumReader<>(schema).read(null, decoder);
        if (!decoder.isEnd()) {
            throw new IOException("bytes are left after the datum");
        }
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("id", id);
        answer.put("avro", KcatJson.print(schema, datum));
        return answer;
    }

    private Schema schema(int id) throws IOException, InterruptedException {
        Schema known = schemas.get(id);
        if (known == null) {
            known = new Schema.Parser().parse(registry.schema(id));
            schemas.put(id, known);
        }
        return known;
    }
}
