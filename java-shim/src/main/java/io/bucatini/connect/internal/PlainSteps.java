package io.bucatini.connect.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The steps of the usual rebuild, by what they do: requires, copies and defaults of one row, then what is put from the event or
 * from Structs in it. So sorted they give the same, since nothing is copied or replaced after it was put.
 */
final class PlainSteps {
    final EventPart row;
    final int[] required;
    final MoveStep[] copies;
    final MoveStep[] defaults;
    final MoveStep[] constants;
    final Puts[] puts;

    private PlainSteps(EventPart row, int[] required, List<MoveStep> copies, List<MoveStep> defaults, List<MoveStep> constants,
            List<Puts> puts) {
        this.row = row;
        this.required = required;
        this.copies = copies.toArray(new MoveStep[0]);
        this.defaults = defaults.toArray(new MoveStep[0]);
        this.constants = constants.toArray(new MoveStep[0]);
        this.puts = puts.toArray(new Puts[0]);
    }

    /** What is put from one Struct. */
    static final class Puts {
        final EventPart part;
        MoveSource[] sources = {};
        int[] to = {};

        private Puts(EventPart part) {
            this.part = part;
        }

        private void add(MoveStep step) {
            int count = to.length;
            sources = Arrays.copyOf(sources, count + 1);
            sources[count] = step.source;
            to = Arrays.copyOf(to, count + 1);
            to[count] = step.to;
        }
    }

    /** These steps of a rebuild of so many fields; null if they are not the usual ones. */
    static PlainSteps of(MoveStep[] steps, int fields) {
        StructPath row = null;
        int[] required = {};
        List<MoveStep> copies = new ArrayList<>();
        List<MoveStep> defaults = new ArrayList<>();
        List<MoveStep> constants = new ArrayList<>();
        List<Puts> puts = new ArrayList<>();
        boolean[] isPut = new boolean[fields];
        for (MoveStep step : steps) {
            boolean usual;
            switch (step.kind) {
                case MoveStep.REQUIRE:
                    usual = row == null;
                    row = step.path;
                    required = step.required;
                    break;
                case MoveStep.COPY:
                    usual = (row == null || row.isSame(step.path)) && defaults.isEmpty() && isFree(isPut, step.to, step.count)
                            && copies.add(step);
                    row = step.path;
                    break;
                case MoveStep.DEFAULT:
                    usual = isFree(isPut, step.to, 1) && defaults.add(step);
                    break;
                case MoveStep.PUT:
                    usual = isFree(isPut, step.to, 1)
                            && (step.source.isConstant() ? constants.add(step) : put(step, puts));
                    isPut[step.to] = true;
                    break;
                default:
                    usual = false;
            }
            if (!usual) {
                return null;
            }
        }
        EventPart part = row == null ? null : EventPart.at(row);
        return part == null ? null : new PlainSteps(part, required, copies, defaults, constants, puts);
    }

    private static boolean isFree(boolean[] isPut, int first, int count) {
        for (int i = first; i < first + count; i++) {
            if (isPut[i]) {
                return false;
            }
        }
        return true;
    }

    private static boolean put(MoveStep step, List<Puts> puts) {
        EventPart part = step.source.part();
        if (part == null) {
            return false;
        }
        for (Puts known : puts) {
            if (known.part.isSame(part)) {
                known.add(step);
                return true;
            }
        }
        Puts first = new Puts(part);
        first.add(step);
        return puts.add(first);
    }
}
