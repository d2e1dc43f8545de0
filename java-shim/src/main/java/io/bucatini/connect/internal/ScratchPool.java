package io.bucatini.connect.internal;

import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Scratch memory of one plug-in instance: one piece for the usual single thread, a few more for the others. Not thread-local:
 * worker threads outlive plug-ins.
 */
final class ScratchPool {
    private static final int MAX_IDLE = 16;

    private final Library library;
    private final AtomicReference<Scratch> first = new AtomicReference<>();
    private final ConcurrentLinkedQueue<Scratch> others = new ConcurrentLinkedQueue<>();
    private final AtomicInteger idle = new AtomicInteger();

    ScratchPool(Library library) {
        this.library = library;
    }

    Scratch take() {
        Scratch scratch = first.getAndSet(null);
        if (scratch != null) {
            return scratch;
        }
        scratch = others.poll();
        if (scratch != null) {
            idle.decrementAndGet();
            return scratch;
        }
        return new Scratch(library);
    }

    void giveBack(Scratch scratch) {
        scratch.trim();
        if (!first.compareAndSet(null, scratch)) {
            if (idle.incrementAndGet() <= MAX_IDLE) {
                others.add(scratch);
            } else {
                idle.decrementAndGet();
            }
        }
    }
}
