package io.bucatini.connect.internal;

import io.bucatini.connect.BucatiniError;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** One row image or aggregate (wit/ROW-IMAGE.md) inside an array, and the input that its slots may refer to. */
final class RowImage {
    static final int FORMAT = 1;
    static final int FLAG_NO_VALUE = 1;
    static final int HEADER = 16;
    static final int MAX_IMAGE = 64 << 20;
    static final int MAX_AGGREGATE_DEPTH = 1_100;
    /** Bits that {@link #nulls} and {@link #tails} give at once: those of a word that begins within a byte. */
    static final int BITS = 57;

    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    final byte[] bytes;
    final byte[] input;
    final int slots;
    /** Where the null bits and the slots begin. */
    final int nulls;
    final int firstSlot;
    private final int inTail;
    private final int tail;
    private final int end;
    private final boolean noValue;

    /** Checks the header and the sizes. */
    RowImage(byte[] bytes, int from, int length, byte[] input) {
        if (length < HEADER) {
            throw header("fewer bytes than a header");
        }
        int start = (int) INT.get(bytes, from);
        int status = (int) INT.get(bytes, from + 4);
        this.bytes = bytes;
        this.input = input;
        this.slots = (int) INT.get(bytes, from + 8);
        int tailLength = (int) INT.get(bytes, from + 12);
        if ((start & 0xFF) != FORMAT) {
            throw header("another format");
        }
        if ((start & ~(FLAG_NO_VALUE << 8)) != FORMAT || status != 0) {
            throw header("unknown flags or status");
        }
        if (slots < 0 || slots > length / 8 || tailLength < 0 || tailStart(slots) + tailLength != length) {
            throw header("sizes that do not add up");
        }
        int set = bitBytes(slots);
        this.noValue = (start >> 8 & FLAG_NO_VALUE) != 0;
        this.nulls = from + HEADER;
        this.inTail = nulls + 2 * set;
        this.firstSlot = inTail + set;
        this.tail = from + (int) tailStart(slots);
        this.end = from + length;
        for (int at = nulls + set; at < inTail; at += 8) {
            if ((long) LONG.get(bytes, at) != 0) {
                throw new BucatiniError("row-image.unavailable",
                        "row image: found an unavailable value, which Connect cannot hold");
            }
        }
    }

    /** Bytes of one bit set. */
    static int bitBytes(int slots) {
        return (slots + 63) / 64 * 8;
    }

    /** Bytes before the tail. */
    static long tailStart(int slots) {
        return HEADER + 3L * bitBytes(slots) + 8L * slots;
    }

    boolean isNoValue() {
        return noValue;
    }

    void expectSlots(int expected) {
        if (slots != expected) {
            throw new BucatiniError("row-image.slots", "row image: expected " + expected + " slots, found " + slots);
        }
    }

    boolean isNull(int slot) {
        return (bytes[nulls + (slot >> 3)] >> (slot & 7) & 1) != 0;
    }

    boolean isInTail(int slot) {
        return (bytes[inTail + (slot >> 3)] >> (slot & 7) & 1) != 0;
    }

    /** The null bits of {@link #BITS} slots from {@code slot} on, the first one lowest. */
    long nulls(int slot) {
        return bits(nulls, slot);
    }

    /** The tail bits of {@link #BITS} slots from {@code slot} on, the first one lowest. */
    long tails(int slot) {
        return bits(inTail, slot);
    }

    /** The bits of the last slots lie before others, or before the slots: eight bytes are there always, if a slot is. */
    private long bits(int set, int slot) {
        return (long) LONG.get(bytes, set + (slot >> 3)) >>> (slot & 7);
    }

    long get(int slot) {
        return (long) LONG.get(bytes, firstSlot + 8 * slot);
    }

    /** The text that {@code slot}, whose value is {@code range}, points to. */
    String text(boolean inTail, int slot, long range, RecentText recent) {
        if (inTail) {
            return recent.of(bytes, tail + checked(slot, range, end - tail), length(range));
        }
        return recent.of(input, checked(slot, range, input.length), length(range));
    }

    /** The array that a slot points into. */
    byte[] heap(boolean inTail) {
        return inTail ? bytes : input;
    }

    /** Where in {@link #heap} the bytes of {@code slot} begin; the length is {@link #length(long)} of its value. */
    int offset(boolean inTail, int slot, long range) {
        return inTail ? tail + checked(slot, range, end - tail) : checked(slot, range, input.length);
    }

    private static int checked(int slot, long range, int size) {
        int offset = (int) range;
        int length = length(range);
        if ((offset | length) < 0 || offset > size - length) {
            throw outside(slot, range, size);
        }
        return offset;
    }

    private static BucatiniError outside(int slot, long range, int size) {
        return new BucatiniError("row-image.range", "row image: slot " + slot + " points to "
                + Integer.toUnsignedString(length(range)) + " bytes at " + Integer.toUnsignedString((int) range)
                + " of a heap of " + size);
    }

    static int length(long range) {
        return (int) (range >>> 32);
    }

    /** The aggregate that {@code slot} points to. */
    RowImage nested(int slot) {
        long range = get(slot);
        boolean inTail = isInTail(slot);
        int offset = offset(inTail, slot, range);
        if (!inTail) {
            throw header("an aggregate in the input");
        }
        return new RowImage(bytes, offset, length(range), input);
    }

    private static BucatiniError header(String found) {
        return new BucatiniError("row-image.header", "row image: expected format " + FORMAT + ", found " + found);
    }
}
