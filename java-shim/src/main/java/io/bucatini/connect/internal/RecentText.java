package io.bucatini.connect.internal;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The last text of one place and its bytes: names of servers, schemas, tables and operations are the same record after record,
 * and comparing takes less than converting. A place whose texts change is given up. Races are harmless: whoever loses
 * converts.
 */
final class RecentText {
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final long HIGH = 0x8080_8080_8080_8080L;
    private static final int LONGEST = 64;
    /** Misses that are forgiven; each hit makes up for one. */
    private static final int PATIENCE = 64;

    /** Texts of one ASCII character: operations, flags. */
    private static final String[] SINGLES = new String[128];

    static {
        Arrays.setAll(SINGLES, c -> String.valueOf((char) c));
    }

    private static final class Entry {
        final byte[] bytes;
        final String text;
        /** The bytes and zeros, a multiple of 16. */
        final byte[] padded;
        /** The first and the last bytes, which overlap: all of up to 16 bytes. */
        final long head;
        final long rest;

        Entry(byte[] bytes, String text) {
            this.bytes = bytes;
            this.text = text;
            this.padded = Arrays.copyOf(bytes, bytes.length + 15 & -16);
            this.head = head(bytes, 0, bytes.length);
            this.rest = rest(bytes, 0, bytes.length);
        }

        boolean is(byte[] heap, int offset, int length) {
            return length == bytes.length && head(heap, offset, length) == head && rest(heap, offset, length) == rest
                    && (length <= 16 || Arrays.equals(bytes, 8, length - 8, heap, offset + 8, offset + length - 8));
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

    private Entry last;
    /** None left: the place was given up. */
    private int patience = PATIENCE;

    /** Appends the UTF-8 of a text. */
    void write(String text, WireWriter out) {
        Entry entry = last;
        if (entry != null && entry.text.equals(text)) {
            hit();
            out.padded(entry.padded, entry.bytes.length);
        } else if (patience <= 0) {
            out.utf8(text);
        } else {
            missed(text, out);
        }
    }

    /** The text of {@code length} bytes of UTF-8. */
    String of(byte[] heap, int offset, int length) {
        return patience > 0 ? compared(heap, offset, length) : text(heap, offset, length);
    }

    private String compared(byte[] heap, int offset, int length) {
        if (length == 1 && heap[offset] >= 0) {
            return SINGLES[heap[offset]];
        }
        Entry entry = last;
        if (entry != null && entry.is(heap, offset, length)) {
            hit();
            return entry.text;
        }
        return missed(heap, offset, length);
    }

    /** The constructor that is told the charset is too large to be compiled into its caller; of ASCII another does the same. */
    @SuppressWarnings("deprecation")
    private static String text(byte[] heap, int offset, int length) {
        return isAscii(heap, offset, length)
                ? new String(heap, 0, offset, length) : new String(heap, offset, length, StandardCharsets.UTF_8);
    }

    private static boolean isAscii(byte[] heap, int offset, int length) {
        if (length < Long.BYTES) {
            return false;
        }
        int last = offset + length - Long.BYTES;
        long all = (long) LONG.get(heap, last);
        for (int at = offset; at < last; at += Long.BYTES) {
            all |= (long) LONG.get(heap, at);
        }
        return (all & HIGH) == 0;
    }

    private void hit() {
        if (patience < PATIENCE) {
            patience++;
        }
    }

    private void missed(String text, WireWriter out) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        if (bytes.length <= LONGEST) {
            keep(bytes, text);
        }
        out.raw(bytes, 0, bytes.length);
    }

    private String missed(byte[] heap, int offset, int length) {
        String text = new String(heap, offset, length, StandardCharsets.UTF_8);
        if (length <= LONGEST) {
            keep(Arrays.copyOfRange(heap, offset, offset + length), text);
        }
        return text;
    }

    private void keep(byte[] bytes, String text) {
        last = --patience > 0 ? new Entry(bytes, text) : null;
    }
}
