package io.bucatini.connect.internal;

import java.io.IOException;

/** Writes a {@link RowFiller} for a plan. */
final class RowFillers {
    private static final String IMAGE_TYPE = "L" + StraightClass.PACKAGE + "RowImage;";
    private static final String PLAN_TYPE = "L" + StraightClass.PACKAGE + "RowImagePlan;";
    private static final String READER_TYPE = "L" + StraightClass.PACKAGE + "RowImageReader;";
    private static final String FIXED = "(" + IMAGE_TYPE + "JII)Ljava/lang/Object;";
    private static final String PLANNED = "(" + READER_TYPE + PLAN_TYPE + IMAGE_TYPE + "JJIII)Ljava/lang/Object;";
    private static final String FILL = "(" + READER_TYPE + "[" + PLAN_TYPE + IMAGE_TYPE + "II[Ljava/lang/Object;)V";
    private static final String BITS = "(" + IMAGE_TYPE + "I)J";

    private static final int READER = 1;
    private static final int CHILDREN = 2;
    private static final int IMAGE = 3;
    private static final int SLOT = 4;
    private static final int DEPTH = 5;
    private static final int VALUES = 6;
    /** Slot of the first of the fields whose bits are at hand. */
    private static final int FIRST = 7;
    private static final int NULLS = 8;
    private static final int TAILS = 10;
    private static final int VARIABLES = 12;

    private final RowImagePlan plan;
    /** Offset of the slot that FIRST holds; none yet. */
    private int first = -RowImage.BITS;

    private RowFillers(RowImagePlan plan) {
        this.plan = plan;
    }

    /** A filler for the plan of a struct; null if this JDK or this plan allows none. */
    static RowFiller of(RowImagePlan plan) {
        return StraightClass.of(plan, RowFiller.class, "fill", FILL, VARIABLES, new RowFillers(plan)::line);
    }

    private void line(StraightClass out, int i) throws IOException {
        int offset = plan.offsets[i];
        if (offset - first >= RowImage.BITS) {
            turn(out, offset);
        }
        boolean fixed = StraightClass.isFixed(plan.kinds[i]);
        out.variable(StraightClass.ALOAD, VALUES);
        out.push(i);
        if (!fixed) {
            out.variable(StraightClass.ALOAD, READER);
            out.element(CHILDREN, i);
        }
        out.variable(StraightClass.ALOAD, IMAGE);
        out.variable(StraightClass.LLOAD, NULLS);
        if (!fixed) {
            out.variable(StraightClass.LLOAD, TAILS);
        }
        out.variable(StraightClass.ILOAD, FIRST);
        out.push(offset - first);
        if (!fixed) {
            out.variable(StraightClass.ILOAD, DEPTH);
        }
        out.call(StraightClass.name(plan.kinds[i]), fixed ? FIXED : PLANNED);
        out.instruction(StraightClass.AASTORE);
    }

    /** Has the bits of the fields from one offset on at hand. */
    private void turn(StraightClass out, int offset) throws IOException {
        first = offset;
        out.variable(StraightClass.ILOAD, SLOT);
        out.push(offset);
        out.instruction(StraightClass.IADD);
        out.variable(StraightClass.ISTORE, FIRST);
        bits(out, "nulls", NULLS);
        bits(out, "tails", TAILS);
    }

    private static void bits(StraightClass out, String of, int variable) throws IOException {
        out.variable(StraightClass.ALOAD, IMAGE);
        out.variable(StraightClass.ILOAD, FIRST);
        out.call(of, BITS);
        out.variable(StraightClass.LSTORE, variable);
    }
}
