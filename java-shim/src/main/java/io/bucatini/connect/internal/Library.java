package io.bucatini.connect.internal;

import java.nio.ByteBuffer;

/**
 * The JNI boundary (docs/jni-boundary.md): addresses and numbers only. {@link CoreLibrary} and {@link WasmLibrary} are its
 * native forms; all other classes use this interface, so that tests can stand in for it.
 */
interface Library {
    /** Result: {@code out} holds the length of an error and the error. */
    int ERROR = -1;
    /** Result: {@code out} holds the number of what is needed. */
    int NEED = -2;
    /** Result: {@code out} holds the size it should have; call again. */
    int CAPACITY = -3;
    /** Result: null. */
    int NULL = -4;

    /** Opens a plug-in and answers its handle. */
    long open(int plugin, long in, int inLen, long out, int cap);

    /** Frees a handle; nothing may be running on it. */
    void close(long handle);

    /** Answers the number of a topic name. */
    long topic(long handle, long in, int inLen, long out, int cap);

    /** Answers the number of a schema in its boundary form. */
    long intern(long handle, long in, int inLen, long out, int cap);

    /** Writes the boundary form of a schema and answers its length. */
    long schema(long handle, int schema, long out, int cap);

    /** Writes the row image of a payload and answers {@code schema << 32 | length}. */
    long toConnect(long handle, int topic, long in, int payloadLen, int headersLen, long out, int cap);

    /** Writes the payload of a row image and answers its length. */
    long fromConnect(long handle, int topic, int schema, long in, int inLen, long out, int cap);

    /** Writes the outcome for a record and answers its length. */
    long apply(long handle, long in, int inLen, long out, int cap);

    /** Writes the plan of a transformation and answers its length. */
    long plan(long handle, long in, int inLen, long out, int cap);

    /** Writes the next HTTP exchange for a need and answers its length, 0 if there is none. */
    long exchange(long handle, int need, long nowMs, long out, int cap);

    /** Takes the answer to an exchange. */
    long answer(long handle, long in, int inLen, long nowMs, long out, int cap);

    /** The address of a direct buffer: asked once when a buffer is allocated, never per record. */
    long address(ByteBuffer direct);
}
