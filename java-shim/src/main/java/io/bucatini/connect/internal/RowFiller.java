package io.bucatini.connect.internal;

import java.util.Date;

/**
 * Reads all fields of one struct in a straight line: {@link RowFillers} writes such a class for a plan that is used much. The
 * methods are what its lines call; each answers null where the image has a null.
 */
abstract class RowFiller {
    /** As {@link RowImageReader#fields}; a fault names no field. */
    abstract void fill(RowImageReader reader, RowImagePlan[] children, RowImage image, int slot, int depth, Object[] values);

    static Object bool(RowImage image, int at) {
        return image.isNull(at) ? null : (Object) (image.get(at) != 0);
    }

    static Object int32(RowImage image, int at) {
        return image.isNull(at) ? null : (Object) (int) image.get(at);
    }

    static Object int64(RowImage image, int at) {
        return image.isNull(at) ? null : (Object) image.get(at);
    }

    static Object float64(RowImage image, int at) {
        return image.isNull(at) ? null : (Object) Double.longBitsToDouble(image.get(at));
    }

    static Object timestamp(RowImage image, int at) {
        return image.isNull(at) ? null : new Date(image.get(at));
    }

    static Object utf8(RowImageReader reader, RowImagePlan plan, RowImage image, int at, int depth) {
        return image.isNull(at) ? null : image.text(at, image.get(at), plan.recent);
    }

    static Object decimal(RowImageReader reader, RowImagePlan plan, RowImage image, int at, int depth) {
        return image.isNull(at) ? null : RowImageReader.decimal(plan, image, at, image.get(at));
    }

    static Object struct(RowImageReader reader, RowImagePlan plan, RowImage image, int at, int depth) {
        return image.isNull(at) ? null : reader.struct(plan, plan.schema, image, at, depth);
    }

    static Object other(RowImageReader reader, RowImagePlan plan, RowImage image, int at, int depth) {
        return image.isNull(at) ? null : reader.value(plan, plan.kind, image, at, depth);
    }
}
