package io.bucatini.connect.internal;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;

/**
 * Reads and fills a Struct's values without lookup, validation and substitution of defaults: through the private array where
 * the JVM and this Connect allow it (2.8 to 4.3 do), else through {@code put} and {@code getWithoutDefault}.
 */
final class StructAccess {
    private static final VarHandle VALUES = find();

    /** The fastest way there is. */
    static final StructAccess BEST = new StructAccess(VALUES != null);
    /** The public methods: slower, the same results. */
    static final StructAccess PUBLIC = new StructAccess(false);

    private final boolean direct;

    private StructAccess(boolean direct) {
        this.direct = direct;
    }

    private static VarHandle find() {
        try {
            return MethodHandles.privateLookupIn(Struct.class, MethodHandles.lookup())
                    .findVarHandle(Struct.class, "values", Object[].class);
        } catch (ReflectiveOperationException | RuntimeException e) {
            return null;
        }
    }

    boolean isDirect() {
        return direct;
    }

    /** The array behind a Struct, complete; null if only its methods tell what is in it: another loader's, say. */
    private Object[] raw(Struct struct) {
        if (!direct) {
            return null;
        }
        if (struct.getClass() != Struct.class) {
            if (!(struct instanceof LazyStruct)) {
                return null;
            }
            ((LazyStruct) struct).complete();
        }
        return (Object[]) VALUES.get(struct);
    }

    /** The values that lie open in the array behind a Struct, where {@link #isDirect}; null if they do not. Not to be changed. */
    static Object[] open(Struct struct) {
        boolean open = struct.getClass() == Struct.class
                || struct instanceof LazyStruct && ((LazyStruct) struct).pending() == null;
        return open ? (Object[]) VALUES.get(struct) : null;
    }

    /** The array to fill for a new Struct of {@code count} fields; {@link #fill} completes it. */
    Object[] empty(Struct struct, int count) {
        return direct ? (Object[]) VALUES.get(struct) : new Object[count];
    }

    /** Completes what was put into {@link #empty}. Nulls stay unset: a null where the schema wants a value is legal here. */
    void fill(Struct struct, Object[] values, Field[] fields) {
        if (direct) {
            return;
        }
        for (int i = 0; i < fields.length; i++) {
            if (values[i] != null) {
                struct.put(fields[i], values[i]);
            }
        }
    }

    /** One raw value. */
    Object get(Struct struct, int position) {
        Object[] raw = raw(struct);
        return raw != null ? raw[position] : struct.getWithoutDefault(struct.schema().fields().get(position).name());
    }

    /** Copies {@code count} raw values, nulls included. */
    void copy(Struct struct, int first, int count, Object[] to, int at) {
        Object[] raw = raw(struct);
        if (raw != null) {
            System.arraycopy(raw, first, to, at, count);
            return;
        }
        for (int i = 0; i < count; i++) {
            to[at + i] = get(struct, first + i);
        }
    }

    /** The raw values in the order of the schema's fields; not to be changed. */
    Object[] values(Struct struct, Schema schema) {
        Object[] raw = raw(struct);
        return raw != null ? raw : values(struct, schema.fields().toArray(new Field[0]));
    }

    /** The raw values in the order of {@code fields}; not to be changed. */
    Object[] values(Struct struct, Field[] fields) {
        Object[] raw = raw(struct);
        if (raw != null) {
            return raw;
        }
        Object[] values = new Object[fields.length];
        for (int i = 0; i < fields.length; i++) {
            values[i] = struct.getWithoutDefault(fields[i].name());
        }
        return values;
    }
}
