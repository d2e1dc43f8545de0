package io.bucatini.bench;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.data.Timestamp;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.storage.Converter;

/** Change events of one kind: the Structs, and the bytes that Confluent's converter makes of them. */
final class Input {
    static final int RECORDS = 256;
    /** A table as it is: twelve columns, a few types, updates. */
    static final String BASE = "table";
    static final String MEGAMORPHIC = "megamorphic";
    /** Everything else that is measured in the full form. */
    static final List<String> SPREAD = List.of("columns-3", "columns-30", "columns-100", "columns-300", "nulls", "defaults",
            "decimals", "non-ascii", "nested", "schemas-50", "mixed-ops", MEGAMORPHIC);
    /** What takes turns, record by record, in {@code megamorphic}: call sites that see as many shapes are not inlined. */
    private static final List<String> SHAPES = List.of("columns-3", "columns-30", "nested", "non-ascii", "decimals");

    final String name;
    final String[] topics = new String[RECORDS];
    final Schema[] schemas = new Schema[RECORDS];
    final Struct[] values = new Struct[RECORDS];
    final byte[][] payloads = new byte[RECORDS][];
    final Schema keySchema = SchemaBuilder.struct().name("shop.public.items.Key").field("id", Schema.INT32_SCHEMA).build();
    final Struct[] keys = new Struct[RECORDS];

    private final Random random = new Random(20261123);

    private Input(String name) {
        this.name = name;
    }

    /** @param encoder makes the payloads; null if none are wanted */
    static Input of(String name, Converter encoder) {
        Input input = new Input(name);
        if (name.equals(MEGAMORPHIC)) {
            input.fill(encoder);
            return input;
        }
        int tables = name.equals("schemas-50") ? 50 : 1;
        List<Schema> envelopes = new ArrayList<>();
        for (int table = 0; table < tables; table++) {
            envelopes.add(input.envelope(tables == 1 ? "items" : "items" + table));
        }
        for (int i = 0; i < RECORDS; i++) {
            int table = i % tables;
            Schema schema = envelopes.get(table);
            input.put(i, "shop.public.items" + (tables == 1 ? "" : table), schema, input.event(schema, i), encoder);
        }
        return input;
    }

    private void fill(Converter encoder) {
        Input[] shapes = SHAPES.stream().map(Input::new).toArray(Input[]::new);
        Schema[] envelopes = new Schema[shapes.length];
        Arrays.setAll(envelopes, shape -> shapes[shape].envelope("items" + shape));
        for (int i = 0; i < RECORDS; i++) {
            int shape = i % shapes.length;
            put(i, "shop.public.items" + shape, envelopes[shape], shapes[shape].event(envelopes[shape], i), encoder);
        }
    }

    private void put(int i, String topic, Schema schema, Struct value, Converter encoder) {
        topics[i] = topic;
        schemas[i] = schema;
        values[i] = value;
        keys[i] = new Struct(keySchema).put("id", i);
        if (encoder != null) {
            payloads[i] = encoder.fromConnectData(topic, schema, value);
        }
    }

    /** Payloads of {@link #BASE} that another JVM has written, and their schema to {@code registry}; no values. */
    static Input stored(Path file, Registry registry) throws IOException {
        Input input = new Input(BASE);
        try (DataInputStream in = new DataInputStream(new BufferedInputStream(Files.newInputStream(file)))) {
            registry.add(new String(in.readNBytes(in.readInt()), StandardCharsets.UTF_8));
            for (int i = 0; i < RECORDS; i++) {
                input.topics[i] = "shop.public.items";
                input.keys[i] = new Struct(input.keySchema).put("id", i);
                input.payloads[i] = in.readNBytes(in.readInt());
            }
        }
        return input;
    }

    /** What a sink task would hand to the first transformation. */
    SinkRecord record(int i, Schema schema, Object value) {
        return new SinkRecord(topics[i], 0, keySchema, keys[i], schema, value, i);
    }

    SinkRecord record(int i) {
        return record(i, schemas[i], values[i]);
    }

    double meanBytes() {
        long sum = 0;
        for (byte[] payload : payloads) {
            sum += payload.length;
        }
        return (double) sum / payloads.length;
    }

