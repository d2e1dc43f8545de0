package io.bucatini.connect.internal;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The building blocks of the boundary messages (wire.rs) on a growing array: little-endian, {@code u32} lengths. Reused from
 * call to call.
 */
final class WireWriter {
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle BIG_ENDIAN = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);
    /** A message holds a few images of at most 64 MiB each. */
    private static final int MAX_MESSAGE = 1 << 29;
    /** For longer texts {@code getBytes} is as fast. */
    private static final int SHORT = 64;
    private static final long NOT_ASCII = 0xFF80_FF80_FF80_FF80L;

    private byte[] bytes;
    private int length;

    WireWriter(int capacity) {
        bytes = new byte[capacity];
    }

    /** The array behind the message, longer than {@link #length}; valid until something is appended. */
    byte[] array() {
        return bytes;
    }

    int length() {
        return length;
    }

    int capacity() {
        return bytes.length;
    }

    /** Starts a new message. */
    WireWriter reset() {
        length = 0;
        return this;
    }

    /** Forgets what was appended since the message had as many bytes. */
    void truncate(int to) {
        length = to;
    }

    /** Gives up an array that has become too large. */
    void shrink() {
        length = 0;
        bytes = new byte[1024];
    }

    byte[] toBytes() {
        return Arrays.copyOf(bytes, length);
    }

    void u8(int value) {
        int at = extend(1);
        bytes[at] = (byte) value;
    }

    void u32(int value) {
        int at = extend(4);
        INT.set(bytes, at, value);
    }

    void i64(long value) {
        int at = extend(8);
        LONG.set(bytes, at, value);
    }

    /** Length and bytes. */
    void bytes(byte[] value) {
        u32(value.length);
        raw(value, 0, value.length);
    }

    /** Length and UTF-8. */
    void str(String value) {
        bytes(value.getBytes(StandardCharsets.UTF_8));
    }

    /** UTF-8 without its length. */
    void utf8(String value) {
        int count = value.length();
        if (count > SHORT || !isAscii(value, count)) {
            byte[] utf8 = value.getBytes(StandardCharsets.UTF_8);
            raw(utf8, 0, utf8.length);
        }
    }

    /**
     * Appends a short text and answers true if all of it is ASCII: {@code getBytes} would make an array and copy it twice. Eight
     * characters a step, the last eight overlap with those before: whatever is not a whole step costs more than a step.
     */
    private boolean isAscii(String value, int count) {
        int at = extend(count);
        byte[] to = bytes;
        int last = count - 8;
        if (last >= 0) {
            for (int i = 0; i < last; i += 8) {
                if (!eight(value, i, to, at + i)) {
                    length = at;
                    return false;
                }
            }
            if (eight(value, last, to, at + last)) {
                return true;
            }
            length = at;
            return false;
        }
        int seen = 0;
        for (int i = 0; i < count; i++) {
            char one = value.charAt(i);
            seen |= one;
            to[at + i] = (byte) one;
        }
        if (seen < 0x80) {
            return true;
        }
        length = at;
        return false;
    }

    /** In lanes of 16 bits, where no character spills into another. */
    private static boolean eight(String value, int from, byte[] to, int at) {
        long even = value.charAt(from) | (long) value.charAt(from + 2) << 16 | (long) value.charAt(from + 4) << 32
                | (long) value.charAt(from + 6) << 48;
        long odd = value.charAt(from + 1) | (long) value.charAt(from + 3) << 16 | (long) value.charAt(from + 5) << 32
                | (long) value.charAt(from + 7) << 48;
        if (((even | odd) & NOT_ASCII) != 0) {
            return false;
        }
        LONG.set(to, at, even | odd << 8);
        return true;
    }

    /** The first {@code count} bytes of an array that goes on to a multiple of 16. */
    void padded(byte[] value, int count) {
        int at = length;
        if (count + 15 > bytes.length - at) {
            grow(count + 15);
        }
        byte[] to = bytes;
        for (int i = 0; i < count; i += 16) {
            LONG.set(to, at + i, (long) LONG.get(value, i));
            LONG.set(to, at + i + 8, (long) LONG.get(value, i + 8));
        }
        length = at + count;
    }

    void raw(byte[] value, int from, int count) {
        int at = extend(count);
        System.arraycopy(value, from, bytes, at, count);
    }

    /** Appends {@code count} zeros and answers where they begin. */
    int zeros(int count) {
        int at = extend(count);
        Arrays.fill(bytes, at, at + count, (byte) 0);
        return at;
    }

    /** Zeros, so that as many bytes from {@code base} on are a multiple of 8. */
    void pad(int base) {
        reserve(8);
        LONG.set(bytes, length, 0L);
        length += base - length & 7;
    }

    /** The low {@code count} bytes, 1 to 8, the highest first. */
    void bigEndian(long value, int count) {
        int at = extend(8);
        BIG_ENDIAN.set(bytes, at, value << 64 - 8 * count);
        length = at + count;
    }

    void setInt(int at, int value) {
        INT.set(bytes, at, value);
    }

    void setLong(int at, long value) {
        LONG.set(bytes, at, value);
    }

    void setBits(int at, long bits) {
        LONG.set(bytes, at, (long) LONG.get(bytes, at) | bits);
    }

    void setByte(int at, int value) {
        bytes[at] = (byte) value;
    }

    /** Makes room for as many bytes: for what is written anyway. */
    void reserve(int count) {
        if (count > bytes.length - length) {
            grow(count);
        }
    }

    private int extend(int count) {
        int at = length;
        if (count > bytes.length - at) {
            grow(count);
        }
        length = at + count;
        return at;
    }

    private void grow(int count) {
        if (count > MAX_MESSAGE - length) {
            throw new DataFault("wire.too-large", "expected a record of at most " + MAX_MESSAGE + " bytes, found a larger one");
        }
        bytes = Arrays.copyOf(bytes, Math.max(length + count, Math.min(MAX_MESSAGE, 2 * bytes.length)));
    }
}
