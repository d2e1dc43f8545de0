package io.bucatini.connect.internal;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Writes a {@link RowMover} for the steps of a rebuild. */
final class RowMovers {
    private static final String VALUES_TYPE = "[Ljava/lang/Object;";
    private static final String MOVE = "(" + VALUES_TYPE + VALUES_TYPE + VALUES_TYPE + VALUES_TYPE + VALUES_TYPE + ")V";

    private static final int ROW = 1;
    private static final int EVENT = 2;
    private static final int OTHER = 3;
    private static final int CONSTANTS = 4;
    private static final int VALUES = 5;

    private final List<StraightClass.Line> lines = new ArrayList<>();
    /** What the lines do: steps of one shape share a class. */
    private final StringBuilder shape = new StringBuilder();

    private RowMovers() {}

    /** A mover for these steps; null if this JDK or these steps allow none. */
    static RowMover of(PlainSteps steps) {
        EventPart other = other(steps);
        RowMovers made = new RowMovers();
        for (int position : steps.required) {
            made.line((out, i) -> {
                out.element(ROW, position);
                out.call("require", "(Ljava/lang/Object;)V");
            }, 'r', position);
        }
        for (MoveStep copy : steps.copies) {
            made.line((out, i) -> copy(out, copy), 'c', copy.first, copy.count, copy.to);
        }
        int constant = 0;
        for (MoveStep step : steps.defaults) {
            int at = constant++;
            made.line((out, i) -> {
                out.variable(StraightClass.ALOAD, VALUES);
                out.push(step.to);
                out.element(CONSTANTS, at);
                out.call("standIn", "(" + VALUES_TYPE + "ILjava/lang/Object;)V");
            }, 'd', step.to);
        }
        for (MoveStep step : steps.constants) {
            made.put(CONSTANTS, constant++, step.to);
        }
        for (PlainSteps.Puts puts : steps.puts) {
            for (int i = 0; i < puts.to.length; i++) {
                if (!puts.part.isEvent() && puts.part != other || puts.sources[i].hasStandIn()) {
                    return null;
                }
                made.put(puts.part.isEvent() ? EVENT : OTHER, puts.sources[i].position(), puts.to[i]);
            }
        }
        return StraightClass.of(made.shape.toString(), RowMover.class, "move", MOVE, 6, made.lines);
    }

    /** The one Struct beside the event that values are put from; null for none. */
    static EventPart other(PlainSteps steps) {
        for (PlainSteps.Puts puts : steps.puts) {
            if (!puts.part.isEvent()) {
                return puts.part;
            }
        }
        return null;
    }

    /** What stands in for nulls, then what is put as it is. */
    static Object[] constants(PlainSteps steps) {
        List<Object> constants = new ArrayList<>();
        for (MoveStep step : steps.defaults) {
            constants.add(step.constant);
        }
        for (MoveStep step : steps.constants) {
            constants.add(step.source.absent());
        }
        return constants.toArray();
    }

    private void line(StraightClass.Line line, char kind, int... numbers) {
        lines.add(line);
        shape.append(kind);
        for (int number : numbers) {
            shape.append((char) number);
        }
    }

    private void put(int from, int position, int to) {
        line((out, i) -> {
            out.variable(StraightClass.ALOAD, VALUES);
            out.push(to);
            out.element(from, position);
            out.instruction(StraightClass.AASTORE);
        }, 'p', from, position, to);
    }

    private static void copy(StraightClass out, MoveStep copy) throws IOException {
        out.variable(StraightClass.ALOAD, ROW);
        out.push(copy.first);
        out.variable(StraightClass.ALOAD, VALUES);
        out.push(copy.to);
        out.push(copy.count);
        out.call("copy", "(" + VALUES_TYPE + "I" + VALUES_TYPE + "II)V");
    }
}
