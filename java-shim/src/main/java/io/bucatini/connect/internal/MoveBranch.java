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

/** What becomes of records of one shape: with after, with before only, with neither. */
final class MoveBranch {
    private static final int DROP = 1;
    private static final int CHANGE = 2;
    /** As many as the core keeps. */
    private static final int MAX_PROGRAMS = 256;
    /** What an item of the list of fields to drop was (plan_codec.rs: request). */
    private static final char NULL = 0;
    private static final char NAME = 1;
    private static final char OTHER = 2;

    private final Moves moves;
    private final Schemas.Interned schema;
    private final StructPath before;
    private final int number;
    private final int action;
    private final Errors.Report failure;
    private MoveHeaders added;
    private MoveSource topic;
    private boolean keepIfBlank;
    private StructPath operation;
    private int operationAt = -1;
    private String dropped;
    private boolean byKey;
    private final Map<Object, MoveProgram> programs = new ConcurrentHashMap<>();
    /** The program of a branch that selects by nothing, once there is one. */
    private volatile MoveProgram only;
    /** The programs of operations that are one letter, as all of Debezium's are; programs are immutable. */
    private final MoveProgram[] byLetter = new MoveProgram[128];

    /** @param before where there may be a row; usually there is such a place */
    MoveBranch(WireReader in, int number, Schemas.Interned schema, StructPath before, Moves moves) {
        this.moves = moves;
        this.schema = schema;
        this.before = before;
        this.number = number;
        action = in.u8();
        failure = action == 0 ? Errors.Report.read(in.part()) : null;
        if (action == CHANGE) {
            added = MoveHeaders.read(in, schema.schema, moves);
            if (in.u8() != 0) {
                keepIfBlank = in.u8() != 0;
                topic = MoveSource.read(in, schema.schema, moves);
            }
            operation = in.u8() == 0 ? null : StructPath.read(in, schema.schema, moves.access);
            dropped = in.u8() == 0 ? null : in.str();
            operationAt = dropped == null ? StructPath.only(operation) : -1;
            byKey = in.u8() != 0;
        } else if (action > CHANGE) {
            throw new BucatiniError("plan.branch", "plan: unknown kind of branch " + action);
        }
    }

    /** The record of an event whose values lie open; what is not as usual in it goes the long way, which says what is wrong. */
    <R extends ConnectRecord<R>> R open(R record, Object value, Object[] open) {
        if (action == DROP) {
            return null;
        }
        MoveProgram program = action == CHANGE ? known(open) : null;
        if (program == null || !program.isPlain) {
            return apply(record, value, value, open);
        }
        Struct row = null;
        if (program.plainRow != null) {
            row = program.plainRow.make(open);
            if (row == null) {
                return apply(record, value, value, open);
            }
        }
        Headers headers = added.appended(record, value, open);
        String newTopic = topic == null ? record.topic() : topic(record, topic.get(value, open));
        return record.newRecord(newTopic, record.kafkaPartition(), record.keySchema(), record.key(), program.valueSchema, row,
                record.timestamp(), headers);
    }

    /** The program for an operation of one letter, if there is one already and it takes no more to find it; else null. */
    private MoveProgram known(Object[] open) {
        MoveProgram single = only;
        if (single != null || operationAt < 0) {
            return single;
        }
        int letter = letter(open[operationAt]);
        return letter < 0 ? null : byLetter[letter];
    }

    /**
     * The record of any event.
     *
     * @param rows the value with defaults for its rows
     * @param open the values of both; null if they do not lie open
     */
    <R extends ConnectRecord<R>> R apply(R record, Object value, Object rows, Object[] open) {
        if (action == DROP) {
            return null;
        }
        if (action != CHANGE) {
            throw failure.exception(moves.plugin, "", false);
        }
        if (topic != null && number == 1 && !before.isPresent(value)) {
            throw new DataFault("enrs.no-before", "expected a row in `before`, found none");
        }
        Headers headers = added.appended(record, value, null);
        String newTopic = topic == null ? record.topic() : topic(record, topic.get(number == 0 ? rows : value));
        MoveProgram program = program(record, value, headers);
        Object key = program.key(record.key());
        Object row = program.value((Struct) rows, (Struct) value, open, headers);
        Schema keySchema = record.key() == null ? record.keySchema() : program.keySchema(record.keySchema());
        return record.newRecord(newTopic, record.kafkaPartition(), keySchema, key, program.valueSchema, row,
                record.timestamp(), headers);
    }

    private String topic(ConnectRecord<?> record, Object routed) {
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
        int letter = dropped == null ? letter(found) : -1;
        MoveProgram program = letter < 0 ? null : byLetter[letter];
        if (program == null) {
            program = selected(record, found, headers);
            if (letter >= 0) {
                byLetter[letter] = program;
            }
        }
        return program;
    }

    /** The operation, if it is one letter of ASCII; else -1. */
    private static int letter(Object found) {
        String text = found instanceof String ? (String) found : "";
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
