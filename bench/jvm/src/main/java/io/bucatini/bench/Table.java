package io.bucatini.bench;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Date;
import java.util.Objects;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.DataException;

/**
 * What a programmer would write for {@link Input#BASE} and nothing else: the same objects out of the same row image, and back, in
 * straight lines. Every slot is known, but what correctness demands of any program is done: every range lies in the payload, every
 * field that may be null is asked whether it is, a text is the last one of its place only if the bytes are the same, texts may be
 * other than ASCII and numbers larger than a long, Structs are of the schemas that are known. The floor of what any general code
 * can reach.
 */
final class Table {
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle BIG_ENDIAN = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);
    private static final VarHandle VALUES = values();
    private static final long NOT_ASCII = 0xFF80_FF80_FF80_FF80L;

    private static final int SLOTS = 46;
    private static final int NULLS = 16;
    private static final int UNAVAILABLE = 24;
    private static final int IN_TAIL = 32;
    private static final int FIRST_SLOT = 40;
    private static final int TAIL = FIRST_SLOT + 8 * SLOTS;
    private static final int BEFORE = 1;
    private static final int AFTER = 14;
    private static final int SOURCE = 27;
    private static final int OP = 40;
    private static final int TS_MS = 41;
    private static final int TRANSACTION = 42;
    private static final long HEADER = 1;
    private static final int SCALE = 2;

    private final Schema envelope;
    private final Schema row;
    private final Schema source;
    private final Known[] known = new Known[SLOTS];
    private byte[] out = new byte[4096];
    private int end;
    private long nulls;
    private long tails;

    /** The last text of a place. */
    private static final class Known {
        final String text;
        final byte[] bytes;
        /** The first and the last eight bytes, which may overlap; of less than eight zeros behind them. */
        final long head;
        final long rest;

        Known(byte[] heap, int offset, int length) {
            bytes = Arrays.copyOfRange(heap, offset, offset + length);
            text = new String(bytes, StandardCharsets.UTF_8);
            head = head(heap, offset, length);
            rest = rest(heap, offset, length);
        }

        boolean is(byte[] heap, int offset, int length) {
            return length == bytes.length && length <= 16 && head(heap, offset, length) == head
                    && rest(heap, offset, length) == rest;
        }

        private static long head(byte[] heap, int offset, int length) {
            return length >= 8 ? (long) LONG.get(heap, offset) : length >= 4 ? (int) INT.get(heap, offset)
                    : length > 0 ? heap[offset] : 0;
        }

        private static long rest(byte[] heap, int offset, int length) {
            int end = offset + length;
            return length >= 8 ? (long) LONG.get(heap, end - 8) : length >= 4 ? (int) INT.get(heap, end - 4)
                    : length > 1 ? heap[offset + 1] << 8 | heap[end - 1] & 0xFF : 0;
        }
    }

    /** @param schema of the Structs to make */
    Table(Schema schema) {
        envelope = schema;
        row = envelope.field("after").schema();
        source = envelope.field("source").schema();
        Arrays.fill(known, new Known(new byte[0], 0, 0));
    }

    private static VarHandle values() {
        try {
            return MethodHandles.privateLookupIn(Struct.class, MethodHandles.lookup())
                    .findVarHandle(Struct.class, "values", Object[].class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** The values behind a Struct. */
    static Object[] array(Struct struct) {
        return (Object[]) VALUES.get(struct);
    }

    /** An image of this table that refers to its payload only and lacks nothing. */
    private static long check(byte[] image, int length) {
        if (length != TAIL || (long) LONG.get(image, 0) != HEADER || (long) LONG.get(image, 8) != SLOTS
                || ((long) LONG.get(image, UNAVAILABLE) | (long) LONG.get(image, IN_TAIL)) != 0) {
            throw new IllegalStateException("another image");
        }
        return (long) LONG.get(image, NULLS);
    }

    Struct event(byte[] image, int length, byte[] input) {
        long nulls = check(image, length);
        if ((nulls >> TRANSACTION & 1) == 0) {
            throw new IllegalStateException("a transaction");
        }
        Struct event = new Struct(envelope);
        Object[] values = array(event);
        values[0] = row(image, input, nulls, BEFORE);
        values[1] = row(image, input, nulls, AFTER);
        values[2] = source(image, input, nulls);
        values[3] = known(image, input, OP);
        values[4] = isNull(nulls, TS_MS) ? null : (Object) slot(image, TS_MS);
        return event;
    }

    /** The row after the change alone. */
    Struct after(byte[] image, int length, byte[] input) {
        return row(image, input, check(image, length), AFTER);
    }

    private static boolean isNull(long nulls, int slot) {
        return (nulls >> slot & 1) != 0;
    }

    private Struct row(byte[] image, byte[] input, long nulls, int slot) {
        if (isNull(nulls, slot)) {
            return null;
        }
        Struct struct = new Struct(row);
        Object[] values = array(struct);
        values[0] = (int) slot(image, slot + 1);
        values[1] = text(image, input, slot + 2);
        values[2] = text(image, input, slot + 3);
        values[3] = isNull(nulls, slot + 4) ? null : text(image, input, slot + 4);
        values[4] = decimal(image, input, slot + 5);
        values[5] = (int) slot(image, slot + 6);
        values[6] = isNull(nulls, slot + 7) ? null : (Object) Double.longBitsToDouble(slot(image, slot + 7));
        values[7] = slot(image, slot + 8) != 0;
        values[8] = slot(image, slot + 9);
        values[9] = isNull(nulls, slot + 10) ? null : new Date(slot(image, slot + 10));
        values[10] = isNull(nulls, slot + 11) ? null : text(image, input, slot + 11);
        values[11] = isNull(nulls, slot + 12) ? null : bytes(image, input, slot + 12);
        return struct;
    }

    private Struct source(byte[] image, byte[] input, long nulls) {
        Struct struct = new Struct(source);
        Object[] values = array(struct);
        values[0] = known(image, input, SOURCE + 1);
        values[1] = known(image, input, SOURCE + 2);
        values[2] = known(image, input, SOURCE + 3);
        values[3] = slot(image, SOURCE + 4);
        values[4] = isNull(nulls, SOURCE + 5) ? null : known(image, input, SOURCE + 5);
        values[5] = known(image, input, SOURCE + 6);
        values[6] = isNull(nulls, SOURCE + 7) ? null : text(image, input, SOURCE + 7);
        values[7] = known(image, input, SOURCE + 8);
        values[8] = known(image, input, SOURCE + 9);
        values[9] = isNull(nulls, SOURCE + 10) ? null : (Object) slot(image, SOURCE + 10);
        values[10] = isNull(nulls, SOURCE + 11) ? null : (Object) slot(image, SOURCE + 11);
        values[11] = isNull(nulls, SOURCE + 12) ? null : (Object) slot(image, SOURCE + 12);
        return struct;
    }

    private static long slot(byte[] image, int slot) {
        return (long) LONG.get(image, FIRST_SLOT + 8 * slot);
    }

    private String known(byte[] image, byte[] input, int slot) {
        long range = slot(image, slot);
        int offset = (int) range;
        int length = (int) (range >>> 32);
        Objects.checkFromIndexSize(offset, length, input.length);
        Known last = known[slot];
        if (!last.is(input, offset, length)) {
            last = new Known(input, offset, length);
            known[slot] = last;
        }
        return last.text;
    }

    private static String text(byte[] image, byte[] input, int slot) {
        long range = slot(image, slot);
        return new String(input, (int) range, (int) (range >>> 32), StandardCharsets.UTF_8);
    }

    private static ByteBuffer bytes(byte[] image, byte[] input, int slot) {
        long range = slot(image, slot);
        int offset = (int) range;
        int length = (int) (range >>> 32);
        Objects.checkFromIndexSize(offset, length, input.length);
        return ByteBuffer.wrap(Arrays.copyOfRange(input, offset, offset + length));
    }

    private static BigDecimal decimal(byte[] image, byte[] input, int slot) {
        long range = slot(image, slot);
        int offset = (int) range;
        int length = (int) (range >>> 32);
        Objects.checkFromIndexSize(offset, length, input.length);
        if (length > 8 || length == 0 || offset < 8) {
            return new BigDecimal(new BigInteger(input, offset, length), SCALE);
        }
        long number = (long) BIG_ENDIAN.get(input, offset + length - 8);
        return BigDecimal.valueOf(number << 64 - 8 * length >> 64 - 8 * length, SCALE);
    }

    /** Writes the image of an event and answers its length; it lies in {@link #image}. */
    int write(Schema schema, Object value) {
        Struct event = (Struct) value;
        if (schema != envelope || event.schema() != envelope) {
            throw new DataException("another schema");
        }
        Arrays.fill(out, 0, TAIL, (byte) 0);
        out[0] = 1;
        INT.set(out, 8, SLOTS);
        end = TAIL;
        nulls = 0;
        tails = 0;
        Object[] values = array(event);
        row(values[0], BEFORE);
        row(values[1], AFTER);
        source((Struct) values[2]);
        same((String) values[3], OP);
        number((Long) values[4], TS_MS);
        if (values[5] != null) {
            throw new IllegalStateException("a transaction");
        }
        nulls |= 1L << TRANSACTION;
        int padded = end + 7 & -8;
        room(8);
        LONG.set(out, end, 0L);
        LONG.set(out, NULLS, nulls);
        LONG.set(out, IN_TAIL, tails);
        INT.set(out, 12, padded - TAIL);
        return padded;
    }

    byte[] image() {
        return out;
    }

    private void room(int bytes) {
        if (bytes > out.length - end) {
            out = Arrays.copyOf(out, 2 * out.length + bytes);
        }
    }

    private void row(Object value, int slot) {
        if (value == null) {
            nulls |= 1L << slot;
            return;
        }
        Struct struct = (Struct) value;
        if (struct.schema() != row) {
            throw new DataException("another schema");
        }
        Object[] values = array(struct);
        put(slot + 1, (Integer) values[0]);
        text((String) values[1], slot + 2);
        text((String) values[2], slot + 3);
        text((String) values[3], slot + 4);
        decimal((BigDecimal) values[4], slot + 5);
        put(slot + 6, (Integer) values[5]);
        if (values[6] == null) {
            nulls |= 1L << slot + 7;
        } else {
            put(slot + 7, Double.doubleToRawLongBits((Double) values[6]));
        }
        put(slot + 8, (Boolean) values[7] ? 1 : 0);
        put(slot + 9, (Long) values[8]);
        if (values[9] == null) {
            nulls |= 1L << slot + 10;
        } else {
            put(slot + 10, ((Date) values[9]).getTime());
        }
        text((String) values[10], slot + 11);
        if (values[11] == null) {
            nulls |= 1L << slot + 12;
        } else {
            ByteBuffer bytes = (ByteBuffer) values[11];
            int length = bytes.remaining();
            room(length);
            bytes.get(bytes.position(), out, end, length);
            range(slot + 12, length);
        }
    }

    private void decimal(BigDecimal value, int slot) {
        if (value.scale() != SCALE) {
            throw new DataException("another scale");
        }
        room(16);
        if (value.precision() > 18) {
            byte[] bytes = value.unscaledValue().toByteArray();
            raw(bytes, bytes.length, slot);
            return;
        }
        long number = value.scaleByPowerOfTen(SCALE).longValue();
        int length = (64 - Long.numberOfLeadingZeros(number ^ number >> 63)) / 8 + 1;
        BIG_ENDIAN.set(out, end, number << 64 - 8 * length);
        range(slot, length);
    }

    private void source(Struct struct) {
        if (struct.schema() != source) {
            throw new DataException("another schema");
        }
        Object[] values = array(struct);
        same((String) values[0], SOURCE + 1);
        same((String) values[1], SOURCE + 2);
        same((String) values[2], SOURCE + 3);
        put(SOURCE + 4, (Long) values[3]);
        same((String) values[4], SOURCE + 5);
        same((String) values[5], SOURCE + 6);
        text((String) values[6], SOURCE + 7);
        same((String) values[7], SOURCE + 8);
        same((String) values[8], SOURCE + 9);
        number((Long) values[9], SOURCE + 10);
        number((Long) values[10], SOURCE + 11);
        number((Long) values[11], SOURCE + 12);
    }

    private void number(Long value, int slot) {
        if (value == null) {
            nulls |= 1L << slot;
        } else {
            put(slot, value);
        }
    }

    /** A text that is the last one of its place, usually. */
    private void same(String text, int slot) {
        if (text == null) {
            nulls |= 1L << slot;
            return;
        }
        Known last = known[slot];
        if (!last.text.equals(text)) {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            last = new Known(bytes, 0, bytes.length);
            known[slot] = last;
        }
        raw(last.bytes, last.bytes.length, slot);
    }

    private void text(String text, int slot) {
        if (text == null) {
            nulls |= 1L << slot;
            return;
        }
        int length = text.length();
        room(length + 8);
        if (!ascii(text, length)) {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            raw(bytes, bytes.length, slot);
        } else {
            range(slot, length);
        }
    }

    /** Without an array in between: eight characters a step, the last eight overlap. */
    private boolean ascii(String text, int length) {
        int last = length - 8;
        if (last < 0) {
            int seen = 0;
            for (int i = 0; i < length; i++) {
                char one = text.charAt(i);
                seen |= one;
                out[end + i] = (byte) one;
            }
            return seen < 0x80;
        }
        for (int i = 0; i < last; i += 8) {
            if (!eight(text, i, end + i)) {
                return false;
            }
        }
        return eight(text, last, end + last);
    }

    private boolean eight(String text, int from, int at) {
        long even = text.charAt(from) | (long) text.charAt(from + 2) << 16 | (long) text.charAt(from + 4) << 32
                | (long) text.charAt(from + 6) << 48;
        long odd = text.charAt(from + 1) | (long) text.charAt(from + 3) << 16 | (long) text.charAt(from + 5) << 32
                | (long) text.charAt(from + 7) << 48;
        LONG.set(out, at, even | odd << 8);
        return ((even | odd) & NOT_ASCII) == 0;
    }

    private void raw(byte[] bytes, int length, int slot) {
        room(length);
        System.arraycopy(bytes, 0, out, end, length);
        range(slot, length);
    }

    private void put(int slot, long value) {
        LONG.set(out, FIRST_SLOT + 8 * slot, value);
    }

    private void range(int slot, int length) {
        put(slot, end - TAIL | (long) length << 32);
        tails |= 1L << slot;
        end += length;
    }
}
