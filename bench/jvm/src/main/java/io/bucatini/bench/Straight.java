package io.bucatini.bench;

import java.nio.ByteBuffer;
import java.nio.file.Path;

/**
 * The native program for {@link Input#BASE} alone (bench/rust-guest), called as our library is: payload in, row image out, and
 * back.
 */
final class Straight {
    /** Where {@code make bench-rust} has left it; without it the lanes that need it are left out. */
    private static final String LIBRARY = System.getProperty("straight");
    /** Bytes of an image. */
    static final int IMAGE = 408;
    /** More than an image or a payload of the table takes. */
    private static final int CAPACITY = 4096;

    private final Core core;
    private final ByteBuffer in = ByteBuffer.allocateDirect(CAPACITY);
    private final ByteBuffer out = ByteBuffer.allocateDirect(CAPACITY);
    private final long inAddress;
    private final long outAddress;
    private final byte[] received = new byte[IMAGE];

    private Straight(Core core) {
        this.core = core;
        this.inAddress = core.address(in);
        this.outAddress = core.address(out);
    }

    /** Null if there is no such library. */
    static Straight of(Core core) {
        if (LIBRARY == null) {
            return null;
        }
        System.load(Path.of(LIBRARY).toAbsolutePath().toString());
        return new Straight(core);
    }

    /** The image of a payload, in an array that is used again. */
    byte[] image(byte[] payload) {
        in.clear();
        in.put(payload, 0, payload.length);
        if (image(inAddress, payload.length, outAddress) != IMAGE) {
            throw new IllegalStateException("not an event of the table");
        }
        out.clear();
        out.get(received, 0, IMAGE);
        return received;
    }

    /** The payload of an image under the id of its schema, in an array of its own. */
    byte[] payload(byte[] image, int length, int schema) {
        in.clear();
        in.put(image, 0, length);
        long written = payload(inAddress, length, schema, outAddress, CAPACITY);
        if (written < 0) {
            throw new IllegalStateException("not an image of the table");
        }
        byte[] payload = new byte[(int) written];
        out.clear();
        out.get(payload);
        return payload;
    }

    private static native long image(long in, int length, long out);

    private static native long payload(long in, int length, int schema, long out, int capacity);
}
