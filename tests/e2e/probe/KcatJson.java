import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericFixed;
import org.apache.avro.generic.IndexedRecord;

/**
 * Prints a datum the way kcat does (Avro's C library and Jansson): a blank after every comma and colon, escapes for
 * everything outside ASCII, and a union's value inside an object named after the branch, without its namespace.
 */
final class KcatJson {
    private KcatJson() {}

    static String print(Schema schema, Object datum) {
        switch (schema.getType()) {
            case RECORD:
                List<String> fields = new ArrayList<>();
                for (Schema.Field field : schema.getFields()) {
                    Object value = ((IndexedRecord) datum).get(field.pos());
                    fields.add(quote(field.name()) + ": " + print(field.schema(), value));
                }
                return "{" + String.join(", ", fields) + "}";
            case UNION:
                Schema branch = schema.getTypes().get(GenericData.get().resolveUnion(schema, datum));
                String value = print(branch, datum);
                return branch.getType() == Schema.Type.NULL ? value : "{" + quote(branch.getName()) + ": " + value + "}";
            case ARRAY:
                List<String> items = new ArrayList<>();
                for (Object item : (Iterable<?>) datum) {
                    items.add(print(schema.getElementType(), item));
                }
                return "[" + String.join(", ", items) + "]";
            case MAP:
                List<String> entries = new ArrayList<>();
                for (Map.Entry<?, ?> entry : ((Map<?, ?>) datum).entrySet()) {
                    entries.add(quote(entry.getKey().toString()) + ": " + print(schema.getValueType(), entry.getValue()));
                }
                return "{" + String.join(", ", entries) + "}";
            case BYTES:
                ByteBuffer bytes = ((ByteBuffer) datum).duplicate();
                return quote(StandardCharsets.ISO_8859_1.decode(bytes).toString());
            case FIXED:
                return quote(new String(((GenericFixed) datum).bytes(), StandardCharsets.ISO_8859_1));
            case STRING:
            case ENUM:
                return quote(datum.toString());
            default:
                return String.valueOf(datum);
        }
    }

    private static String quote(String text) {
        StringBuilder quoted = new StringBuilder("\"");
        for (char unit : text.toCharArray()) {
            switch (unit) {
                case '"':
                case '\\':
                    quoted.append('\\').append(unit);
                    break;
                case '\b':
                    quoted.append("\\b");
                    break;
                case '\f':
                    quoted.append("\\f");
                    break;
                case '\n':
                    quoted.append("\\n");
                    break;
                case '\r':
                    quoted.append("\\r");
                    break;
                case '\t':
                    quoted.append("\\t");
                    break;
                default:
                    quoted.append(unit < 0x20 || unit > 0x7e ? String.format("\\u%04X", (int) unit) : unit);
            }
        }
        return quoted.append('"').toString();
    }
}
