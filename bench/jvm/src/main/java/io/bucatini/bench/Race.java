package io.bucatini.bench;

import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Lanes in turns, in slices of about 8 ms of this thread's CPU time: what disturbs the machine disturbs all of them. The time
 * of the garbage collector's threads is not counted, which favours whoever allocates more.
 */
final class Race {
    /** Processes the next {@code count} records of the input, over and over, and answers something that depends on them. */
    interface Body {
        long run(int count) throws Exception;
    }

    private static final long SLICE_NS = 8_000_000;
    /** Runs these lanes alone: one for a profiler, two where nothing but their ratio counts. */
    private static final List<String> ONLY =
            System.getProperty("only") == null ? null : List.of(System.getProperty("only").split(","));
    private static final com.sun.management.ThreadMXBean THREADS =
            (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();

    /** Kept so that nothing is optimised away. */
    static volatile long sink;

    static final class Lane {
        final String name;
        private final Body body;
        private int count = 64;
        private int done;
        private double[] samples;
        private long allocated;
        private long records;

        private Lane(String name, Body body) {
            this.name = name;
            this.body = body;
        }

        /** Median, in nanoseconds a record. */
        double ns() {
            return quantile(samples, 0.5);
        }

        /** Bytes allocated a record. */
        double bytes() {
            return (double) allocated / records;
        }
    }

    private final List<Lane> lanes = new ArrayList<>();

    Race lane(String name, Body body) {
        if (ONLY == null || ONLY.contains(name)) {
            lanes.add(new Lane(name, body));
        }
        return this;
    }

    /** Warms all lanes up together, then measures {@code rounds} rounds. */
    Race run(double warmUpSeconds, int rounds) throws Exception {
        for (long left = (long) (warmUpSeconds * 1e9) * lanes.size(); left > 0;) {
            for (Lane lane : lanes) {
                left -= slice(lane);
            }
        }
        for (Lane lane : lanes) {
            lane.samples = new double[rounds];
        }
        for (int round = 0; round < rounds; round++) {
            for (int i = 0; i < lanes.size(); i++) {
                Lane lane = lanes.get((i + round) % lanes.size());
                long before = THREADS.getCurrentThreadAllocatedBytes();
                lane.samples[round] = (double) slice(lane) / lane.done;
                lane.allocated += THREADS.getCurrentThreadAllocatedBytes() - before;
                lane.records += lane.done;
            }
        }
        return this;
    }

    private static long slice(Lane lane) throws Exception {
        int count = lane.count;
        long before = THREADS.getCurrentThreadCpuTime();
        sink += lane.body.run(count);
        long time = Math.max(1, THREADS.getCurrentThreadCpuTime() - before);
        lane.done = count;
        lane.count = (int) Math.max(1, Math.min(4L * count, count * SLICE_NS / time));
        return time;
    }

    /** The times of one lane by those of another, of the medians. */
    double ratio(String slow, String fast) {
        if (lanes.size() < 2) {
            return Double.NaN;
        }
        return get(slow).ns() / get(fast).ns();
    }

    /** The ratios of the rounds at a quantile: how far they spread. */
    double ratioAt(String slow, String fast, double quantile) {
        if (lanes.size() < 2) {
            return Double.NaN;
        }
        double[] a = get(slow).samples;
        double[] b = get(fast).samples;
        double[] ratios = new double[a.length];
        for (int i = 0; i < a.length; i++) {
            ratios[i] = a[i] / b[i];
        }
        return quantile(ratios, quantile);
    }

    /** What a lane does, for who measures it otherwise. */
    Body body(String name) {
        return get(name).body;
    }

    List<Lane> lanes() {
        return lanes;
    }

    Lane get(String name) {
        return lanes.stream().filter(lane -> lane.name.equals(name)).findFirst().orElseThrow();
    }

    private static double quantile(double[] samples, double at) {
        double[] sorted = samples.clone();
        Arrays.sort(sorted);
        return sorted[(int) Math.round(at * (sorted.length - 1))];
    }
}
