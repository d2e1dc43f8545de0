package io.bucatini.connect.internal;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.data.Time;
import org.apache.kafka.connect.data.Timestamp;

/** Random schemas with values that fit them; the same seed gives the same ones. */
final class RandomData {
    private static final long DAY = 86_400_000;

    private final Random random;
    private int names;

    RandomData(long seed) {
        random = new Random(seed);
    }

    Schema schema() {
        return schema(3);
    }

    private Schema schema(int depth) {
        int kind = random.nextInt(depth > 0 ? 20 : 13);
        SchemaBuilder builder;
        switch (kind) {
            case 0: builder = SchemaBuilder.bool(); break;
            case 1: builder = SchemaBuilder.int8(); break;
            case 2: builder = SchemaBuilder.int16(); break;
            case 3: builder = SchemaBuilder.int32(); break;
            case 4: builder = SchemaBuilder.int64(); break;
            case 5: builder = SchemaBuilder.float32(); break;
            case 6: builder = SchemaBuilder.float64(); break;
            case 7: builder = SchemaBuilder.string(); break;
            case 8: builder = SchemaBuilder.bytes(); break;
            case 9: builder = Decimal.builder(random.nextInt(7) - 1); break;
            case 10: builder = org.apache.kafka.connect.data.Date.builder(); break;
            case 11: builder = Time.builder(); break;
            case 12: builder = Timestamp.builder(); break;
            case 13:
            case 14:
                builder = SchemaBuilder.array(schema(depth - 1));
                break;
            case 15:
            case 16:
                builder = SchemaBuilder.map(schema(random.nextInt(3) == 0 ? depth - 1 : 0), schema(depth - 1));
                break;
            default:
                builder = SchemaBuilder.struct();
                int fields = random.nextInt(7);
                for (int i = 0; i < fields; i++) {
                    builder.field("f" + i, schema(depth - 1));
                }
        }
        if (random.nextInt(3) == 0) {
            builder.optional();
        }
        if (builder.name() == null && random.nextInt(3) == 0) {
            builder.name("some.Name" + names++);
        }
        if (builder.version() == null && random.nextInt(4) == 0) {
            builder.version(random.nextInt());
        }
        if (random.nextInt(4) == 0) {
            builder.doc(text());
        }
        if (random.nextInt(4) == 0) {
            builder.parameter("b", text()).parameter("a", text());
        }
        if (random.nextInt(5) == 0 && builder.type() != Schema.Type.STRUCT) {
            builder.defaultValue(present(builder));
        }
        return builder.build();
    }

    /** A value, null where the schema allows it. */
    Object value(Schema schema) {
        return schema.isOptional() && random.nextInt(4) == 0 ? null : present(schema);
    }

    private Object present(Schema schema) {
        String name = schema.name() == null ? "" : schema.name();
        switch (schema.type()) {
            case BOOLEAN: return random.nextBoolean();
            case INT8: return (byte) random.nextInt();
            case INT16: return (short) random.nextInt();
            case INT32:
                if (name.equals(org.apache.kafka.connect.data.Date.LOGICAL_NAME)) {
                    return new Date(random.nextInt(2_000_000) * DAY - 1_000_000 * DAY);
                }
                return name.equals(Time.LOGICAL_NAME) ? new Date(random.nextInt((int) DAY + 1)) : (Object) random.nextInt();
            case INT64:
                return name.equals(Timestamp.LOGICAL_NAME) ? new Date(random.nextLong()) : (Object) random.nextLong();
            case FLOAT32: return Float.intBitsToFloat(random.nextInt());
            case FLOAT64: return Double.longBitsToDouble(random.nextLong());
            case STRING: return text();
            case BYTES:
                if (name.equals(Decimal.LOGICAL_NAME)) {
                    int scale = Integer.parseInt(schema.parameters().get(Decimal.SCALE_FIELD));
                    return new BigDecimal(new BigInteger(random.nextInt(100), random), scale)
                            .multiply(BigDecimal.valueOf(random.nextBoolean() ? 1 : -1));
                }
                byte[] bytes = new byte[random.nextInt(9)];
                random.nextBytes(bytes);
                return ByteBuffer.wrap(bytes);
            case ARRAY:
                List<Object> list = new ArrayList<>();
                for (int i = random.nextInt(4); i > 0; i--) {
                    list.add(value(schema.valueSchema()));
                }
                return list;
            case MAP:
                // A HashMap's order depends on hash codes, which are not the same in each run.
                Map<Object, Object> map = new LinkedHashMap<>();
                for (int i = random.nextInt(4); i > 0; i--) {
                    map.put(value(schema.keySchema()), value(schema.valueSchema()));
                }
                return map;
            default:
                Struct struct = new Struct(schema);
                for (Field field : schema.fields()) {
                    struct.put(field, value(field.schema()));
                }
                return struct;
        }
    }

    String text() {
        StringBuilder text = new StringBuilder();
        for (int i = random.nextInt(12); i > 0; i--) {
            int kind = random.nextInt(8);
            text.appendCodePoint(kind == 0 ? 0x1F35D : kind == 1 ? 0xE9 : kind == 2 ? 0x4E2D : 'a' + random.nextInt(26));
        }
        return text.toString();
    }

    int below(int bound) {
        return random.nextInt(bound);
    }
}
