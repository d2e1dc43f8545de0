package io.bucatini.bench;

import java.lang.management.ManagementFactory;
import java.util.Locale;
import java.util.Map;
import org.apache.kafka.connect.storage.Converter;

/**
 * The first records of a JVM: what a plug-in costs from the moment it is made, while nothing of it is compiled yet. The time is
 * that of the whole process, compiler and collector with it, and of the plug-in's own start.
 */
final class Cold {
    private static final int MOST = 100_000;
    private static final com.sun.management.OperatingSystemMXBean PROCESS =
            (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

    private final Plugins plugins;
    private final Input input;

    Cold(Plugins plugins, Input input) {
        this.plugins = plugins;
        this.input = input;
    }

    /** @param path {@code cold-decode} or {@code cold-chain} */
    String run(String path, String lane) throws Exception {
        long start = PROCESS.getProcessCpuTime();
        Race.Body body = body(path, lane);
        long made = PROCESS.getProcessCpuTime() - start;
        StringBuilder points = new StringBuilder();
        int done = 0;
        for (int count = 1; count <= MOST; count *= 10) {
            Race.sink += body.run(count - done);
            done = count;
            points.append(String.format(Locale.ROOT, "%s\"%d\": %.1f", points.length() == 0 ? "" : ", ", count,
                    (double) (PROCESS.getProcessCpuTime() - start) / count));
        }
        return String.format("{\"path\": \"%s\", \"lane\": \"%s\", \"start\": %d, \"ns\": {%s}}%n", path, lane, made, points);
    }

    private Race.Body body(String path, String lane) throws Exception {
        boolean peer = lane.equals(Paths.PEER);
        Converter converter = peer ? plugins.confluent() : plugins.ours(Map.of());
        if (path.equals("cold-decode")) {
            return Paths.decoding(converter, input);
        }
        return Paths.chaining(converter, peer ? plugins.debezium3(Map.of()) : plugins.ourSmt(Map.of()), input);
    }
}
