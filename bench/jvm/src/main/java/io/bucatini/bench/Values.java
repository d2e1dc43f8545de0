package io.bucatini.bench;

import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.header.Header;
import org.apache.kafka.connect.sink.SinkRecord;

/** Reading as a sink does, and comparing before anything is timed. */
final class Values {
    private Values() {
    }

    /** Reads every field, as a sink does that has looked at the schema once. */
    static final class Reader {
        private final Schema.Type type;
        private final Field[] fields;
        private final Reader[] children;

        Reader(Schema schema) {
            type = schema.type();
            fields = type == Schema.Type.STRUCT ? schema.fields().toArray(new Field[0]) : new Field[0];
            children = type == Schema.Type.STRUCT
                    ? schema.fields().stream().map(field -> new Reader(field.schema())).toArray(Reader[]::new)
                    : type == Schema.Type.ARRAY ? new Reader[] {new Reader(schema.valueSchema())}
                    : type == Schema.Type.MAP ? new Reader[] {new Reader(schema.keySchema()), new Reader(schema.valueSchema())}
                    : new Reader[0];
        }

        int read(Object value) {
            if (value == null) {
                return 1;
            }
            int sum = 1;
            switch (type) {
                case STRUCT:
                    Struct struct = (Struct) value;
                    for (int i = 0; i < fields.length; i++) {
                        Object item = struct.get(fields[i]);
                        Reader child = children[i];
                        sum += child.children.length == 0 ? item == null ? 1 : 2 : child.read(item);
                    }
                    return sum;
                case ARRAY:
                    for (Object item : (List<?>) value) {
                        sum += children[0].read(item);
                    }
                    return sum;
                case MAP:
                    for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
                        sum += children[0].read(entry.getKey()) + children[1].read(entry.getValue());
                    }
                    return sum;
                default:
                    return 2;
            }
        }
    }

    /** Readers by schema object: plug-ins that give every record its own are slow at the sink, too. */
    static final class Readers {
        private final IdentityHashMap<Schema, Reader> all = new IdentityHashMap<>();
        private Schema lastSchema;
        private Reader last;

        int read(Schema schema, Object value) {
            if (value == null) {
                return 1;
            }
            if (schema != lastSchema) {
                last = all.computeIfAbsent(schema, Reader::new);
                lastSchema = schema;
            }
            return last.read(value);
        }
    }

    static void expectSame(String what, Schema expectedSchema, Object expected, Schema foundSchema, Object found) {
        if (!Objects.equals(expectedSchema, foundSchema)) {
            throw new IllegalStateException(what + ": expected another schema, found " + foundSchema);
        }
        expectSame(what, expected, found);
    }

    private static void expectSame(String what, Object expected, Object found) {
        if (expected instanceof Struct && found instanceof Struct) {
            Struct one = (Struct) expected;
            Struct other = (Struct) found;
            if (!one.schema().equals(other.schema())) {
                throw new IllegalStateException(what + ": expected another schema");
            }
            for (Field field : one.schema().fields()) {
                expectSame(what + "." + field.name(), one.getWithoutDefault(field.name()), other.getWithoutDefault(field.name()));
            }
            return;
        }
        if (expected instanceof List && found instanceof List && ((List<?>) expected).size() == ((List<?>) found).size()) {
            for (int i = 0; i < ((List<?>) expected).size(); i++) {
                expectSame(what + "[" + i + "]", ((List<?>) expected).get(i), ((List<?>) found).get(i));
            }
            return;
        }
        if (!Objects.deepEquals(expected, found)) {
            throw new IllegalStateException(what + ": expected " + expected + ", found " + found);
        }
    }

    static void expectSame(String what, byte[] expected, byte[] found) {
        if (!Arrays.equals(expected, found)) {
            throw new IllegalStateException(what + ": expected other bytes");
        }
    }

    static void expectSame(String what, SinkRecord expected, SinkRecord found) {
        if ((expected == null) != (found == null)) {
            throw new IllegalStateException(what + ": expected " + expected + ", found " + found);
        }
        if (expected == null) {
            return;
        }
        if (!Objects.equals(expected.topic(), found.topic())) {
            throw new IllegalStateException(what + ": expected another topic");
        }
        expectSame(what + " key", expected.keySchema(), expected.key(), found.keySchema(), found.key());
        expectSame(what + " value", expected.valueSchema(), expected.value(), found.valueSchema(), found.value());
        if (expected.headers().size() != found.headers().size()) {
            throw new IllegalStateException(what + ": expected other headers");
        }
        var others = found.headers().iterator();
        for (Header header : expected.headers()) {
            Header other = others.next();
            if (!header.key().equals(other.key())) {
                throw new IllegalStateException(what + ": expected header " + header.key());
            }
            expectSame(what + " header " + header.key(), header.schema(), header.value(), other.schema(), other.value());
        }
    }
}
