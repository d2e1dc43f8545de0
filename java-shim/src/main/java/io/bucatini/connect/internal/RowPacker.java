package io.bucatini.connect.internal;

import java.util.Date;

/**
 * Writes all fields of one struct to an image in a straight line: {@link RowPackers} writes such a class for a plan that is used
 * much. The methods are what its lines call. Their faults name neither field nor kind: the loop finds the fault again.
 */
abstract class RowPacker {
    /** As {@link RowImageWriter}'s loop over the fields of a struct. */
    abstract void pack(RowImageWriter writer, RowImagePlan[] children, Object[] values, RowImageWriter.Image image, int slot,
            int depth);

    static void bool(Object value, RowImageWriter.Image image, int at) {
        if (value instanceof Boolean) {
            image.set(at, (Boolean) value ? 1 : 0);
        } else {
            absent(value, image, at);
        }
    }

    static void int32(Object value, RowImageWriter.Image image, int at) {
        if (value instanceof Integer) {
            image.set(at, (Integer) value);
        } else {
            absent(value, image, at);
        }
    }

    static void int64(Object value, RowImageWriter.Image image, int at) {
        if (value instanceof Long) {
            image.set(at, (Long) value);
        } else {
            absent(value, image, at);
        }
    }

    static void float64(Object value, RowImageWriter.Image image, int at) {
        if (value instanceof Double) {
            image.set(at, Double.doubleToRawLongBits((Double) value));
        } else {
            absent(value, image, at);
        }
    }

    static void timestamp(Object value, RowImageWriter.Image image, int at) {
        if (value instanceof Date) {
            image.set(at, ((Date) value).getTime());
        } else {
            absent(value, image, at);
        }
    }

    static void utf8(RowImageWriter writer, RowImagePlan plan, Object value, RowImageWriter.Image image, int at, int depth) {
        if (value instanceof String) {
            image.append(at, (String) value, plan.recent);
        } else {
            absent(value, image, at);
        }
    }

    static void decimal(RowImageWriter writer, RowImagePlan plan, Object value, RowImageWriter.Image image, int at, int depth) {
        if (value != null) {
            RowImageWriter.decimal(plan, value, image, at);
        } else {
            image.setNull(at);
        }
    }

    static void struct(RowImageWriter writer, RowImagePlan plan, Object value, RowImageWriter.Image image, int at, int depth) {
        if (value != null) {
            writer.struct(plan, writer.checked(plan, value), image, at, depth);
        } else {
            image.setNull(at);
        }
    }

    static void other(RowImageWriter writer, RowImagePlan plan, Object value, RowImageWriter.Image image, int at, int depth) {
        if (value != null) {
            writer.other(plan, value, image, at, depth);
        } else {
            image.setNull(at);
        }
    }

    private static void absent(Object value, RowImageWriter.Image image, int at) {
        if (value != null) {
            throw RowImageWriter.kind("another class", value);
        }
        image.setNull(at);
    }
}
