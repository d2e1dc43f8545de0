package io.bucatini.connect.internal;

import io.bucatini.connect.BucatiniError;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.data.Struct;

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
    private final MoveHeaders tombstone;
    /** What is raised for a tombstone; usually null. */
    private final Errors.Report tombstoneError;
    private final int kind;
    private final Errors.Report error;
    private final StructPath after;
    private final StructPath before;
    /** Null where rows are looked for otherwise: those that may give way to a default. */
    private final EventPart event;
    /** Where rows are among the values of an event; -1 for nowhere. */
    private final int afterAt;
    private final int beforeAt;
    /** Stand for rows that are null; usually null themselves. */
    private final Object afterDefault;
    private final Object beforeDefault;
    private final MoveBranch[] branches = new MoveBranch[3];

    private MovePlan(WireReader in, Schemas.Interned schema, Moves moves) {
        this.moves = moves;
        this.schema = schema;
        checkFormat(in);
        int tombstones = in.u8();
        tombstone = tombstones == KEEP_TOMBSTONE ? MoveHeaders.read(in, schema.schema, moves) : null;
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
        afterAt = StructPath.only(after);
        beforeAt = StructPath.only(before);
        event = kind == ENVELOPE && afterDefault == null && beforeDefault == null && moves.access.isDirect()
                && afterAt >= 0 && (before == null) == (beforeAt < 0) ? EventPart.event(schema.schema) : null;
        for (int i = 0; kind == ENVELOPE && i < branches.length; i++) {
            branches[i] = new MoveBranch(in, i, schema, before, moves);
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
                Object[] open = event == null ? null : event.open(value);
                if (open != null) {
                    return branches[open[afterAt] != null ? 0 : beforeAt >= 0 && open[beforeAt] != null ? 1 : 2]
                            .open(record, value, open);
                }
                Object rows = withDefaults(value);
                return branches[after.isPresent(rows) ? 0 : before != null && before.isPresent(rows) ? 1 : 2]
                        .apply(record, value, rows, null);
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
        if (tombstone.isEmpty()) {
            return record;
        }
        return record.newRecord(record.topic(), record.kafkaPartition(), record.keySchema(), record.key(),
                record.valueSchema(), null, record.timestamp(), tombstone.appended(record, null, null));
    }
}
