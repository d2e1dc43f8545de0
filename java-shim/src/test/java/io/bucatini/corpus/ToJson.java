package io.bucatini.corpus;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.data.Date;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;

/** Schemas and values in the corpus's form ({@code tests/corpus/README.md}); nulls never become defaults. */
final class ToJson {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
    private static final long DAY = 86_400_000L;

    private ToJson() {}

    static ObjectNode datum(Schema schema, Object value) {
        ObjectNode json = NODES.objectNode();
        json.set("schema", schema == null ? NODES.nullNode() : schema(schema, new ArrayList<>()));
        json.set("payload", value(schema, value));
        return json;
    }

    private static ObjectNode schema(Schema schema, List<Schema> enclosing) {
        ObjectNode json = NODES.objectNode();
        json.put("type", type(schema)).put("optional", schema.isOptional());
        if (schema.name() != null) {
            json.put("name", schema.name());
        }
        if (schema.version() != null) {
            json.put("version", schema.version());
        }
        if (schema.type() == Schema.Type.STRUCT && isReference(schema, enclosing)) {
            return json.put("ref", schema.name());
        }
        if (schema.doc() != null) {
            json.put("doc", schema.doc());
        }
        if (schema.parameters() != null && !schema.parameters().isEmpty()) {
            ObjectNode parameters = json.putObject("parameters");
            schema.parameters().forEach(parameters::put);
        }
        if (schema.defaultValue() != null) {
            json.set("default", value(schema, schema.defaultValue()));
        }
        enclosing.add(schema);
        switch (schema.type()) {
            case STRUCT: {
                ArrayNode fields = json.putArray("fields");
                for (Field field : schema.fields()) {
                    fields.add(schema(field.schema(), enclosing).put("field", field.name()));
                }
                break;
            }
            case ARRAY:
                json.set("items", schema(schema.valueSchema(), enclosing));
                break;
            case MAP:
                json.set("keys", schema(schema.keySchema(), enclosing));
                json.set("values", schema(schema.valueSchema(), enclosing));
                break;
            default:
        }
        enclosing.remove(enclosing.size() - 1);
        return json;
    }

    /** A recursive schema refers to an enclosing one, perhaps through an optional wrapper: the fields are the same. */
    private static boolean isReference(Schema schema, List<Schema> enclosing) {
        List<Field> fields = schema.fields();
        return enclosing.stream().anyMatch(outer -> outer == schema
                || outer.type() == Schema.Type.STRUCT && !fields.isEmpty() && !outer.fields().isEmpty()
                        && outer.fields().get(0) == fields.get(0));
    }

    private static String type(Schema schema) {
        switch (schema.type()) {
            case FLOAT32:
                return "float";
            case FLOAT64:
                return "double";
            default:
                return schema.type().getName();
        }
    }

    private static JsonNode value(Schema schema, Object value) {
        if (value == null) {
            return NODES.nullNode();
        }
        if (value instanceof Struct) {
            // By its own schema: a header's may lack the fields.
            Struct struct = (Struct) value;
            ObjectNode json = NODES.objectNode();
            for (Field field : struct.schema().fields()) {
                json.set(field.name(), value(field.schema(), struct.getWithoutDefault(field.name())));
            }
            return json;
        }
        if (value instanceof List) {
            Schema item = schema == null ? null : schema.valueSchema();
            ArrayNode json = NODES.arrayNode();
            ((List<?>) value).forEach(v -> json.add(value(item, v)));
            return json;
        }
        if (value instanceof Map) {
            return map(schema, (Map<?, ?>) value);
        }
        if (value instanceof BigDecimal) {
            return NODES.binaryNode(((BigDecimal) value).unscaledValue().toByteArray());
        }
        if (value instanceof java.util.Date) {
            long millis = ((java.util.Date) value).getTime();
            return NODES.numberNode(
                    schema != null && Date.LOGICAL_NAME.equals(schema.name()) ? Math.floorDiv(millis, DAY) : millis);
        }
        if (value instanceof byte[]) {
            return NODES.binaryNode((byte[]) value);
        }
        if (value instanceof ByteBuffer) {
            ByteBuffer buffer = ((ByteBuffer) value).duplicate();
            byte[] bytes = new byte[buffer.remaining()];
            buffer.get(bytes);
            return NODES.binaryNode(bytes);
        }
        if (value instanceof Float || value instanceof Double) {
            double number = ((Number) value).doubleValue();
            return Double.isNaN(number) || Double.isInfinite(number)
                    ? NODES.textNode(Double.toString(number))
                    : NODES.numberNode(number);
        }
        if (value instanceof Number) {
            return NODES.numberNode(((Number) value).longValue());
        }
        return value instanceof Boolean ? NODES.booleanNode((Boolean) value) : NODES.textNode(value.toString());
    }

    private static JsonNode map(Schema schema, Map<?, ?> map) {
        boolean asObject = schema == null
                ? map.keySet().stream().allMatch(String.class::isInstance)
                : schema.keySchema().type() == Schema.Type.STRING && !schema.keySchema().isOptional();
        Schema item = schema == null ? null : schema.valueSchema();
        if (asObject) {
            ObjectNode json = NODES.objectNode();
            map.forEach((k, v) -> json.set(String.valueOf(k), value(item, v)));
            return json;
        }
        Schema key = schema == null ? null : schema.keySchema();
        ArrayNode json = NODES.arrayNode();
        map.forEach((k, v) -> json.add(NODES.arrayNode().add(value(key, k)).add(value(item, v))));
        return json;
    }
}
