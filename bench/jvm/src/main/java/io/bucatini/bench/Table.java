package io.bucatini.bench;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Date;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;

/**
 * What a programmer would write for {@link Input#BASE} and nothing else: the same objects out of the same row image, and back,
 * in straight lines. Knows every slot, takes the texts of the source for granted, believes what it reads, knows only ASCII: the
 * floor of what any general code can reach.
 */
final class Table {
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle BIG_ENDIAN = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);
    private static final VarHandle VALUES = values();

    private static final int SLOTS = 46;
    private static final int NULLS = 16;
    private static final int IN_TAIL = 32;
    private static final int FIRST_SLOT = 40;
    private static final int TAIL = FIRST_SLOT + 8 * SLOTS;
    private static final int BEFORE = 1;
    private static final int AFTER = 14;
    private static final int SOURCE = 27;
    private static final int OP = 40;
    private static final int TS_MS = 41;
    private static final int TRANSACTION = 42;

    private final Schema envelope;
    private final Schema row;
    private final Schema source;
    private final Object[] constants;
    private final Object op;
    private final byte[][] texts;
    private final byte[] out = new byte[4096];
    private int end;
    private long nulls;
    private long tails;

    /** @param schema of the Structs to make */
    Table(Input input, Schema schema) {
        envelope = schema;
        row = envelope.field("after").schema();
        source = envelope.field("source").schema();
        constants = array(input.values[0].getStruct("source")).clone();
        op = input.values[0].get("op");
        texts = new byte[constants.length][];
        for (int i = 0; i < constants.length; i++) {
            texts[i] = constants[i] instanceof String ? ((String) constants[i]).getBytes(StandardCharsets.UTF_8) : null;
        }
    }

    private static VarHandle values() {
        try {
            return MethodHandles.privateLookupIn(Struct.class, MethodHandles.lookup())
                    .findVarHandle(Struct.class, "values", Object[].class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    static Object[] array(Struct struct) {
        return (Object[]) VALUES.get(struct);
    }

    Struct event(byte[] image, byte[] input) {
        Struct event = new Struct(envelope);
        Object[] values = array(event);
        long nulls = (long) LONG.get(image, NULLS);
        values[0] = row(image, input, nulls, BEFORE);
        values[1] = row(image, input, nulls, AFTER);
        values[2] = source(image, input, nulls);
        values[3] = op;
        values[4] = (nulls >> TS_MS & 1) != 0 ? null : (Object) slot(image, TS_MS);
        return event;
    }

    /** The row after the change alone. */
    Struct after(byte[] image, byte[] input) {
        return row(image, input, (long) LONG.get(image, NULLS), AFTER);
    }

    private Struct row(byte[] image, byte[] input, long nulls, int slot) {
        if ((nulls >> slot & 1) != 0) {
            return null;
        }
        nulls >>= slot + 1;
        Struct struct = new Struct(row);
        Object[] values = array(struct);
        values[0] = (int) slot(image, slot + 1);
        values[1] = text(image, input, slot + 2);
        values[2] = text(image, input, slot + 3);
        values[3] = (nulls & 1 << 3) != 0 ? null : text(image, input, slot + 4);
        values[4] = decimal(image, input, slot + 5);
        values[5] = (int) slot(image, slot + 6);
        values[6] = (nulls & 1 << 6) != 0 ? null : (Object) Double.longBitsToDouble(slot(image, slot + 7));
        values[7] = slot(image, slot + 8) != 0;
        values[8] = slot(image, slot + 9);
        values[9] = (nulls & 1 << 9) != 0 ? null : new Date(slot(image, slot + 10));
        values[10] = (nulls & 1 << 10) != 0 ? null : text(image, input, slot + 11);
        values[11] = (nulls & 1 << 11) != 0 ? null : bytes(image, input, slot + 12);
        return struct;
    }

    private Struct source(byte[] image, byte[] input, long nulls) {
        Struct struct = new Struct(source);
        Object[] values = array(struct);
        System.arraycopy(constants, 0, values, 0, constants.length);
        values[3] = slot(image, SOURCE + 4);
        values[6] = text(image, input, SOURCE + 7);
        values[9] = slot(image, SOURCE + 10);
        values[10] = slot(image, SOURCE + 11);
        return struct;
    }

    private static long slot(byte[] image, int slot) {
        return (long) LONG.get(image, FIRST_SLOT + 8 * slot);
    }

    private static String text(byte[] image, byte[] input, int slot) {
        long range = slot(image, slot);
        return new String(input, (int) range, (int) (range >>> 32), StandardCharsets.ISO_8859_1);
    }

    private static ByteBuffer bytes(byte[] image, byte[] input, int slot) {
        long range = slot(image, slot);
        return ByteBuffer.wrap(Arrays.copyOfRange(input, (int) range, (int) range + (int) (range >>> 32)));
    }

    private static BigDecimal decimal(byte[] image, byte[] input, int slot) {
        long range = slot(image, slot);
        int length = (int) (range >>> 32);
        long number = (long) BIG_ENDIAN.get(input, (int) range + length - 8);
        return BigDecimal.valueOf(number << 64 - 8 * length >> 64 - 8 * length, 2);
    }

    /** Writes the image of an event and answers its length; it lies in {@link #image}. */
    int write(Struct event) {
        Arrays.fill(out, 0, TAIL, (byte) 0);
        out[0] = 1;
        INT.set(out, 8, SLOTS);
        end = TAIL;
        nulls = 1L << TRANSACTION;
        tails = 0;
        Object[] values = array(event);
        row(values[0], BEFORE);
        row(values[1], AFTER);
        source(array((Struct) values[2]));
        text((String) values[3], OP);
        number((Long) values[4], TS_MS);
        int padded = end + 7 & -8;
        LONG.set(out, end, 0L);
        LONG.set(out, NULLS, nulls);
        LONG.set(out, IN_TAIL, tails);
        INT.set(out, 12, padded - TAIL);
        return padded;
    }

    byte[] image() {
        return out;
    }

    private void row(Object struct, int slot) {
        Object[] values = array((Struct) struct);
        put(slot + 1, (Integer) values[0]);
        text((String) values[1], slot + 2);
        text((String) values[2], slot + 3);
        text((String) values[3], slot + 4);
        BigDecimal price = (BigDecimal) values[4];
        long number = price.scaleByPowerOfTen(2).longValue();
        int length = (64 - Long.numberOfLeadingZeros(number ^ number >> 63)) / 8 + 1;
        BIG_ENDIAN.set(out, end, number << 64 - 8 * length);
        range(slot + 5, length);
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
            System.arraycopy(bytes.array(), 0, out, end, bytes.limit());
            range(slot + 12, bytes.limit());
        }
    }

    private void source(Object[] values) {
        for (int i = 0; i < values.length; i++) {
            if (i == 3 || i == 9 || i == 10) {
                number((Long) values[i], SOURCE + 1 + i);
            } else if (i == 6) {
                text((String) values[i], SOURCE + 1 + i);
            } else if (texts[i] == null) {
                nulls |= 1L << SOURCE + 1 + i;
            } else {
                raw(texts[i], SOURCE + 1 + i);
            }
        }
    }

    private void number(Long value, int slot) {
        if (value == null) {
            nulls |= 1L << slot;
        } else {
            put(slot, value);
        }
    }

    private void text(String text, int slot) {
        if (text == null) {
            nulls |= 1L << slot;
        } else {
            ascii(text, slot);
        }
    }

    /** Without an array in between: eight characters a step, the last eight overlap. */
    private void ascii(String text, int slot) {
        int length = text.length();
        int last = length - 8;
        if (last < 0) {
            for (int i = 0; i < length; i++) {
                out[end + i] = (byte) text.charAt(i);
            }
        } else {
            for (int i = 0; i < last; i += 8) {
                LONG.set(out, end + i, eight(text, i));
            }
            LONG.set(out, end + last, eight(text, last));
        }
        range(slot, length);
    }

    private static long eight(String text, int at) {
        return text.charAt(at) | text.charAt(at + 1) << 8 | text.charAt(at + 2) << 16 | (long) text.charAt(at + 3) << 24
                | (long) text.charAt(at + 4) << 32 | (long) text.charAt(at + 5) << 40 | (long) text.charAt(at + 6) << 48
                | (long) text.charAt(at + 7) << 56;
    }

    private void raw(byte[] bytes, int slot) {
        System.arraycopy(bytes, 0, out, end, bytes.length);
        range(slot, bytes.length);
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
