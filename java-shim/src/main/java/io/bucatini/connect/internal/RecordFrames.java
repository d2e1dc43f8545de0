package io.bucatini.connect.internal;

import io.bucatini.connect.BucatiniError;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.header.Header;
import org.apache.kafka.connect.header.Headers;

/** Whole records for a transformation, and its outcomes (frame.rs). */
final class RecordFrames {
    private static final int PASS = 0;
    private static final int DROP = 1;
    private static final int CHANGE = 2;

    private static final int TOPIC = 1;
    private static final int KEY = 2;
    private static final int VALUE = 4;
    private static final int APPEND_HEADERS = 8;
    private static final int PUT_HEADERS = 16;

    private final Schemas schemas;
    private final RowImageReader reader;
    private final RowImageWriter writer;

    RecordFrames(Schemas schemas, RowImageReader reader, RowImageWriter writer) {
        this.schemas = schemas;
        this.reader = reader;
        this.writer = writer;
    }

    /** Appends a record. */
    void write(ConnectRecord<?> record, WireWriter out) {
        out.str(record.topic() == null ? "" : record.topic());
        Integer partition = record.kafkaPartition();
        out.u8(partition == null ? 0 : 1);
        if (partition != null) {
            out.u32(partition);
        }
        Long timestamp = record.timestamp();
        out.u8(timestamp == null ? 0 : 1);
        if (timestamp != null) {
            out.i64(timestamp);
        }
        named("key", record.keySchema(), record.key(), out);
        named("value", record.valueSchema(), record.value(), out);
        out.u32(record.headers().size());
        for (Header header : record.headers()) {
            out.str(header.key());
            named("header " + header.key(), header.schema(), header.value(), out);
        }
    }

    private void named(String part, Schema schema, Object value, WireWriter out) {
        try {
            datum(schema, value, out);
        } catch (DataFault fault) {
            throw fault.field(part);
        }
    }

    private void datum(Schema schema, Object value, WireWriter out) {
        Schemas.Interned interned = schemas.of(schema);
        out.u32(interned.id);
        int length = out.length();
        out.u32(0);
        writer.write(interned.plan, value, out);
        out.setInt(length, out.length() - length - 4);
    }

    /** What became of a record: itself, null if it is dropped, or a new one. */
    <R extends ConnectRecord<R>> R outcome(R record, WireReader in) {
        int outcome = in.u8();
        R result;
        switch (outcome) {
            case PASS:
                result = record;
                break;
            case DROP:
                result = null;
                break;
            case CHANGE:
                result = change(record, in);
                break;
            default:
                throw new BucatiniError("frame.outcome", "outcome: unknown code " + outcome);
        }
        in.finish("outcome");
        return result;
    }

    private <R extends ConnectRecord<R>> R change(R record, WireReader in) {
        int mask = in.u8();
        if (mask > (TOPIC | KEY | VALUE | APPEND_HEADERS | PUT_HEADERS)) {
            throw new BucatiniError("frame.mask", "outcome: unknown mask " + mask);
        }
        String topic = (mask & TOPIC) != 0 ? in.str() : record.topic();
        Schema keySchema = record.keySchema();
        Object key = record.key();
        if ((mask & KEY) != 0) {
            Schemas.Interned schema = schemas.get(in.u32());
            keySchema = schema.schema;
            key = image(schema, in.part());
        }
        Schema valueSchema = record.valueSchema();
        Object value = record.value();
        if ((mask & VALUE) != 0) {
            Schemas.Interned schema = schemas.get(in.u32());
            valueSchema = schema.schema;
            value = image(schema, in.part());
        }
        // A record keeps the headers it is given: without a copy the old record's would change too.
        Headers headers = record.headers().duplicate();
        if ((mask & APPEND_HEADERS) != 0) {
            append(headers, in);
        }
        if ((mask & PUT_HEADERS) != 0) {
            headers.clear();
            append(headers, in);
        }
        return record.newRecord(topic, record.kafkaPartition(), keySchema, key, valueSchema, value, record.timestamp(),
                headers);
    }

    private void append(Headers headers, WireReader in) {
        for (int left = in.count(12); left > 0; left--) {
            String name = in.str();
            Schemas.Interned schema = schemas.get(in.u32());
            headers.add(name, image(schema, in.part()), schema.schema);
        }
    }

    private Object image(Schemas.Interned schema, WireReader image) {
        return reader.read(schema.plan, new RowImage(image.array(), image.position(), image.remaining(), new byte[0]));
    }
}
