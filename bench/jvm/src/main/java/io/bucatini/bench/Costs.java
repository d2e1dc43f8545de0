package io.bucatini.bench;

import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CyclicBarrier;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.storage.Converter;

/** What a race of lanes does not show: two threads at once, and the memory that a task and a schema take. */
final class Costs {
    private static final int TASKS = 100;
    private static final int RECORDS = 400_000;
    private static final int ROUNDS = 5;

    private final Plugins plugins;

    Costs(Plugins plugins) {
        this.plugins = plugins;
    }

    /** CPU time a record, of one thread, of two with a converter each, and of two that share one. */
    String threads(Input input) throws Exception {
        Converter one = plugins.ours(Map.of());
        Converter other = plugins.ours(Map.of());
        List<List<Converter>> teams = List.of(List.of(one), List.of(one, other), List.of(one, one));
        double[] best = {Double.MAX_VALUE, Double.MAX_VALUE, Double.MAX_VALUE};
        for (int round = 0; round <= ROUNDS; round++) {
            for (int team = 0; team < teams.size(); team++) {
                double ns = run(teams.get(team), input);
                best[team] = round == 0 ? best[team] : Math.min(best[team], ns);
            }
        }
        return String.format(Locale.ROOT, "{\"one thread\": {\"ns\": %.1f}, \"two threads, a task each\": {\"ns\": %.1f}, "
                + "\"two threads, one converter\": {\"ns\": %.1f}}", best[0], best[1], best[2]);
    }

    private static double run(List<Converter> team, Input input) throws Exception {
        CyclicBarrier start = new CyclicBarrier(team.size());
        double[] ns = new double[team.size()];
        List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < team.size(); t++) {
            int number = t;
            Race.Body body = Paths.decoding(team.get(t), input);
            Thread thread = new Thread(() -> {
                try {
                    start.await();
                    long before = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
                    body.run(RECORDS);
                    ns[number] = (double) (ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() - before) / RECORDS;
                } catch (Exception e) {
                    ns[number] = Double.NaN;
                }
            });
            thread.start();
            threads.add(thread);
        }
        double sum = 0;
        for (int t = 0; t < threads.size(); t++) {
            threads.get(t).join();
            sum += ns[t];
        }
        return sum / team.size();
    }

    /** Bytes of one more task and of one more schema: heap, direct buffers, and what the process has resident. */
    String memory(Input input, Input fifty) throws Exception {
        List<Converter> kept = new ArrayList<>();
        String task = tasks(Map.of(), TASKS, input, kept);
        List<Schema> schemas = new ArrayList<>();
        long[] before = used();
        for (Converter converter : kept) {
            for (int i = 0; i < 50; i++) {
                schemas.add(converter.toConnectData(fifty.topics[i], fifty.payloads[i]).schema());
            }
        }
        long[] after = used();
        String schema = String.format(Locale.ROOT, "{\"heap\": %d, \"resident\": %d}",
                (after[0] - before[0]) / schemas.size(), (after[2] - before[2]) / schemas.size());
        String component = tasks(Map.of("engine", "wasm"), TASKS / 5, input, kept);
        Race.sink += kept.size();
        return "{\"a task\": " + task + ", \"a schema of a task\": " + schema + ", \"a task with engine=wasm\": " + component + "}";
    }

    private String tasks(Map<String, String> config, int tasks, Input input, List<Converter> kept) throws Exception {
        long[] before = null;
        for (int i = 0; i <= tasks; i++) {
            Converter task = plugins.ours(config);
            task.toConnectData(input.topics[0], input.payloads[0]);
            kept.add(task);
            // What the first one brings is everybody's.
            before = i == 0 ? used() : before;
        }
        long[] after = used();
        return String.format(Locale.ROOT, "{\"heap\": %d, \"direct\": %d, \"resident\": %d}",
                (after[0] - before[0]) / tasks, (after[1] - before[1]) / tasks, (after[2] - before[2]) / tasks);
    }

    private static long[] used() throws Exception {
        for (int i = 0; i < 3; i++) {
            System.gc();
            Thread.sleep(100);
        }
        long direct = 0;
        for (BufferPoolMXBean pool : ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class)) {
            direct += pool.getMemoryUsed();
        }
        long resident = 0;
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("VmRSS:")) {
                resident = 1024 * Long.parseLong(line.replaceAll("[^0-9]", ""));
            }
        }
        return new long[] {ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed(), direct, resident};
    }
}
