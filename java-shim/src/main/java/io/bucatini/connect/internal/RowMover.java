package io.bucatini.connect.internal;

/**
 * Makes the values of a row in a straight line: {@link RowMovers} writes such a class for steps that are used much. The methods
 * are what its lines call.
 */
abstract class RowMover {
    /** As {@link PlainRebuild}'s loops over the steps; {@code other} is the Struct that values are put from, beside the event. */
    abstract void move(Object[] row, Object[] event, Object[] other, Object[] constants, Object[] values);

    /** A value is not there: the steps say which one. */
    static final class Missing extends RuntimeException {
        static final Missing ANY = new Missing();

        private static final long serialVersionUID = 1L;

        private Missing() {
            super(null, null, false, false);
        }
    }

    static void require(Object value) {
        if (value == null) {
            throw Missing.ANY;
        }
    }

    static void copy(Object[] row, int first, Object[] values, int to, int count) {
        System.arraycopy(row, first, values, to, count);
    }

    static void standIn(Object[] values, int to, Object constant) {
        if (values[to] == null) {
            values[to] = constant;
        }
    }
}
