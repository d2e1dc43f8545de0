package io.bucatini.bench;

import java.nio.ByteBuffer;

/** The steps of our converter that are neither Java's nor the JVM's, each alone. */
public interface Core {
    /** Where a direct buffer is. */
    long address(ByteBuffer direct);

    /** Copies a payload to native memory and an image of so many bytes from it: what crossing costs without the call. */
    byte[] copies(byte[] payload, int imageLength);

    /** Copies a payload to native memory and calls what does nothing: crossing alone. */
    long call(byte[] payload);

    /** As a converter that several threads may call: the topic is the known one, and nobody else is in it until {@link #leave}. */
    void enter(String topic);

    /** Lets the next one in. */
    void leave();

    /** The length of a payload's row image, which lies in {@link #received}; its schema is the known one. */
    int receive(byte[] payload);

    /** What was received last. */
    byte[] received();

    /** The row image of a payload. */
    byte[] image(byte[] payload);

    /** The payload of a row image. */
    byte[] payload(byte[] image, int length);
}