    private Schema envelope(String table) {
        String prefix = "shop.public." + table;
        Schema row = row(prefix + ".Value");
        Schema source = SchemaBuilder.struct().name("io.debezium.connector.postgresql.Source")
                .field("version", Schema.STRING_SCHEMA)
                .field("connector", Schema.STRING_SCHEMA)
                .field("name", Schema.STRING_SCHEMA)
                .field("ts_ms", Schema.INT64_SCHEMA)
                .field("snapshot", SchemaBuilder.string().name("io.debezium.data.Enum").version(1)
                        .parameter("allowed", "true,last,false").optional().defaultValue("false").build())
                .field("db", Schema.STRING_SCHEMA)
                .field("sequence", Schema.OPTIONAL_STRING_SCHEMA)
                .field("schema", Schema.STRING_SCHEMA)
                .field("table", Schema.STRING_SCHEMA)
                .field("txId", Schema.OPTIONAL_INT64_SCHEMA)
                .field("lsn", Schema.OPTIONAL_INT64_SCHEMA)
                .field("xmin", Schema.OPTIONAL_INT64_SCHEMA)
                .build();
        Schema transaction = SchemaBuilder.struct().optional().name("event.block").version(1)
                .field("id", Schema.STRING_SCHEMA)
                .field("total_order", Schema.INT64_SCHEMA)
                .field("data_collection_order", Schema.INT64_SCHEMA)
                .build();
        return SchemaBuilder.struct().name(prefix + ".Envelope")
                .field("before", row)
                .field("after", row)
                .field("source", source)
                .field("op", Schema.STRING_SCHEMA)
                .field("ts_ms", Schema.OPTIONAL_INT64_SCHEMA)
                .field("transaction", transaction)
                .build();
    }

    private Schema row(String rowName) {
        SchemaBuilder row = SchemaBuilder.struct().optional().name(rowName).field("id", Schema.INT32_SCHEMA);
        if (name.startsWith("columns-")) {
            int columns = Integer.parseInt(name.substring("columns-".length()));
            for (int i = 1; i < columns; i++) {
                row.field("c" + i, column(i));
            }
            return row.build();
        }
        if (name.equals("nested")) {
            Schema address = SchemaBuilder.struct().optional().name(rowName + ".Address")
                    .field("street", Schema.STRING_SCHEMA).field("zip", Schema.OPTIONAL_INT32_SCHEMA).build();
            return row.field("tags", SchemaBuilder.array(Schema.STRING_SCHEMA).optional().build())
                    .field("counts", SchemaBuilder.map(Schema.STRING_SCHEMA, Schema.INT64_SCHEMA).optional().build())
                    .field("address", address)
                    .field("history", SchemaBuilder.array(address).build())
                    .build();
        }
        if (name.equals("decimals")) {
            for (int i = 1; i < 12; i++) {
                row.field("amount" + i, Decimal.builder(10).optional().build());
            }
            return row.build();
        }
        if (name.equals("defaults")) {
            for (int i = 1; i < 12; i++) {
                row.field("d" + i, i % 2 == 0 ? SchemaBuilder.int32().defaultValue(i).build()
                        : SchemaBuilder.string().optional().defaultValue("none").build());
            }
            return row.build();
        }
        return row.field("sku", Schema.STRING_SCHEMA)
                .field("name", Schema.STRING_SCHEMA)
                .field("description", Schema.OPTIONAL_STRING_SCHEMA)
                .field("price", Decimal.builder(2).build())
                .field("quantity", Schema.INT32_SCHEMA)
                .field("weight", Schema.OPTIONAL_FLOAT64_SCHEMA)
                .field("active", Schema.BOOLEAN_SCHEMA)
                .field("created", SchemaBuilder.int64().name("io.debezium.time.MicroTimestamp").version(1).build())
                .field("updated", Timestamp.builder().optional().build())
                .field("category", Schema.OPTIONAL_STRING_SCHEMA)
                .field("checksum", Schema.OPTIONAL_BYTES_SCHEMA)
                .build();
    }

