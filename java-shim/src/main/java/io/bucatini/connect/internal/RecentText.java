package io.bucatini.connect.internal;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The last text of one place and its bytes: names of servers, schemas, tables and operations are the same record after record,
 * and comparing takes less than converting. A place whose texts change is given up. Races are harmless: whoever loses
 * converts.
 */
final class RecentText {
    private static final int LONGEST = 64;
    /** Misses that are forgiven; each hit makes up for one. */
    private static final int PATIENCE = 64;

    private static final class Entry {
        final byte[] bytes;
        final String text;

        Entry(byte[] bytes, String text) {
            this.bytes = bytes;
            this.text = text;
        }
    }

    private Entry last;
    private int patience = PATIENCE;

    /** The UTF-8 of a text, not to be changed. */
    byte[] utf8(String text) {
        Entry entry = last;
        if (entry != null && entry.text.equals(text)) {
            if (patience < PATIENCE) {
                patience++;
            }
            return entry.bytes;
        }
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        if (patience > 0 && bytes.length <= LONGEST) {
            last = --patience > 0 ? new Entry(bytes, text) : null;
        }
        return bytes;
    }

    /** The text of {@code length} bytes of UTF-8. */
    String of(byte[] heap, int offset, int length) {
        Entry entry = last;
        if (entry != null && Arrays.equals(entry.bytes, 0, entry.bytes.length, heap, offset, offset + length)) {
            if (patience < PATIENCE) {
                patience++;
            }
            return entry.text;
        }
        String text = new String(heap, offset, length, StandardCharsets.UTF_8);
        if (patience > 0 && length <= LONGEST) {
            last = --patience > 0 ? new Entry(Arrays.copyOfRange(heap, offset, offset + length), text) : null;
        }
        return text;
    }
}
