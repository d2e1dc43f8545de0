package io.bucatini.connect.internal;

import io.bucatini.connect.BucatiniError;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Reads the building blocks of the boundary messages (wire.rs); every length is checked before anything is taken. */
final class WireReader {
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private final byte[] bytes;
    private final int end;
    private int at;

    WireReader(byte[] bytes) {
        this(bytes, 0, bytes.length);
    }

    WireReader(byte[] bytes, int from, int length) {
        this.bytes = bytes;
        this.at = from;
        this.end = from + length;
    }

    int remaining() {
        return end - at;
    }

    int u8() {
        return bytes[take(1)] & 0xFF;
    }

    int u32() {
        return (int) INT.get(bytes, take(4));
    }

    long i64() {
        return (long) LONG.get(bytes, take(8));
    }

    byte[] bytes() {
        int length = length();
        int from = take(length);
        return Arrays.copyOfRange(bytes, from, from + length);
    }

    /** A length-prefixed part of the message, not copied. */
    WireReader part() {
        int length = length();
        return new WireReader(bytes, take(length), length);
    }

    String str() {
        int length = length();
        return new String(bytes, take(length), length, StandardCharsets.UTF_8);
    }

    /** A count of items that take at least {@code least} bytes each: one that cannot fit is refused before allocating. */
    int count(int least) {
        int count = u32();
        if (count < 0 || (long) count * least > remaining()) {
            throw new BucatiniError("wire.count", "boundary message: " + Integer.toUnsignedString(count)
                    + " items cannot fit into " + remaining() + " bytes");
        }
        return count;
    }

    /** Refuses anything that is left. */
    void finish(String message) {
        if (at != end) {
            throw new BucatiniError("wire.trailing", message + ": " + remaining() + " bytes after its end");
        }
    }

    byte[] array() {
        return bytes;
    }

    int position() {
        return at;
    }

    private int length() {
        int length = u32();
        if (length < 0) {
            throw truncated(length);
        }
        return length;
    }

    private int take(int count) {
        int from = at;
        if (count > end - from) {
            throw truncated(count);
        }
        at = from + count;
        return from;
    }

    private BucatiniError truncated(int wanted) {
        return new BucatiniError("wire.truncated", "boundary message: expected " + Integer.toUnsignedString(wanted)
                + " more bytes, found " + remaining());
    }
}
