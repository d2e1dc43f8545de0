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
        Converter first = plugins.ours(Map.of());
        first.toConnectData(input.topics[0], input.payloads[0]);
        List<Converter> kept = new ArrayList<>(List.of(first));
        long[] start = used();
        for (int i = 0; i < TASKS; i++) {
            Converter task = plugins.ours(Map.of());
            task.toConnectData(input.topics[0], input.payloads[0]);
            kept.add(task);
        }
        long[] tasks = used();
        List<Schema> schemas = new ArrayList<>();
        for (Converter task : kept) {
            for (int i = 0; i < 50; i++) {
                schemas.add(task.toConnectData(fifty.topics[i], fifty.payloads[i]).schema());
            }
        }
        long[] after = used();
        String text = String.format(Locale.ROOT,
                "{\"a task\": {\"heap\": %d, \"direct\": %d, \"resident\": %d}, \"a schema of a task\": {\"heap\": %d, \"resident\": %d}}",
                (tasks[0] - start[0]) / TASKS, (tasks[1] - start[1]) / TASKS, (tasks[2] - start[2]) / TASKS,
                (after[0] - tasks[0]) / schemas.size(), (after[2] - tasks[2]) / schemas.size());
        Race.sink += kept.size();
        return text;
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
