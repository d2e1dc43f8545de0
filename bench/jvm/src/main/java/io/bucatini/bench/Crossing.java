package io.bucatini.bench;

import java.nio.ByteBuffer;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.storage.Converter;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** What it costs to cross to the native library and back, whatever is done there. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 4, time = 1)
public class Crossing {
    private Registry registry;
    private Core core;
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(8);
    private byte[] payload;
    private int imageLength;

    /** Opens a converter and has it convert one record each way. */
    @Setup(Level.Trial)
    public void prepare() throws Exception {
        registry = new Registry();
        Plugins plugins = Pairs.plugins(registry);
        Input input = Input.of(Input.BASE, plugins.confluent());
        Converter ours = plugins.ours(Map.of());
        payload = input.payloads[0];
        SchemaAndValue event = ours.toConnectData(input.topics[0], payload);
        ours.fromConnectData(input.topics[0], input.schemas[0], input.values[0]);
        core = plugins.core(ours, input.topics[0], input.schemas[0], event.schema());
        imageLength = core.image(payload).length;
    }

    /** See the class. */
    @TearDown(Level.Trial)
    public void close() {
        registry.close();
    }

    /** A call that does next to nothing: it asks the JVM where a buffer is. */
    @Benchmark
    public long address() {
        return core.address(buffer);
    }

    /** A payload to native memory and an image back, without a call. */
    @Benchmark
    public byte[] copies() {
        return core.copies(payload, imageLength);
    }

    /** Both, and the payload's image made in between. */
    @Benchmark
    public byte[] image() {
        return core.image(payload);
    }
}
