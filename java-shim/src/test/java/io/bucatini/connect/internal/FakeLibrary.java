package io.bucatini.connect.internal;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;

/**
 * The boundary in Java: a converter whose bytes are the number of the schema and the row image, a transformation that a test
 * supplies, and a watch over handles and buffers.
 */
final class FakeLibrary implements Library {
    /** A payload that begins with this is a command: the next byte says which, the rest is its argument. */
    static final int COMMAND = -1;
    /** Report an error of the kind that follows. */
    static final int REPORT = 1;
    /** Ask for an exchange before answering null. */
    static final int LACK = 2;
    /** Answer a number that means nothing. */
    static final int NONSENSE = 3;
    /** Answer null. */
    static final int NOTHING = 4;
    /** Lack something for ever. */
    static final int ENDLESS = 5;

    final AtomicInteger opened = new AtomicInteger();
    final AtomicInteger closed = new AtomicInteger();
    final AtomicInteger usedAfterClose = new AtomicInteger();
    final AtomicInteger exchanges = new AtomicInteger();
    final AtomicInteger interned = new AtomicInteger();
    final AtomicInteger topics = new AtomicInteger();
    final AtomicInteger grown = new AtomicInteger();
    /** The last message of {@link #open}. */
    volatile byte[] openMessage;
    /** What {@link #exchange} gives until it was answered. */
    volatile byte[] exchange = {};
    volatile byte[] answer;
    /** Error to report from {@link #open}: its kind, 0 for none. */
    volatile int refuseOpen;
    /** The transformation: a record frame to an outcome. */
    volatile UnaryOperator<byte[]> transformation = frame -> new byte[] {0};

    private final AtomicLong next = new AtomicLong(1);
    private final Map<Long, ByteBuffer> memory = new ConcurrentHashMap<>();
    private final Map<Long, Instance> instances = new ConcurrentHashMap<>();

    private static final class Instance {
        final Map<String, Integer> ids = new ConcurrentHashMap<>();
        final Map<Integer, byte[]> forms = new ConcurrentHashMap<>();
        final Map<String, Integer> topics = new ConcurrentHashMap<>();
        final AtomicInteger running = new AtomicInteger();
    }

    @Override
    public long address(ByteBuffer direct) {
        if (!direct.isDirect()) {
            return 0;
        }
        long address = next.getAndIncrement() << 32;
        memory.put(address, direct.duplicate().order(ByteOrder.LITTLE_ENDIAN));
        return address;
    }

    private byte[] read(long address, int length) {
        byte[] bytes = new byte[length];
        ByteBuffer buffer = memory.get(address).duplicate();
        buffer.clear();
        buffer.get(bytes);
        return bytes;
    }

    private long write(byte[] bytes, long address, int cap) {
        if (bytes.length > cap) {
            grown.incrementAndGet();
            buffer(address).putLong(0, bytes.length);
            return CAPACITY;
        }
        buffer(address).put(bytes);
        return bytes.length;
    }

    private ByteBuffer buffer(long address) {
        return memory.get(address).duplicate().order(ByteOrder.LITTLE_ENDIAN).clear();
    }

    private long error(int kind, long out) {
        WireWriter error = new WireWriter(256);
        error.u8(kind);
        error.str("fake.reported");
        error.str("expected this, found that");
        error.str("after.items[3]");
        error.str("do something");
        ByteBuffer buffer = buffer(out);
        buffer.putInt(error.length()).put(error.toBytes());
        return ERROR;
    }

    @Override
    public long open(int plugin, long in, int inLen, long out, int cap) {
        openMessage = read(in, inLen);
        if (refuseOpen != 0) {
            return error(refuseOpen, out);
        }
        opened.incrementAndGet();
        long handle = next.getAndIncrement();
        instances.put(handle, new Instance());
        return handle;
    }

    @Override
    public void close(long handle) {
        Instance instance = instances.remove(handle);
        if (instance == null || instance.running.get() != 0) {
            usedAfterClose.incrementAndGet();
        }
        closed.incrementAndGet();
    }

