package io.bucatini.connect.internal;

import io.bucatini.connect.BucatiniError;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.connect.data.ConnectSchema;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.DataException;

/** Makes a new Struct from an old one. */
final class MoveRebuild {
    private final Moves moves;
    final Schemas.Interned schema;
    private final Errors.Report ofNull;
    private final Errors.Report ofUnfit;
    private final MoveStep[] steps;
    /** Does the same with values that lie open; null if a step is not of the usual ones. */
    final PlainRebuild plain;
    /** Null if nobody wants to know which values are unavailable. */
    final MoveWatch watch;

    MoveRebuild(WireReader in, Schema root, Moves moves) {
        this.moves = moves;
        schema = moves.schemas.get(in.u32());
        int fields = in.u32();
        if (schema.plan == null || schema.plan.kind != RowImagePlan.STRUCT || schema.plan.fields.length != fields) {
            throw new BucatiniError("plan.fields", "program: a Struct of " + fields + " fields does not fit its schema");
        }
        ofNull = Errors.Report.read(in.part());
        ofUnfit = Errors.Report.read(in.part());
        List<MoveStep> read = new ArrayList<>();
        for (int left = in.count(5); left > 0; left--) {
            read.add(new MoveStep(in, root, fields, moves));
        }
        steps = MoveStep.joined(read);
        PlainSteps usual = moves.access.isDirect() ? PlainSteps.of(steps, fields) : null;
        plain = usual == null ? null : new PlainRebuild(schema.schema, usual);
        watch = in.u8() == 0 ? null : new MoveWatch(in, root, moves);
    }

    /**
     * The new one.
     *
     * @param root the old one, with defaults for its rows
     * @param raw the old one as it came
     * @param open its values, null if they do not lie open or a row has given way to its default
     */
    Struct apply(Object root, Object raw, Object[] open) {
        Struct made = plain == null || open == null ? null : plain.make(open);
        return made != null ? made : stepped(root, raw);
    }

    /** Step by step, whatever the old one is. */
    Struct stepped(Object root, Object raw) {
        Struct struct = new Struct(schema.schema);
        Object[] values = moves.access.empty(struct, schema.plan.fields.length);
        boolean pending = StructPath.isPending(root);
        Object[] from = null;
        for (MoveStep step : steps) {
            if (pending || !step.looksAtStruct()) {
                run(step, root, raw, values);
                continue;
            }
            from = step.again ? from : step.path.values(root);
            if (step.kind == MoveStep.REQUIRE) {
                require(step, StructPath.firstNull(from, step.required));
            } else if (from != null) {
                System.arraycopy(from, step.first, values, step.to, step.count);
            } else {
                step.path.struct(root);
            }
        }
        moves.access.fill(struct, values, schema.plan.fields);
        return struct;
    }

    private void run(MoveStep step, Object root, Object raw, Object[] values) {
        switch (step.kind) {
            case MoveStep.REQUIRE:
                require(step, step.path.firstNull(root, step.required));
                return;
            case MoveStep.REFUSE:
                if (step.source.get(raw) != null) {
                    throw ofUnfit.exception(moves.plugin, step.field, false);
                }
                return;
            case MoveStep.COPY:
                step.path.copy(root, step.first, step.count, values, step.to);
                return;
            case MoveStep.DEFAULT:
                if (values[step.to] == null) {
                    values[step.to] = step.constant;
                }
                return;
            case MoveStep.VALID:
                validate(step, step.raw ? raw : root);
                return;
            default:
                values[step.to] = step.source.get(raw);
        }
    }

    /** As {@code Struct.put} would; what is wrong inside a value is the record's fault. */
    private void validate(MoveStep step, Object root) {
        Object value = step.path.get(root, null);
        if (value == null) {
            return;
        }
        try {
            ConnectSchema.validateValue(step.path.schemaIn(root), value);
        } catch (DataException e) {
            throw ofNull.exception(moves.plugin, step.field, false);
        }
    }

    private void require(MoveStep step, int missing) {
        if (missing >= 0) {
            throw ofNull.exception(moves.plugin, step.fields[missing], false);
        }
    }
}
