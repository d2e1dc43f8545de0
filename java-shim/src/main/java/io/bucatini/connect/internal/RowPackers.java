package io.bucatini.connect.internal;

import java.io.IOException;

/** Writes a {@link RowPacker} for a plan. */
final class RowPackers {
    private static final String IMAGE_TYPE = "L" + StraightClass.PACKAGE + "RowImageWriter$Image;";
    private static final String PLAN_TYPE = "L" + StraightClass.PACKAGE + "RowImagePlan;";
    private static final String WRITER_TYPE = "L" + StraightClass.PACKAGE + "RowImageWriter;";
    private static final String FIXED = "(Ljava/lang/Object;" + IMAGE_TYPE + "I)V";
    private static final String PLANNED = "(" + WRITER_TYPE + PLAN_TYPE + "Ljava/lang/Object;" + IMAGE_TYPE + "II)V";
    private static final String PACK = "(" + WRITER_TYPE + "[" + PLAN_TYPE + "[Ljava/lang/Object;" + IMAGE_TYPE + "II)V";

    private static final int WRITER = 1;
    private static final int CHILDREN = 2;
    private static final int VALUES = 3;
    private static final int IMAGE = 4;
    private static final int SLOT = 5;
    private static final int DEPTH = 6;

    private RowPackers() {}

    /** A packer for the plan of a struct; null if this JDK or this plan allows none. */
    static RowPacker of(RowImagePlan plan) {
        return StraightClass.of(plan, RowPacker.class, "pack", PACK, 7, (out, i) -> line(plan, out, i));
    }

    private static void line(RowImagePlan plan, StraightClass out, int i) throws IOException {
        boolean fixed = StraightClass.isFixed(plan.kinds[i]);
        if (!fixed) {
            out.variable(StraightClass.ALOAD, WRITER);
            out.element(CHILDREN, i);
        }
        out.element(VALUES, i);
        out.variable(StraightClass.ALOAD, IMAGE);
        out.variable(StraightClass.ILOAD, SLOT);
        out.push(plan.offsets[i]);
        out.instruction(StraightClass.IADD);
        if (!fixed) {
            out.variable(StraightClass.ILOAD, DEPTH);
        }
        out.call(StraightClass.name(plan.kinds[i]), fixed ? FIXED : PLANNED);
    }
}