    private Instance use(long handle) {
        Instance instance = instances.get(handle);
        if (instance == null) {
            usedAfterClose.incrementAndGet();
            throw new AssertionError("handle " + handle + " is not open");
        }
        instance.running.incrementAndGet();
        return instance;
    }

    @Override
    public long topic(long handle, long in, int inLen, long out, int cap) {
        Instance instance = use(handle);
        try {
            topics.incrementAndGet();
            String name = new String(read(in, inLen), StandardCharsets.UTF_8);
            return instance.topics.computeIfAbsent(name, n -> instance.topics.size() + 1);
        } finally {
            instance.running.decrementAndGet();
        }
    }

    @Override
    public long intern(long handle, long in, int inLen, long out, int cap) {
        Instance instance = use(handle);
        try {
            interned.incrementAndGet();
            byte[] form = read(in, inLen);
            synchronized (instance) {
                int id = instance.ids.computeIfAbsent(HexFormat.of().formatHex(form), f -> instance.ids.size() + 1);
                instance.forms.put(id, form);
                return id;
            }
        } finally {
            instance.running.decrementAndGet();
        }
    }

    @Override
    public long schema(long handle, int schema, long out, int cap) {
        Instance instance = use(handle);
        try {
            byte[] form = instance.forms.get(schema);
            return form == null ? error(3, out) : write(form, out, cap);
        } finally {
            instance.running.decrementAndGet();
        }
    }

    @Override
    public long toConnect(long handle, int topic, long in, int payloadLen, int headersLen, long out, int cap) {
        Instance instance = use(handle);
        try {
            byte[] payload = read(in, payloadLen);
            ByteBuffer bytes = ByteBuffer.wrap(payload).order(ByteOrder.LITTLE_ENDIAN);
            int schema = bytes.getInt();
            if (schema == COMMAND) {
                return command(bytes.get(), bytes, out);
            }
            long written = write(Arrays.copyOfRange(payload, 4, payload.length), out, cap);
            return written < 0 ? written : (long) schema << 32 | written;
        } finally {
            instance.running.decrementAndGet();
        }
    }

    private long command(int command, ByteBuffer argument, long out) {
        switch (command) {
            case REPORT:
                return error(argument.get(), out);
            case LACK:
                if (answer != null) {
                    return NULL;
                }
                buffer(out).putInt(77);
                return NEED;
            case ENDLESS:
                buffer(out).putInt(78);
                return NEED;
            case NOTHING:
                return NULL;
            default:
                return -99;
        }
    }

    @Override
    public long fromConnect(long handle, int topic, int schema, long in, int inLen, long out, int cap) {
        Instance instance = use(handle);
        try {
            byte[] image = read(in, inLen);
            boolean isNull = new RowImage(image, 0, image.length, new byte[0]).isNull(0);
            if (schema == 0 && isNull) {
                return NULL;
            }
            byte[] payload = ByteBuffer.allocate(4 + inLen).order(ByteOrder.LITTLE_ENDIAN).putInt(schema).put(image).array();
            return write(payload, out, cap);
        } finally {
            instance.running.decrementAndGet();
        }
    }

    @Override
    public long apply(long handle, long in, int inLen, long out, int cap) {
        Instance instance = use(handle);
        try {
            return write(transformation.apply(read(in, inLen)), out, cap);
        } finally {
            instance.running.decrementAndGet();
        }
    }

    @Override
    public long plan(long handle, long in, int inLen, long out, int cap) {
        use(handle).running.decrementAndGet();
        return NULL;
    }

    @Override
    public long exchange(long handle, int need, long nowMs, long out, int cap) {
        Instance instance = use(handle);
        try {
            if (need == 78 || answer != null) {
                return 0;
            }
            exchanges.incrementAndGet();
            return write(exchange, out, cap);
        } finally {
            instance.running.decrementAndGet();
        }
    }

    @Override
    public long answer(long handle, long in, int inLen, long nowMs, long out, int cap) {
        use(handle).running.decrementAndGet();
        answer = read(in, inLen);
        return 0;
    }
}
