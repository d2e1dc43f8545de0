package io.bucatini.connect.internal;

import java.io.IOException;

/** Writes a {@link RowFiller} for a plan. */
final class RowFillers {
    private static final String IMAGE_TYPE = "L" + StraightClass.PACKAGE + "RowImage;";
    private static final String PLAN_TYPE = "L" + StraightClass.PACKAGE + "RowImagePlan;";
    private static final String READER_TYPE = "L" + StraightClass.PACKAGE + "RowImageReader;";
    private static final String FIXED = "(" + IMAGE_TYPE + "I)Ljava/lang/Object;";
    private static final String PLANNED = "(" + READER_TYPE + PLAN_TYPE + IMAGE_TYPE + "II)Ljava/lang/Object;";
    private static final String FILL = "(" + READER_TYPE + "[" + PLAN_TYPE + IMAGE_TYPE + "II[Ljava/lang/Object;)V";

    private static final int READER = 1;
    private static final int CHILDREN = 2;
    private static final int IMAGE = 3;
    private static final int SLOT = 4;
    private static final int DEPTH = 5;
    private static final int VALUES = 6;

    private RowFillers() {}

    /** A filler for the plan of a struct; null if this JDK or this plan allows none. */
    static RowFiller of(RowImagePlan plan) {
        return StraightClass.of(plan, RowFiller.class, "fill", FILL, 7, (out, i) -> line(plan, out, i));
    }

    private static void line(RowImagePlan plan, StraightClass out, int i) throws IOException {
        boolean fixed = StraightClass.isFixed(plan.kinds[i]);
        out.load(StraightClass.ALOAD, VALUES);
        out.push(i);
        if (!fixed) {
            out.load(StraightClass.ALOAD, READER);
            out.element(CHILDREN, i);
        }
        out.load(StraightClass.ALOAD, IMAGE);
        out.load(StraightClass.ILOAD, SLOT);
        out.push(plan.offsets[i]);
        out.instruction(StraightClass.IADD);
        if (!fixed) {
            out.load(StraightClass.ILOAD, DEPTH);
        }
        out.call(StraightClass.name(plan.kinds[i]), fixed ? FIXED : PLANNED);
        out.instruction(StraightClass.AASTORE);
    }
}
