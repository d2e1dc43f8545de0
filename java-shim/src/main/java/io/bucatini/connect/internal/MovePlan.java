package io.bucatini.connect.internal;

import io.bucatini.connect.BucatiniError;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.header.Header;
import org.apache.kafka.connect.header.Headers;

/** What to do with the records of one value schema (plan_codec.rs: plan). */
final class MovePlan {
    static final int FORMAT = 2;

    private static final int KEEP_TOMBSTONE = 1;
    private static final int FAIL_TOMBSTONE = 2;

    private static final int PASS = 0;
    private static final int FAIL = 1;
    private static final int ENVELOPE = 2;

    private final Moves moves;
    private final Schemas.Interned schema;
    /** Headers that a kept tombstone gets; null: tombstones are dropped. */
    private final AddedHeader[] tombstone;
    /** What is raised for a tombstone; usually null. */
    private final Errors.Report tombstoneError;
    private final int kind;
    private final Errors.Report error;
    private final StructPath after;
    private final StructPath before;
    /** Stand for rows that are null; usually null themselves. */
    private final Object afterDefault;
    private final Object beforeDefault;
    private final Branch[] branches = new Branch[3];

    private MovePlan(WireReader in, Schemas.Interned schema, Moves moves) {
        this.moves = moves;
        this.schema = schema;
        checkFormat(in);
        int tombstones = in.u8();
        tombstone = tombstones == KEEP_TOMBSTONE ? headers(in) : null;
        tombstoneError = tombstones == FAIL_TOMBSTONE ? Errors.Report.read(in.part()) : null;
        if (tombstones > FAIL_TOMBSTONE) {
            throw new BucatiniError("plan.tombstone", "plan: unknown treatment of tombstones " + tombstones);
        }
        kind = in.u8();
        error = kind == FAIL ? Errors.Report.read(in.part()) : null;
        after = kind == ENVELOPE ? path(in) : null;
        afterDefault = kind == ENVELOPE && in.u8() != 0 ? rowDefault(in, after) : null;
        before = kind == ENVELOPE && in.u8() != 0 ? path(in) : null;
        beforeDefault = kind == ENVELOPE && in.u8() != 0 ? rowDefault(in, before) : null;
        for (int i = 0; kind == ENVELOPE && i < branches.length; i++) {
            branches[i] = new Branch(i, in);
        }
        if (kind > ENVELOPE) {
            throw new BucatiniError("plan.value", "plan: unknown kind of value " + kind);
        }
        in.finish("plan");
    }

    /** The schema's own default, whose fields have the very schemas that the row's have; the constant says the same. */
    private Object rowDefault(WireReader in, StructPath row) {
        Object constant = MoveSource.constant(in, moves);
        Object own = row.schema().defaultValue();
        return own instanceof Struct ? own : constant;
    }

    static MovePlan read(WireReader in, Schemas.Interned schema, Moves moves) {
        return new MovePlan(in, schema, moves);
    }

    static void checkFormat(WireReader in) {
        int format = in.u8();
        if (format != FORMAT) {
            throw new BucatiniError("plan.format", "plan: expected format " + FORMAT + ", found " + format
                    + "; are jar and library of one build?");
        }
    }

    private StructPath path(WireReader in) {
        return StructPath.read(in, schema.schema, moves.access);
    }

    boolean isOfEnvelopes() {
        return kind == ENVELOPE;
    }

    /** The record itself, null if it is dropped, or a new one. */
    <R extends ConnectRecord<R>> R apply(R record) {
        Object value = record.value();
        if (value == null) {
            return tombstone(record);
        }
        switch (kind) {
            case PASS:
                return record;
            case FAIL:
                throw error.exception(moves.plugin, "", false);
            default:
                Object rows = afterDefault == null && beforeDefault == null ? value : withDefaults(value);
                Branch branch = branches[after.isPresent(rows) ? 0
                        : before != null && before.isPresent(rows) ? 1 : 2];
                return branch.apply(record, value, rows);
        }
    }

