package io.bucatini.bench;

import java.util.Map;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.header.ConnectHeaders;
import org.apache.kafka.connect.header.Header;
import org.apache.kafka.connect.sink.SinkRecord;

/**
 * What a programmer would write for one setting of the transformation and {@link Input#BASE}'s schema: it looks whether the
 * record is one of these, whether what the row requires is there, and makes the Struct, the headers and the record through
 * Connect's own API. No plan, no choice that the setting does not demand.
 */
final class SmtFloors {
    private static final int BEFORE = 0;
    private static final int AFTER = 1;
    private static final int SOURCE = 2;
    private static final int OP = 3;
    private static final int SOURCE_TS_MS = 3;
    private static final int SOURCE_DB = 5;
    private static final int SOURCE_TABLE = 8;
    private static final int SOURCE_LSN = 10;
    private static final int COLUMNS = 12;
    private static final int SKU = 1;

    private final Schema envelope;
    /** Of the rows that are made; schemas are made once. */
    private final Schema row;
    private final Schema ofTombstones;
    private final Schema ofOp;
    private final Schema ofDb;
    private final int deleted;
    private final int added;

    /** @param examples what ours makes: the schemas are taken from there */
    private SmtFloors(Schema envelope, SinkRecord[] examples) {
        this.envelope = envelope;
        Schema row = null;
        Schema ofTombstones = null;
        Schema ofOp = null;
        Schema ofDb = null;
        for (SinkRecord example : examples) {
            if (example == null) {
                continue;
            }
            if (example.value() == null) {
                ofTombstones = example.valueSchema();
                continue;
            }
            row = example.valueSchema();
            for (Header header : example.headers()) {
                if (header.key().equals("__op")) {
                    ofOp = header.schema();
                } else {
                    ofDb = header.schema();
                }
            }
        }
        this.row = row;
        this.ofTombstones = ofTombstones;
        this.ofOp = ofOp;
        this.ofDb = ofDb;
        this.deleted = position("__deleted");
        this.added = position("__op");
    }

    private int position(String field) {
        Field found = row.field(field);
        return found == null ? -1 : found.index();
    }

    /** The program for a setting of {@link Paths#smtSettings()}. */
    static UnaryOperator<SinkRecord> of(Map<String, String> settings, Schema envelope, SinkRecord[] examples) {
        SmtFloors floors = new SmtFloors(envelope, examples);
        switch (String.join(" ", new TreeSet<>(settings.keySet()))) {
            case "":
            case "replace.null.with.default":
                return floors::plain;
            case "add.fields":
                return floors::addFields;
            case "add.headers":
                return floors::addHeaders;
            case "delete.tombstone.handling.mode":
                return floors::rewrite;
            case "route.by.field":
                return floors::route;
            case "add.fields add.headers delete.tombstone.handling.mode":
                return floors::rewriteAddFieldsAndHeader;
            case "generation":
                return floors::drop;
            case "add.fields delete.handling.mode drop.tombstones generation":
                return floors::rewriteAddFields;
            default:
                throw new IllegalArgumentException("no floor for " + settings);
        }
    }

    private Object[] event(SinkRecord record) {
        Object value = record.value();
        if (record.valueSchema() != envelope || !(value instanceof Struct) || ((Struct) value).schema() != envelope) {
            throw new DataException("another schema");
        }
        return Table.array((Struct) value);
    }

    /** The Struct of a row, whose further fields are left to the caller. */
    private Struct row(Object from) {
        Object[] values = Table.array((Struct) from);
        if (values[0] == null || values[1] == null || values[2] == null || values[4] == null || values[5] == null
                || values[7] == null || values[8] == null) {
            throw new DataException("a value is missing");
        }
        Struct made = new Struct(row);
        System.arraycopy(values, 0, Table.array(made), 0, COLUMNS);
        return made;
    }

    private void add(Struct row, Object[] event) {
        Object[] source = Table.array((Struct) event[SOURCE]);
        Object[] values = Table.array(row);
        values[added] = event[OP];
        values[added + 1] = source[SOURCE_TABLE];
        values[added + 2] = source[SOURCE_LSN];
        values[added + 3] = source[SOURCE_TS_MS];
    }

    private static SinkRecord with(SinkRecord record, String topic, Schema schema, Object value) {
        return record.newRecord(topic, record.kafkaPartition(), record.keySchema(), record.key(), schema, value,
                record.timestamp());
    }

    private SinkRecord plain(SinkRecord record) {
        Object after = event(record)[AFTER];
        return after == null ? with(record, record.topic(), ofTombstones, null) : with(record, record.topic(), row, row(after));
    }

    private SinkRecord drop(SinkRecord record) {
        Object after = event(record)[AFTER];
        return after == null ? null : with(record, record.topic(), row, row(after));
    }

    private SinkRecord addFields(SinkRecord record) {
        Object[] event = event(record);
        if (event[AFTER] == null) {
            return with(record, record.topic(), ofTombstones, null);
        }
        Struct made = row(event[AFTER]);
        add(made, event);
        return with(record, record.topic(), row, made);
    }

    private SinkRecord addHeaders(SinkRecord record) {
        Object[] event = event(record);
        Object after = event[AFTER];
        ConnectHeaders headers = new ConnectHeaders(record.headers());
        headers.add("__op", event[OP], ofOp);
        headers.add("__source_db", Table.array((Struct) event[SOURCE])[SOURCE_DB], ofDb);
        return record.newRecord(record.topic(), record.kafkaPartition(), record.keySchema(), record.key(),
                after == null ? ofTombstones : row, after == null ? null : row(after), record.timestamp(), headers);
    }

    private SinkRecord route(SinkRecord record) {
        Object[] event = event(record);
        Object after = event[AFTER];
        if (after == null) {
            String topic = (String) Table.array((Struct) event[BEFORE])[SKU];
            return with(record, topic, ofTombstones, null);
        }
        Struct made = row(after);
        return with(record, (String) Table.array(made)[SKU], row, made);
    }

    private Struct marked(Object[] event) {
        boolean gone = event[AFTER] == null;
        Struct made = row(event[gone ? BEFORE : AFTER]);
        Table.array(made)[deleted] = gone ? "true" : "false";
        return made;
    }

    private SinkRecord rewrite(SinkRecord record) {
        return with(record, record.topic(), row, marked(event(record)));
    }

    private SinkRecord rewriteAddFields(SinkRecord record) {
        Object[] event = event(record);
        Struct made = marked(event);
        add(made, event);
        return with(record, record.topic(), row, made);
    }

    private SinkRecord rewriteAddFieldsAndHeader(SinkRecord record) {
        Object[] event = event(record);
        Struct made = marked(event);
        add(made, event);
        ConnectHeaders headers = new ConnectHeaders(record.headers());
        headers.add("__op", event[OP], ofOp);
        return record.newRecord(record.topic(), record.kafkaPartition(), record.keySchema(), record.key(), row, made,
                record.timestamp(), headers);
    }
}
