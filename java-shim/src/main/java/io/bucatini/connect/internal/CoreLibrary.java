package io.bucatini.connect.internal;

import java.nio.ByteBuffer;

/** {@code libbucatini}: the cores. Nothing but native methods. */
final class CoreLibrary implements Library {
    @Override
    public native long open(int plugin, long in, int inLen, long out, int cap);

    @Override
    public native void close(long handle);

    @Override
    public native long topic(long handle, long in, int inLen, long out, int cap);

    @Override
    public native long intern(long handle, long in, int inLen, long out, int cap);

    @Override
    public native long schema(long handle, int schema, long out, int cap);

    @Override
    public native long toConnect(long handle, int topic, long in, int payloadLen, int headersLen, long out, int cap);

    @Override
    public native long fromConnect(long handle, int topic, int schema, long in, int inLen, long out, int cap);

    @Override
    public native long apply(long handle, long in, int inLen, long out, int cap);

    @Override
    public native long plan(long handle, long in, int inLen, long out, int cap);

    @Override
    public native long exchange(long handle, int need, long nowMs, long out, int cap);

    @Override
    public native long answer(long handle, long in, int inLen, long nowMs, long out, int cap);

    @Override
    public native long address(ByteBuffer direct);
}
