package io.bucatini.corpus;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.Field;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import org.apache.kafka.connect.data.ConnectSchema;
import org.apache.kafka.connect.data.Date;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.data.Time;
import org.apache.kafka.connect.data.Timestamp;
import org.apache.kafka.connect.errors.DataException;

/** Schemas and values from the corpus's form ({@code tests/corpus/README.md}). */
final class FromJson {
    private static final long DAY = 86_400_000L;

    private FromJson() {}

    static SchemaAndValue datum(JsonNode json) {
        Schema schema = schema(json.get("schema"));
        return new SchemaAndValue(schema, value(schema, json.get("payload")));
    }

    static Schema schema(JsonNode json) {
        if (isNull(json)) {
            return null;
        }
        if (json.hasNonNull("ref")) {
            throw new UnsupportedOperationException("Connect has no public class for recursive schemas");
        }
        SchemaBuilder builder = builder(json);
        if (json.path("optional").asBoolean()) {
            builder.optional();
        }
        if (json.hasNonNull("name")) {
            builder.name(json.get("name").asText());
        }
        if (json.hasNonNull("version")) {
            builder.version(json.get("version").asInt());
        }
        if (json.hasNonNull("doc")) {
            builder.doc(json.get("doc").asText());
        }
        each(json.path("parameters"), (key, value) -> builder.parameter(key, value.asText()));
        if (builder.type() == Schema.Type.STRUCT) {
            for (JsonNode field : json.path("fields")) {
                builder.field(field.get("field").asText(), schema(field));
            }
        }
        Schema schema = builder.build();
        return json.hasNonNull("default") ? withDefault(schema, value(schema, json.get("default"))) : schema;
    }

    /** A builder refuses a struct as default: it compares the struct's schema with itself, which is not built yet. */
    private static Schema withDefault(Schema schema, Object value) {
        boolean isStruct = schema.type() == Schema.Type.STRUCT;
        boolean isMap = schema.type() == Schema.Type.MAP;
        return new ConnectSchema(schema.type(), schema.isOptional(), value, schema.name(), schema.version(),
                schema.doc(), schema.parameters(), isStruct ? schema.fields() : null, isMap ? schema.keySchema() : null,
                isMap || schema.type() == Schema.Type.ARRAY ? schema.valueSchema() : null);
    }

    private static SchemaBuilder builder(JsonNode json) {
        switch (json.get("type").asText()) {
            case "int8":
                return SchemaBuilder.int8();
            case "int16":
                return SchemaBuilder.int16();
            case "int32":
                return SchemaBuilder.int32();
            case "int64":
                return SchemaBuilder.int64();
            case "float":
                return SchemaBuilder.float32();
            case "double":
                return SchemaBuilder.float64();
            case "boolean":
                return SchemaBuilder.bool();
            case "string":
                return SchemaBuilder.string();
            case "bytes":
                return SchemaBuilder.bytes();
            case "array":
                return SchemaBuilder.array(schema(json.get("items")));
            case "map":
                return SchemaBuilder.map(schema(json.get("keys")), schema(json.get("values")));
            case "struct":
                return SchemaBuilder.struct();
            default:
                throw new IllegalArgumentException("unknown type " + json.get("type"));
        }
    }

    static Object value(Schema schema, JsonNode json) {
        if (isNull(json)) {
            return null;
        }
        if (schema == null) {
            return schemaless(json);
        }
        switch (schema.type()) {
            case INT8:
                return (byte) json.intValue();
            case INT16:
                return (short) json.intValue();
            case INT32:
                if (Date.LOGICAL_NAME.equals(schema.name())) {
                    return new java.util.Date(json.longValue() * DAY);
                }
                return Time.LOGICAL_NAME.equals(schema.name()) ? date(json) : (Object) json.intValue();
            case INT64:
                return Timestamp.LOGICAL_NAME.equals(schema.name()) ? date(json) : (Object) json.longValue();
            case FLOAT32:
                return (float) number(json);
            case FLOAT64:
                return number(json);
            case BOOLEAN:
                return json.booleanValue();
            case STRING:
                return json.textValue();
            case BYTES:
                return bytes(schema, json);
            case ARRAY: {
                List<Object> items = new ArrayList<>();
                json.forEach(item -> items.add(value(schema.valueSchema(), item)));
                return items;
            }
            case MAP:
                return map(schema, json);
            default:
                return struct(schema, json);
        }
    }

    private static java.util.Date date(JsonNode millis) {
        return new java.util.Date(millis.longValue());
    }

    private static Object bytes(Schema schema, JsonNode json) {
        byte[] bytes;
        try {
            bytes = json.binaryValue();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        String scale = schema.parameters() == null ? null : schema.parameters().get(Decimal.SCALE_FIELD);
        return Decimal.LOGICAL_NAME.equals(schema.name()) && scale != null
                ? new BigDecimal(new BigInteger(bytes), Integer.parseInt(scale))
                : bytes;
    }

    private static Map<Object, Object> map(Schema schema, JsonNode json) {
        Map<Object, Object> map = new LinkedHashMap<>();
        if (json.isObject()) {
            each(json, (key, value) -> map.put(key, value(schema.valueSchema(), value)));
        } else {
            json.forEach(pair ->
                    map.put(value(schema.keySchema(), pair.get(0)), value(schema.valueSchema(), pair.get(1))));
        }
        return map;
    }

    private static Struct struct(Schema schema, JsonNode json) {
        Struct struct = new Struct(schema);
        for (org.apache.kafka.connect.data.Field field : schema.fields()) {
            Object value = value(field.schema(), json.get(field.name()));
            if (value == null) {
                continue;
            }
            try {
                struct.put(field, value);
            } catch (DataException e) {
                // The vector holds what Connect would refuse here, such as a null item: plug-ins do meet such Structs.
                force(struct, field.index(), value);
            }
        }
        return struct;
    }

    private static void force(Struct struct, int index, Object value) {
        try {
            Field values = Struct.class.getDeclaredField("values");
            values.setAccessible(true);
            ((Object[]) values.get(struct))[index] = value;
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("Struct.values", e);
        }
    }

    private static Object schemaless(JsonNode json) {
        if (json.isObject()) {
            Map<String, Object> map = new LinkedHashMap<>();
            each(json, (key, value) -> map.put(key, value(null, value)));
            return map;
        }
        if (json.isArray()) {
            List<Object> items = new ArrayList<>();
            json.forEach(item -> items.add(value(null, item)));
            return items;
        }
        if (json.isIntegralNumber()) {
            return json.longValue();
        }
        if (json.isNumber()) {
            return json.doubleValue();
        }
        return json.isBoolean() ? (Object) json.booleanValue() : json.textValue();
    }

    private static double number(JsonNode json) {
        return json.isTextual() ? Double.parseDouble(json.textValue()) : json.doubleValue();
    }

    /** Members of an object in order; nothing for anything else. */
    static void each(JsonNode json, BiConsumer<String, JsonNode> member) {
        for (Iterator<String> names = json.fieldNames(); names.hasNext(); ) {
            String name = names.next();
            member.accept(name, json.get(name));
        }
    }

    private static boolean isNull(JsonNode json) {
        return json == null || json.isNull() || json.isMissingNode();
    }
}
