package io.bucatini.connect.internal;

import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;

/**
 * The usual rebuild, of values that lie open: each Struct is looked up once. What is not as usual in a record it leaves to the
 * steps, which also say what is wrong.
 */
final class PlainRebuild {
    private final Schema schema;
    private final PlainSteps steps;
    /** Where it is as usual, what is put from elsewhere than the event is from one Struct. */
    private final EventPart other;
    private int uses;
    /** The same in a straight line; null if there is none. It has no state: a race makes it twice. */
    private RowMover mover;
    /** What its lines need. */
    private final Object[] constants;

    PlainRebuild(Schema schema, PlainSteps steps) {
        this.schema = schema;
        this.steps = steps;
        this.other = RowMovers.other(steps);
        this.constants = RowMovers.constants(steps);
    }

    /** The new Struct; null if something is not as usual. */
    Struct make(Object[] event) {
        Object[] row = steps.row.values(event);
        if (row == null) {
            return null;
        }
        RowMover straight = mover;
        if (straight == null) {
            if (uses < RowImagePlan.USED && ++uses == RowImagePlan.USED) {
                mover = RowMovers.of(steps);
            }
            return looped(row, event);
        }
        Object[] found = other == null ? event : other.values(event);
        if (found == null) {
            return looped(row, event);
        }
        Struct struct = new Struct(schema);
        try {
            straight.move(row, event, found, constants, StructAccess.open(struct));
        } catch (RowMover.Missing e) {
            return null;
        }
        return struct;
    }

    private Struct looped(Object[] row, Object[] event) {
        if (StructPath.firstNull(row, steps.required) >= 0) {
            return null;
        }
        Struct struct = new Struct(schema);
        Object[] values = StructAccess.open(struct);
        for (MoveStep copy : steps.copies) {
            System.arraycopy(row, copy.first, values, copy.to, copy.count);
        }
        for (MoveStep step : steps.defaults) {
            RowMover.standIn(values, step.to, step.constant);
        }
        for (MoveStep step : steps.constants) {
            values[step.to] = step.source.absent();
        }
        for (PlainSteps.Puts puts : steps.puts) {
            if (!put(puts, event, values)) {
                return null;
            }
        }
        return struct;
    }

    private static boolean put(PlainSteps.Puts puts, Object[] event, Object[] values) {
        Object[] from = puts.part.values(event);
        if (from == null && puts.part.isIn(event)) {
            return false;
        }
        for (int i = 0; i < puts.to.length; i++) {
            values[puts.to[i]] = from == null ? puts.sources[i].absent() : puts.sources[i].in(from);
        }
        return true;
    }
}
