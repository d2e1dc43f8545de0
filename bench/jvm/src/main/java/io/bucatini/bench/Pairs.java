package io.bucatini.bench;

import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** The bodies that race in {@link Paths}, each in a JVM of its own, by the wall clock of JMH: a cross-check of the races. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
public class Pairs {
    /** One of {@link Paths}. */
    @Param({"decode", "chain", "encode", "smt", "wal2json"})
    public String path;

    private Registry registry;
    private Race.Body peer;
    private Race.Body ours;

    /** Makes both plug-ins and compares what they answer. */
    @Setup(Level.Trial)
    public void prepare() throws Exception {
        registry = new Registry();
        Race race = race(new Paths(plugins(registry)));
        peer = race.body(Paths.PEER);
        ours = race.body(Paths.OURS);
    }

    static Plugins plugins(Registry registry) throws Exception {
        return new Plugins(Path.of(System.getProperty("peers")), Path.of(System.getProperty("plugin")),
                Path.of(System.getProperty("own")), registry);
    }

    private Race race(Paths paths) throws Exception {
        switch (path) {
            case "decode":
                return paths.decode(paths.input(Input.BASE), false);
            case "chain":
                return paths.chain(paths.input(Input.BASE), Map.of());
            case "encode":
                return paths.encode(paths.input(Input.BASE));
            case "smt":
                return paths.smt(paths.input("mixed-ops"), Map.of());
            default:
                return paths.wal2json();
        }
    }

    /** See the class. */
    @TearDown(Level.Trial)
    public void close() {
        registry.close();
    }

    /** The Java original. */
    @Benchmark
    @OperationsPerInvocation(Input.RECORDS)
    public long peer() throws Exception {
        return peer.run(Input.RECORDS);
    }

    /** Bucatini. */
    @Benchmark
    @OperationsPerInvocation(Input.RECORDS)
    public long ours() throws Exception {
        return ours.run(Input.RECORDS);
    }
}
