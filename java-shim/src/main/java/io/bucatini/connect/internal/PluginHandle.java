package io.bucatini.connect.internal;

import java.lang.ref.Cleaner;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

/**
 * The handle of an open plug-in. It is freed once: when it has been closed, or when nobody refers to it any more (Connect 2.8
 * never closes a converter), and no call is running on it.
 */
final class PluginHandle implements AutoCloseable {
    /** One thread for all that is freed when nobody refers to it any more. */
    static final Cleaner CLEANER = Cleaner.create();

    private final State state;
    private final Cleaner.Cleanable cleanable;
    private final ScratchPool others;

    /**
     * @param handle what {@link Library#open} answered
     * @param first the memory of the usual single thread
     * @param freed runs after the handle was freed; must not refer to the plug-in, or that would never become unreachable
     */
    PluginHandle(Library library, long handle, Scratch first, Runnable freed) {
        state = new State(library, handle, first, freed);
        cleanable = CLEANER.register(this, state);
        others = new ScratchPool(library);
    }

    /**
     * Announces a call and lends it memory; {@link #leave} ends it. For the usual single thread that is one exchange of a
     * reference: who has the first memory has a call running.
     *
     * @throws Closed after {@link #close}
     */
    Scratch enter() {
        Object seat = state.seat.get();
        if (seat == state.first && state.seat.compareAndSet(seat, null)) {
            return state.first;
        }
        state.acquire();
        return others.take();
    }

    /** Whether this is the memory that one call at a time has. */
    boolean isFirst(Scratch scratch) {
        return scratch == state.first;
    }

    /** Ends what {@link #enter} began. */
    void leave(Scratch scratch) {
        if (scratch == state.first) {
            try {
                scratch.trim();
            } finally {
                state.leave();
            }
        } else {
            others.giveBack(scratch);
            state.release();
        }
    }

    /** The handle: to be used during a call only. */
    long number() {
        return state.handle;
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
        private static final Object ENDED = new Object();

        private final Library library;
        private final long handle;
        private final Runnable whenFreed;
        private final Scratch first;
        /** The first memory; null while a call has it, {@link #ENDED} once closed. */
        private final AtomicReference<Object> seat;
        private final AtomicInteger calls = new AtomicInteger();
        private final AtomicBoolean freed = new AtomicBoolean();

        State(Library library, long handle, Scratch first, Runnable whenFreed) {
            this.library = library;
            this.handle = handle;
            this.whenFreed = whenFreed;
            this.first = first;
            this.seat = new AtomicReference<>(first);
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

        /** The seat is gone only after {@link #run}, which has counted this call, or is about to. */
        private void leave() {
            if (!seat.compareAndSet(null, first)) {
                release();
            }
        }

        /** Once only. A call that has the seat counts from now on. */
        @Override
        public void run() {
            int seated = seat.getAndSet(ENDED) == null ? 1 : 0;
            if (calls.getAndAdd(CLOSED + seated) + seated == 0) {
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