    /** The value with defaults in the place of rows that are null, as {@code Struct.get} gives them. */
    private Object withDefaults(Object value) {
        boolean noAfter = afterDefault != null && !after.isPresent(value);
        boolean noBefore = beforeDefault != null && !before.isPresent(value);
        if (!noAfter && !noBefore) {
            return value;
        }
        Struct copy = new Struct(((Struct) value).schema());
        Object[] values = moves.access.empty(copy, schema.plan.fields.length);
        moves.access.copy((Struct) value, 0, values.length, values, 0);
        if (noAfter) {
            values[after.first()] = afterDefault;
        }
        if (noBefore) {
            values[before.first()] = beforeDefault;
        }
        moves.access.fill(copy, values, schema.plan.fields);
        return copy;
    }

    private <R extends ConnectRecord<R>> R tombstone(R record) {
        if (tombstoneError != null) {
            throw tombstoneError.exception(moves.plugin, "", false);
        }
        if (tombstone == null) {
            return null;
        }
        if (tombstone.length == 0) {
            return record;
        }
        return record.newRecord(record.topic(), record.kafkaPartition(), record.keySchema(), record.key(),
                record.valueSchema(), null, record.timestamp(), appended(record, null, tombstone));
    }

    /** The record's headers and the added ones, in a copy: a record keeps the object that it is given. */
    private static Headers appended(ConnectRecord<?> record, Object value, AddedHeader[] toAdd) {
        Headers headers = record.headers().duplicate();
        for (AddedHeader header : toAdd) {
            Object added = header.source.get(value);
            headers.add(header.name, added, added == null ? header.schemaOfNull : header.schema);
        }
        return headers;
    }

    private AddedHeader[] headers(WireReader in) {
        AddedHeader[] headers = new AddedHeader[in.count(13)];
        for (int i = 0; i < headers.length; i++) {
            headers[i] = new AddedHeader(in);
        }
        return headers;
    }

    private final class AddedHeader {
        final String name;
        final Schema schema;
        final Schema schemaOfNull;
        final MoveSource source;

        AddedHeader(WireReader in) {
            name = in.str();
            schema = moves.schemas.get(in.u32()).schema;
            schemaOfNull = moves.schemas.get(in.u32()).schema;
            source = MoveSource.read(in, MovePlan.this.schema.schema, moves);
        }
    }

    /** What becomes of records of one shape: with after, with before only, with neither. */
    private final class Branch {
        private static final int DROP = 1;
        private static final int CHANGE = 2;
        /** As many as the core keeps. */
        private static final int MAX_PROGRAMS = 256;
        /** What an item of the list of fields to drop was (plan_codec.rs: request). */
        private static final char NULL = 0;
        private static final char NAME = 1;
        private static final char OTHER = 2;

        private final int number;
        private final int action;
        private final Errors.Report failure;
        private AddedHeader[] added;
        private MoveSource topic;
        private boolean keepIfBlank;
        private StructPath operation;
        private String dropped;
        private boolean byKey;
        private final Map<Object, MoveProgram> programs = new ConcurrentHashMap<>();
        /** The program of a branch that selects by nothing, once there is one. */
        private volatile MoveProgram only;
        /** The programs of operations that are one letter, as all of Debezium's are; programs are immutable. */
        private final MoveProgram[] byLetter = new MoveProgram[128];

        Branch(int number, WireReader in) {
            this.number = number;
            action = in.u8();
            failure = action == 0 ? Errors.Report.read(in.part()) : null;
            if (action == CHANGE) {
                added = headers(in);
                if (in.u8() != 0) {
                    keepIfBlank = in.u8() != 0;
                    topic = MoveSource.read(in, schema.schema, moves);
                }
                operation = in.u8() == 0 ? null : path(in);
                dropped = in.u8() == 0 ? null : in.str();
                byKey = in.u8() != 0;
            } else if (action > CHANGE) {
                throw new BucatiniError("plan.branch", "plan: unknown kind of branch " + action);
            }
        }

        /** @param rows the value with defaults for its rows */
        <R extends ConnectRecord<R>> R apply(R record, Object value, Object rows) {
            if (action == DROP) {
                return null;
            }
            if (action != CHANGE) {
                throw failure.exception(moves.plugin, "", false);
            }
            if (topic != null && number == 1 && !before.isPresent(value)) {
                throw new DataFault("enrs.no-before", "expected a row in `before`, found none");
            }
            Headers headers = appended(record, value, added);
            String newTopic = topic(record, number == 0 ? rows : value);
            MoveProgram program = program(record, value, headers);
            Object key = program.key(record.key());
            Object row = program.value((Struct) rows, (Struct) value, headers);
            Schema keySchema = record.key() == null ? record.keySchema() : program.keySchema(record.keySchema());
            return record.newRecord(newTopic, record.kafkaPartition(), keySchema, key, program.valueSchema(), row,
                    record.timestamp(), headers);
        }

