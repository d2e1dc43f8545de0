package io.bucatini.connect.internal;

import java.util.Date;

/**
 * Reads all fields of one struct in a straight line: {@link RowFillers} writes such a class for a plan that is used much. The
 * methods are what its lines call. Each answers null where the image has a null: in {@code nulls}, and where its bytes are in
 * {@code tails}, at the bit {@code field} of the slots that begin at {@code first}.
 */
abstract class RowFiller {
    /** As {@link RowImageReader#fields}; a fault names no field. */
    abstract void fill(RowImageReader reader, RowImagePlan[] children, RowImage image, int slot, int depth, Object[] values);

    static long nulls(RowImage image, int first) {
        return image.nulls(first);
    }

    static long tails(RowImage image, int first) {
        return image.tails(first);
    }

    private static boolean is(long bits, int field) {
        return (bits >>> field & 1) != 0;
    }

    static Object bool(RowImage image, long nulls, int first, int field) {
        return is(nulls, field) ? null : (Object) (image.get(first + field) != 0);
    }

    static Object int32(RowImage image, long nulls, int first, int field) {
        return is(nulls, field) ? null : (Object) (int) image.get(first + field);
    }

    static Object int64(RowImage image, long nulls, int first, int field) {
        return is(nulls, field) ? null : (Object) image.get(first + field);
    }

    static Object float64(RowImage image, long nulls, int first, int field) {
        return is(nulls, field) ? null : (Object) Double.longBitsToDouble(image.get(first + field));
    }

    static Object timestamp(RowImage image, long nulls, int first, int field) {
        return is(nulls, field) ? null : new Date(image.get(first + field));
    }

    static Object utf8(RowImageReader reader, RowImagePlan plan, RowImage image, long nulls, long tails, int first, int field,
            int depth) {
        int at = first + field;
        return is(nulls, field) ? null : image.text(is(tails, field), at, image.get(at), plan.recent);
    }

    static Object decimal(RowImageReader reader, RowImagePlan plan, RowImage image, long nulls, long tails, int first, int field,
            int depth) {
        int at = first + field;
        return is(nulls, field) ? null : RowImageReader.decimal(plan, image, is(tails, field), at, image.get(at));
    }

    static Object struct(RowImageReader reader, RowImagePlan plan, RowImage image, long nulls, long tails, int first, int field,
            int depth) {
        return is(nulls, field) ? null : reader.struct(plan, plan.schema, image, first + field, depth);
    }

    static Object other(RowImageReader reader, RowImagePlan plan, RowImage image, long nulls, long tails, int first, int field,
            int depth) {
        return is(nulls, field) ? null : reader.value(plan, plan.kind, image, first + field, depth);
    }
}
