package io.bucatini.connect.internal;

import io.bucatini.connect.BucatiniError;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.kafka.connect.data.Schema;

/** One step of a rebuild. */
final class MoveStep {
    static final int REQUIRE = 0;
    static final int REFUSE = 1;
    static final int COPY = 2;
    static final int DEFAULT = 3;
    static final int PUT = 4;
    static final int VALID = 5;

    final int kind;
    StructPath path;
    MoveSource source;
    String field;
    /** Of a requirement: positions in the Struct at the path, and their names. */
    int[] required;
    String[] fields;
    private StructPath one;
    Object constant;
    int first;
    int count;
    int to;
    boolean raw;
    /** Whether it looks at the Struct that the step before it looked at. */
    boolean again;

    MoveStep(WireReader in, Schema root, int size, Moves moves) {
        kind = in.u8();
        switch (kind) {
            case REQUIRE:
                one = StructPath.read(in, root, moves.access);
                path = one.parent();
                required = new int[] {one.lastPosition()};
                fields = new String[] {in.str()};
                break;
            case REFUSE:
                source = MoveSource.read(in, root, moves);
                field = in.str();
                break;
            case COPY:
                path = StructPath.read(in, root, moves.access);
                first = in.u32();
                count = in.u32();
                to = in.u32();
                break;
            case DEFAULT:
                to = in.u32();
                constant = MoveSource.constant(in, moves);
                break;
            case PUT:
                to = in.u32();
                source = MoveSource.read(in, root, moves);
                break;
            case VALID:
                path = StructPath.read(in, root, moves.access);
                field = in.str();
                raw = in.u8() != 0;
                break;
            default:
                throw new BucatiniError("plan.step", "program: unknown kind of step " + kind);
        }
        if (kind == COPY) {
            check(first, count, path.schema().fields().size());
        }
        if (kind >= COPY && kind <= PUT) {
            check(to, kind == COPY ? count : 1, size);
        }
    }

    /** Steps that look one Struct up once, where they follow each other. */
    static MoveStep[] joined(List<MoveStep> read) {
        List<MoveStep> joined = new ArrayList<>();
        MoveStep last = null;
        MoveStep looked = null;
        for (MoveStep step : read) {
            if (step.kind == REQUIRE && last != null && last.takes(step)) {
                continue;
            }
            if (step.looksAtStruct()) {
                step.again = looked != null && looked.path.isSame(step.path);
                looked = step;
            }
            joined.add(step);
            last = step;
        }
        return joined.toArray(new MoveStep[0]);
    }

    boolean looksAtStruct() {
        return kind == REQUIRE || kind == COPY;
    }

    /** Whether a requirement of a field beside this one's has become part of it: one Struct is looked up once. */
    private boolean takes(MoveStep next) {
        if (kind != REQUIRE || !one.isBeside(next.one)) {
            return false;
        }
        required = Arrays.copyOf(required, required.length + 1);
        required[required.length - 1] = next.required[0];
        fields = Arrays.copyOf(fields, fields.length + 1);
        fields[fields.length - 1] = next.fields[0];
        return true;
    }

    private void check(int at, int number, int size) {
        if (at < 0 || number < 0 || number > size - at) {
            throw new BucatiniError("plan.step", "program: " + number + " fields from " + at
                    + " on are not in a Struct of " + size);
        }
    }
}
