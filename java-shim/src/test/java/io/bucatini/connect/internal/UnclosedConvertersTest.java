package io.bucatini.connect.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import javax.management.ObjectName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Connect before 4 never closes a converter: whoever configures connectors again and again must not pay for it. */
@Timeout(300)
class UnclosedConvertersTest {
    private static final int INSTANCES = 10_000;
    /** Of them so many also convert, and so hold schemas, plans and metrics. */
    private static final int CONVERTING = 500;
    private static final int ROUNDS = 5;
    private static final int MOST_KILOBYTES = 30_000;

    private final AtomicInteger opened = new AtomicInteger();
    private final AtomicInteger closed = new AtomicInteger();

    private final class Unclosed extends NativeConverter {
        Unclosed() {
            super(PluginKind.AVRO_CONVERTER, engine -> counting(NativeLibraries.get(engine)));
        }
    }

    private Library counting(Library library) {
        return (Library) Proxy.newProxyInstance(Library.class.getClassLoader(), new Class<?>[] {Library.class},
                (proxy, method, arguments) -> {
                    if (method.getName().equals("open")) {
                        opened.incrementAndGet();
                    } else if (method.getName().equals("close")) {
                        closed.incrementAndGet();
                    }
                    try {
                        return method.invoke(library, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    @Test
    void tenThousandConvertersThatNobodyClosesLeakNothing() throws Exception {
        assumeFalse(Boolean.getBoolean("bucatini.artifacts.absent"), "built without native libraries");
        try (TestRegistry registry = new TestRegistry()) {
            registry.schemas.put(7, new ObjectMapper().readTree("\"string\""));
            run(registry, CONVERTING, CONVERTING);
            int threads = Thread.activeCount();
            long grown = Long.MAX_VALUE;
            // The virtual machine's own memory grows until everything is compiled; what leaks grows every time: ten thousand
            // native instances that stay would take some 60 MB.
            for (int round = 0; round < ROUNDS && grown >= MOST_KILOBYTES; round++) {
                long begun = residentKilobytes();
                run(registry, INSTANCES, CONVERTING);
                grown = residentKilobytes() - begun;
            }
            assertTrue(grown < MOST_KILOBYTES, grown + " kB more after another " + INSTANCES + " instances");
            // The JDK looks every three seconds whether a client is still referred to; idle workers stay five.
            until(() -> Thread.activeCount() <= threads + 4, () -> Thread.activeCount() + " threads, " + threads + " before");
        }
    }

    private void run(TestRegistry registry, int instances, int converting) throws Exception {
        int before = opened.get();
        for (int i = 0; i < instances; i++) {
            Unclosed converter = new Unclosed();
            converter.configure(Map.of("schema.registry.url", registry.url()), false);
            if (i % (instances / converting) == 0) {
                assertEquals("hi", converter.toConnectData("t", new byte[] {0, 0, 0, 0, 7, 4, 'h', 'i'}).value());
            }
            if (i % 1_000 == 999) {
                System.gc();
            }
        }
        assertEquals(before + instances, opened.get());
        until(() -> closed.get() == opened.get(), () -> closed.get() + " closed of " + opened.get());
        until(() -> metrics() == 0, () -> metrics() + " registry clients still in JMX");
    }

    /** Within a minute, however busy the machine is. */
    private static void until(BooleanSupplier holds, Supplier<String> otherwise) throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.MINUTES.toNanos(1);
        while (!holds.getAsBoolean() && System.nanoTime() < deadline) {
            System.gc();
            Thread.sleep(20);
        }
        assertTrue(holds.getAsBoolean(), otherwise);
    }

    private static int metrics() {
        try {
            return ManagementFactory.getPlatformMBeanServer()
                    .queryNames(new ObjectName("io.bucatini:type=registry-client,*"), null).size();
        } catch (javax.management.MalformedObjectNameException e) {
            throw new IllegalStateException(e);
        }
    }

    private static long residentKilobytes() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("VmRSS:")) {
                return Long.parseLong(line.replaceAll("[^0-9]", ""));
            }
        }
        throw new IOException("no VmRSS");
    }
}