    private static Schema column(int i) {
        switch (i % 8) {
            case 0:
                return Schema.OPTIONAL_STRING_SCHEMA;
            case 1:
                return Schema.STRING_SCHEMA;
            case 2:
                return Schema.INT64_SCHEMA;
            case 3:
                return Schema.OPTIONAL_INT32_SCHEMA;
            case 4:
                return Decimal.builder(2).optional().build();
            case 5:
                return Schema.OPTIONAL_FLOAT64_SCHEMA;
            case 6:
                return Timestamp.builder().optional().build();
            default:
                return Schema.BOOLEAN_SCHEMA;
        }
    }

    private Struct event(Schema envelope, int i) {
        char op = !name.equals("mixed-ops") ? 'u' : "cuuduucuur".charAt(i % 10);
        Struct event = new Struct(envelope);
        Schema row = envelope.field("after").schema();
        if (op == 'u' || op == 'd') {
            event.put("before", row(row, i));
        }
        if (op != 'd') {
            event.put("after", row(row, i));
        }
        Struct source = new Struct(envelope.field("source").schema())
                .put("version", "3.6.1.Final").put("connector", "postgresql").put("name", "shop").put("ts_ms", 1_767_225_600_000L + i)
                .put("snapshot", "false").put("db", "shop").put("sequence", "[\"24023" + i + "\",\"24024" + i + "\"]")
                .put("schema", "public").put("table", "items").put("txId", 700L + i).put("lsn", 24_023_128L + 50L * i);
        event.put("source", source).put("op", String.valueOf(op)).put("ts_ms", 1_767_225_600_100L + i);
        return event;
    }

    private Struct row(Schema schema, int i) {
        Struct row = new Struct(schema);
        for (Field field : schema.fields()) {
            boolean nullable = field.schema().isOptional();
            boolean leftOut = nullable && random.nextInt(100) < (name.equals("nulls") ? 85 : name.equals("defaults") ? 50 : 5);
            row.put(field, field.name().equals("id") ? (Object) (i + 1) : leftOut ? null : value(field.schema(), i));
        }
        return row;
    }

    private Object value(Schema schema, int i) {
        if (Decimal.LOGICAL_NAME.equals(schema.name())) {
            return name.equals("decimals")
                    ? new BigDecimal(new BigInteger(110, random).negate(), 10)
                    : BigDecimal.valueOf(random.nextInt(10_000_000) - 1_000_000, 2);
        }
        if (Timestamp.LOGICAL_NAME.equals(schema.name())) {
            return new Date(1_767_225_600_000L + random.nextInt());
        }
        switch (schema.type()) {
            case BOOLEAN:
                return random.nextBoolean();
            case INT32:
                return random.nextInt(100_000);
            case INT64:
                return 1_767_225_600_000_000L + random.nextInt();
            case FLOAT64:
                return random.nextInt(100_000) / 16.0;
            case BYTES:
                byte[] bytes = new byte[8];
                random.nextBytes(bytes);
                return ByteBuffer.wrap(bytes);
            case ARRAY:
                List<Object> list = new ArrayList<>();
                for (int n = random.nextInt(6); n >= 0; n--) {
                    list.add(value(schema.valueSchema(), i));
                }
                return list;
            case MAP:
                Map<Object, Object> map = new HashMap<>();
                for (int n = random.nextInt(6); n >= 0; n--) {
                    map.put(text(), value(schema.valueSchema(), i));
                }
                return map;
            case STRUCT:
                Struct struct = new Struct(schema);
                schema.fields().forEach(field -> struct.put(field, value(field.schema(), i)));
                return struct;
            default:
                return text();
        }
    }

    private String text() {
        StringBuilder text = new StringBuilder();
        for (int n = 4 + random.nextInt(16); n > 0; n--) {
            text.append(!name.equals("non-ascii") ? (char) ('a' + random.nextInt(26))
                    : random.nextInt(3) == 0 ? (char) (0x4E00 + random.nextInt(5_000))
                    : random.nextInt(3) == 0 ? (char) (0xC0 + random.nextInt(60)) : (char) ('a' + random.nextInt(26)));
        }
        return text.toString();
    }
}