        private String topic(ConnectRecord<?> record, Object value) {
            Object routed = topic == null ? null : topic.get(value);
            if (routed == null) {
                return record.topic();
            }
            if (!(routed instanceof String)) {
                throw new DataFault("plan.topic", "expected a String, found " + routed.getClass().getName());
            }
            String text = (String) routed;
            return keepIfBlank && isBlank(text) ? record.topic() : text;
        }

        private boolean isBlank(String text) {
            for (int i = 0; i < text.length(); i++) {
                if (text.charAt(i) > ' ') {
                    return false;
                }
            }
            return true;
        }

        /** The first record that needs a program has it compiled: that is when Debezium fills its schema cache. */
        private MoveProgram program(ConnectRecord<?> record, Object value, Headers headers) {
            MoveProgram single = only;
            if (single != null) {
                return single;
            }
            Object found = operation == null ? null : operation.get(value, null);
            int letter = dropped == null && found instanceof String ? letter((String) found) : -1;
            MoveProgram program = letter < 0 ? null : byLetter[letter];
            if (program == null) {
                program = selected(record, found, headers);
                if (letter >= 0) {
                    byLetter[letter] = program;
                }
            }
            return program;
        }

        private int letter(String text) {
            return text.length() == 1 && text.charAt(0) < 128 ? text.charAt(0) : -1;
        }

        private MoveProgram selected(ConnectRecord<?> record, Object found, Headers headers) {
            if (found != null && !(found instanceof String)) {
                throw new DataFault("plan.operation", "expected a String, found " + found.getClass().getName());
            }
            List<String> names = dropped == null ? List.of() : names(headers);
            Schemas.Interned keySchema =
                    byKey && !names.isEmpty() ? moves.schemas.of(record.keySchema()) : Schemas.Interned.NONE;
            Object selector = names.isEmpty()
                    ? found == null ? Boolean.FALSE : found
                    : Arrays.asList(found, names, keySchema.id);
            MoveProgram program = programs.get(selector);
            if (program == null) {
                program = compile((String) found, names, keySchema);
                if (programs.size() >= MAX_PROGRAMS) {
                    programs.clear();
                }
                programs.put(selector, program);
                only = operation == null && dropped == null ? program : null;
            }
            return program;
        }

        private MoveProgram compile(String found, List<String> names, Schemas.Interned keySchema) {
            WireWriter request = new WireWriter(64);
            request.u8(1);
            request.u32(schema.id);
            request.u8(number);
            request.u32(keySchema.id);
            request.u8(found == null ? 0 : 1);
            if (found != null) {
                request.str(found);
            }
            request.u32(names.size());
            for (String name : names) {
                request.u8(name.charAt(0));
                if (name.charAt(0) != NULL) {
                    request.str(name.substring(1));
                }
            }
            WireReader answer = moves.core.apply(request);
            if (answer == null) {
                throw new BucatiniError("plan.none", moves.plugin + ": there is a plan, but no program to it");
            }
            return MoveProgram.read(answer, schema.schema, keySchema.schema, moves);
        }

        /** The items of the first header of the name, as text after a character that says what it was. */
        private List<String> names(Headers headers) {
            for (Header header : headers) {
                if (header.key().equals(dropped)) {
                    return header.value() == null ? List.of() : names(header.value());
                }
            }
            return List.of();
        }

        private List<String> names(Object value) {
            if (!(value instanceof Collection)) {
                throw new DataFault("plan.dropped", "expected a list of field names, found " + value.getClass().getName())
                        .field("headers");
            }
            List<String> names = new ArrayList<>();
            for (Object item : (Collection<?>) value) {
                names.add(item == null ? String.valueOf(NULL) : (item instanceof String ? NAME : OTHER) + item.toString());
            }
            return names;
        }
    }
}
