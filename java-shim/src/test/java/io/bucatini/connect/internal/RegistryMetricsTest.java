package io.bucatini.connect.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.bucatini.connect.BucatiniAvroConverter;
import java.lang.management.ManagementFactory;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class RegistryMetricsTest {
    private static final MBeanServer SERVER = ManagementFactory.getPlatformMBeanServer();

    private static Set<ObjectName> names() throws Exception {
        return SERVER.queryNames(new ObjectName("io.bucatini:type=registry-client,*"), null);
    }

    @Test
    void jmxShowsHowTheRegistryIsUsed() throws Exception {
        assumeFalse(Boolean.getBoolean("bucatini.artifacts.absent"), "built without native libraries");
        Set<ObjectName> before = names();
        try (TestRegistry registry = new TestRegistry()) {
            registry.schemas.put(7, new ObjectMapper().readTree("\"string\""));
            registry.delayMillis = 50;
            BucatiniAvroConverter converter = new BucatiniAvroConverter();
            converter.configure(Map.of("schema.registry.url", "http://u:p@127.0.0.1:" + registry.port(), "retries.wait.ms", "10",
                    "retries.max.wait.ms", "20"), true);
            assertEquals(before, names(), "nothing was asked yet");
            AtomicInteger failures = new AtomicInteger();
            registry.fault = exchange -> {
                if (failures.incrementAndGet() == 2) {
                    registry.fault = null;
                }
                exchange.sendResponseHeaders(503, -1);
                exchange.close();
            };
            for (int i = 0; i < 10; i++) {
                SchemaAndValue read = converter.toConnectData("t", new byte[] {0, 0, 0, 0, 7, 4, 'h', 'i'});
                assertEquals("hi", read.value());
                converter.fromConnectData("t", read.schema(), read.value());
            }
            Set<ObjectName> now = new HashSet<>(names());
            now.removeAll(before);
            assertEquals(1, now.size());
            ObjectName name = now.iterator().next();
            assertEquals("BucatiniAvroConverter", name.getKeyProperty("plugin"));
            assertEquals("key", name.getKeyProperty("side"));
            assertEquals("127.0.0.1:" + registry.port(), attribute(name, "LastHost"));
            assertEquals(Thread.currentThread().getName(), attribute(name, "LastThread"));
            assertEquals(20L, attribute(name, "Conversions"));
            assertEquals(2L, attribute(name, "ConversionsThatAsked"));
            assertEquals(0.9, attribute(name, "CacheHitRatio"));
            // By id (twice refused), for the version, to register.
            assertEquals(5L, attribute(name, "Requests"));
            assertEquals(2L, attribute(name, "Retries"));
            assertEquals(2L, attribute(name, "ServerErrors"));
            for (String none : new String[] {"Unanswered", "Throttled", "Refusals"}) {
                assertEquals(0L, attribute(name, none), none);
            }
            long total = (long) attribute(name, "RequestTimeTotal");
            long longest = (long) attribute(name, "RequestTimeMax");
            assertTrue(total >= 150 && longest >= 50 && longest <= total, total + " ms, at most " + longest);
            assertEquals(total / 5.0, (double) attribute(name, "RequestTimeAverage"), 1.0);
            assertTrue((long) attribute(name, "WaitTimeTotal") >= 10);
            converter.close();
            assertEquals(before, names());
        }
    }

    private static Object attribute(ObjectName name, String attribute) throws Exception {
        return SERVER.getAttribute(name, attribute);
    }
}
