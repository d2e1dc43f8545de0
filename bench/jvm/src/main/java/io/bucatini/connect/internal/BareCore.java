package io.bucatini.connect.internal;

import io.bucatini.bench.Core;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.storage.Converter;

/**
 * A converter's library without the converter: no check whether it is open, no counters, no second attempt. Lives in the
 * plug-in's package and loader to get at it.
 */
public final class BareCore implements Core {
    private static final byte[] NONE = {};

    private final Library library;
    private final long handle;
    private final int topic;
    private final int schema;
    private final Scratch scratch;

    /** @param converter configured, and has converted records of the topic and schema */
    public BareCore(Converter converter, String topic, Schema schema) throws ReflectiveOperationException {
        Object plugin = field(NativeConverter.class, "plugin", converter);
        this.library = (Library) field(NativePlugin.class, "library", plugin);
        this.handle = ((PluginHandle) field(NativePlugin.class, "handle", plugin)).acquire().handle();
        Method number = NativePlugin.class.getDeclaredMethod("topic", String.class);
        number.setAccessible(true);
        this.topic = (int) number.invoke(plugin, topic);
        this.schema = ((Schemas) field(NativePlugin.class, "schemas", plugin)).of(schema).id;
        this.scratch = new Scratch(library);
    }

    private static Object field(Class<?> of, String name, Object in) throws ReflectiveOperationException {
        Field field = of.getDeclaredField(name);
        field.setAccessible(true);
        return field.get(in);
    }

    @Override
    public byte[] copies(byte[] payload, int imageLength) {
        scratch.send(payload, payload.length, NONE, 0);
        return scratch.copy(imageLength);
    }

    @Override
    public long address(ByteBuffer direct) {
        return library.address(direct);
    }

    @Override
    public byte[] image(byte[] payload) {
        scratch.send(payload, payload.length, NONE, 0);
        return scratch.copy(length(library.toConnect(handle, topic, scratch.in(), payload.length, 0, scratch.out(),
                scratch.capacity())));
    }

    @Override
    public byte[] payload(byte[] image, int length) {
        scratch.send(image, length, NONE, 0);
        return scratch.copy(length(library.fromConnect(handle, topic, schema, scratch.in(), length, scratch.out(),
                scratch.capacity())));
    }

    private static int length(long result) {
        if (result < 0) {
            throw new IllegalStateException("the library answers " + result);
        }
        return (int) result;
    }
}
