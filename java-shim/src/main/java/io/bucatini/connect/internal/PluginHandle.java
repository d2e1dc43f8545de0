package io.bucatini.connect.internal;

import java.lang.ref.Cleaner;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The handle of an open plug-in. It is freed once: when it has been closed, or when nobody refers to it any more (Connect 2.8
 * never closes a converter), and no call is running on it.
 */
final class PluginHandle implements AutoCloseable {
    private static final Cleaner CLEANER = Cleaner.create();

    private final State state;
    private final Cleaner.Cleanable cleanable;

    /**
     * @param handle what {@link Library#open} answered
     * @param freed runs after the handle was freed; must not refer to the plug-in, or that would never become unreachable
     */
    PluginHandle(Library library, long handle, Runnable freed) {
        state = new State(library, handle, freed);
        cleanable = CLEANER.register(this, state);
    }

    /**
     * Announces a call; {@link State#release} ends it.
     *
     * @throws Closed after {@link #close}
     */
    State acquire() {
        state.acquire();
        return state;
    }

    /**
     * For work that does not touch the handle.
     *
     * @throws Closed after {@link #close}
     */
    void checkOpen() {
        if (state.calls.get() >= State.CLOSED) {
            throw new Closed();
        }
    }

    /** No call can begin any more; the handle is freed when the last one ends. May be repeated. */
    @Override
    public void close() {
        cleanable.clean();
    }

    /** Use after close: the caller's mistake, not the record's. */
    static final class Closed extends IllegalStateException {
        private static final long serialVersionUID = 1L;

        Closed() {
            super("the plug-in has been closed");
        }
    }

    /** Must not refer to its {@link PluginHandle}, or that would never become unreachable. */
    static final class State implements Runnable {
        /** Calls that are running, and this bit once closed. */
        private static final int CLOSED = 1 << 30;

        private final Library library;
        private final long handle;
        private final Runnable whenFreed;
        private final AtomicInteger calls = new AtomicInteger();
        private final AtomicBoolean freed = new AtomicBoolean();

        State(Library library, long handle, Runnable whenFreed) {
            this.library = library;
            this.handle = handle;
            this.whenFreed = whenFreed;
        }

        private void acquire() {
            if (calls.getAndIncrement() >= CLOSED) {
                release();
                throw new Closed();
            }
        }

        /** The handle: to be used between {@link PluginHandle#acquire} and {@link #release} only. */
        long handle() {
            return handle;
        }

        void release() {
            if (calls.decrementAndGet() == CLOSED) {
                free();
            }
        }

        @Override
        public void run() {
            if (calls.getAndUpdate(n -> n | CLOSED) == 0) {
                free();
            }
        }

        /** A refused call that comes and goes after the last one passes here again. */
        private void free() {
            if (freed.compareAndSet(false, true)) {
                library.close(handle);
                whenFreed.run();
            }
        }
    }
}
