package io.bucatini.connect.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.connect.data.Schema;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class PluginHandleTest {
    private final FakeLibrary library = new FakeLibrary();

    private NativePlugin open() {
        return NativePlugin.open(PluginKind.AVRO_CONVERTER, false, Map.of(), engine -> library);
    }

    @Test
    void closingTwiceFreesOnce() {
        NativePlugin plugin = open();
        plugin.close();
        plugin.close();
        assertEquals(1, library.closed.get());
        IllegalStateException closed =
                assertThrows(IllegalStateException.class, () -> plugin.fromConnect("t", Schema.STRING_SCHEMA, "x"));
        assertEquals("the plug-in has been closed", closed.getMessage());
        assertEquals(1, library.closed.get());
    }

    @Test
    @Timeout(120)
    void tenThousandPluginsThatNobodyClosesLeakNothing() throws InterruptedException {
        for (int i = 0; i < 10_000; i++) {
            open();
        }
        assertEquals(10_000, library.opened.get());
        for (int i = 0; library.closed.get() < 10_000 && i < 1_000; i++) {
            System.gc();
            Thread.sleep(20);
        }
        assertEquals(10_000, library.closed.get());
        assertEquals(0, library.usedAfterClose.get());
    }

    /** Calls race with close: each is either served or refused, and none reaches a freed handle. */
    @Test
    @Timeout(120)
    void closeWaitsForRunningCalls() throws Exception {
        AtomicInteger served = new AtomicInteger();
        AtomicInteger refused = new AtomicInteger();
        List<Throwable> failures = new ArrayList<>();
        for (int round = 0; round < 300; round++) {
            NativePlugin plugin = open();
            CyclicBarrier start = new CyclicBarrier(4);
            List<Thread> threads = new ArrayList<>();
            for (int t = 0; t < 3; t++) {
                Thread thread = new Thread(() -> {
                    try {
                        start.await();
                        for (int i = 0; i < 1_000; i++) {
                            byte[] bytes = plugin.fromConnect("t", Schema.STRING_SCHEMA, "spaghetti");
                            assertEquals("spaghetti", plugin.toConnect("t", null, bytes).value());
                            served.incrementAndGet();
                        }
                    } catch (IllegalStateException e) {
                        refused.incrementAndGet();
                    } catch (Throwable e) {
                        synchronized (failures) {
                            failures.add(e);
                        }
                    }
                });
                thread.start();
                threads.add(thread);
            }
            start.await();
            for (int i = 0; i < round; i++) {
                Thread.onSpinWait();
            }
            plugin.close();
            for (Thread thread : threads) {
                thread.join();
            }
        }
        assertEquals(List.of(), failures);
        assertEquals(0, library.usedAfterClose.get());
        assertEquals(300, library.closed.get());
        assertTrue(served.get() > 0 && refused.get() > 0, served + " served, " + refused + " refused");
    }
}
