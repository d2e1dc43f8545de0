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

    void setBit(int at, int bit) {
        bytes[at + (bit >> 3)] |= (byte) (1 << (bit & 7));
    }

    void setByte(int at, int value) {
        bytes[at] = (byte) value;
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
