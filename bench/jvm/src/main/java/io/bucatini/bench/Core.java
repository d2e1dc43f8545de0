package io.bucatini.bench;

import java.nio.ByteBuffer;

/** The steps of our converter that are neither Java's nor the JVM's, each alone. */
public interface Core {
    /** Where a direct buffer is. */
    long address(ByteBuffer direct);

    /** Copies a payload to native memory and an image of so many bytes from it: what crossing costs without the call. */
    byte[] copies(byte[] payload, int imageLength);

    /** The row image of a payload. */
    byte[] image(byte[] payload);

    /** The payload of a row image. */
    byte[] payload(byte[] image, int length);
}
