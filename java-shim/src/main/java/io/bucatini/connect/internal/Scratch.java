package io.bucatini.connect.internal;

import io.bucatini.connect.BucatiniError;
import java.nio.ByteBuffer;

/**
 * The memory of one call: two direct buffers whose addresses cross the boundary, and the arrays that are copied to and from
 * them. Checked out of a {@link ScratchPool}, because Connect calls one converter from several threads.
 */
final class Scratch {
    private static final int INITIAL = 16 * 1024;
    /** A buffer larger than this is given up when it has not been needed for a while. */
    private static final int LARGE = 1024 * 1024;
    private static final int QUIET_CALLS = 1_000;

    /** What is being composed for the other side. */
    final WireWriter message = new WireWriter(1024);

    private final Library library;
    private Region in;
    private Region out;
    private byte[] received = new byte[1024];
    private int used;
    private int quiet;

    Scratch(Library library) {
        this.library = library;
        this.in = new Region(library, INITIAL);
        this.out = new Region(library, INITIAL);
    }

    long in() {
        return in.address;
    }

    long out() {
        return out.address;
    }

    int capacity() {
        return out.buffer.capacity();
    }

    /** Copies {@link #message} to {@link #in()} and answers its length. */
    int send() {
        return send(message.array(), message.length(), null, 0);
    }

    /** Copies two parts, one after the other, to {@link #in()}. */
    int send(byte[] first, int firstLength, byte[] second, int secondLength) {
        int length = firstLength + secondLength;
        if (length > in.buffer.capacity()) {
            in = new Region(library, size(length));
        }
        ByteBuffer buffer = in.buffer;
        buffer.clear();
        buffer.put(first, 0, firstLength);
        if (secondLength > 0) {
            buffer.put(second, 0, secondLength);
        }
        used = Math.max(used, length);
        return length;
    }

    /** Copies the first {@code length} bytes of {@link #out()} to an array, which is longer and stays this object's. */
    byte[] receive(int length) {
        check(length);
        if (length > received.length) {
            received = new byte[size(length)];
        }
        return receive(received, length);
    }

    /** The first {@code length} bytes of {@link #out()} in an array of the caller's own. */
    byte[] copy(int length) {
        check(length);
        return receive(new byte[length], length);
    }

    private byte[] receive(byte[] to, int length) {
        out.buffer.clear();
        out.buffer.get(to, 0, length);
        used = Math.max(used, length);
        return to;
    }

    private void check(int length) {
        if (length < 0 || length > out.buffer.capacity()) {
            throw new BucatiniError("boundary.length", "boundary: the native library wrote "
                    + Integer.toUnsignedString(length) + " bytes into a buffer of " + out.buffer.capacity());
        }
    }

    WireReader received(int length) {
        return new WireReader(receive(length), 0, length);
    }

    /** Makes {@link #out()} as large as the other side asked for. */
    void grow() {
        long wanted = received(8).i64();
        if (wanted <= out.buffer.capacity() || wanted > Integer.MAX_VALUE / 2) {
            throw new BucatiniError("boundary.capacity", "boundary: a buffer of " + out.buffer.capacity()
                    + " bytes is too small for the native library, which asks for " + wanted);
        }
        out = new Region(library, size((int) wanted));
    }

    /** Ends a call: large buffers go when they have not been needed for a while. */
    void trim() {
        if (used > LARGE) {
            quiet = 0;
        } else if (isLarge() && ++quiet > QUIET_CALLS) {
            quiet = 0;
            in = new Region(library, INITIAL);
            out = new Region(library, INITIAL);
            received = new byte[1024];
            message.shrink();
        }
        used = 0;
    }

    private boolean isLarge() {
        return in.buffer.capacity() > LARGE || out.buffer.capacity() > LARGE || received.length > LARGE
                || message.capacity() > LARGE;
    }

    private static int size(int wanted) {
        return wanted < 1 << 28 ? Math.max(1024, Integer.highestOneBit(wanted) << 1) : wanted;
    }

    private static final class Region {
        final ByteBuffer buffer;
        final long address;

        Region(Library library, int size) {
            buffer = ByteBuffer.allocateDirect(size);
            address = library.address(buffer);
            if (address == 0) {
                throw new BucatiniError("boundary.address", "boundary: the JVM does not tell where a direct buffer is");
            }
        }
    }
}
