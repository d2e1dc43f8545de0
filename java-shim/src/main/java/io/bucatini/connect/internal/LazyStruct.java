package io.bucatini.connect.internal;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Struct;

/**
 * An envelope that is complete as soon as anybody looks into it. What it was decoded from has been checked as a whole before, so
 * that a fault in the data is the converter's. Until then our own transformation takes from the image what it needs, and the rest
 * is never made. Where no transformation does, converters make few of them ({@link Lateness}).
 *
 * <p>Like any Struct it may be handed from thread to thread and read by several at once. One difference remains: a plain Struct
 * is never equal to one of another class, so {@code plain.equals(lazy)} is false although {@code lazy.equals(plain)} is true.
 */
final class LazyStruct extends Struct {
    private static final VarHandle IMAGE = image();

    private final RowImageReader reader;
    private final RowImagePlan plan;
    /** Null once the fields are there. Read with acquire and written with release: who sees the null sees the fields. */
    private RowImage image;

    /** @param image of a struct that is not null, with the slots that the plan says; not to be changed any more */
    LazyStruct(RowImageReader reader, RowImagePlan plan, RowImage image) {
        super(plan.schema);
        this.reader = reader;
        this.plan = plan;
        IMAGE.setRelease(this, image);
    }

    private static VarHandle image() {
        try {
            return MethodHandles.lookup().findVarHandle(LazyStruct.class, "image", RowImage.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** What the fields will be read from; null if they are there. */
    RowImage pending() {
        return (RowImage) IMAGE.getAcquire(this);
    }

    RowImagePlan plan() {
        return plan;
    }

    RowImageReader reader() {
        return reader;
    }

    /** Reads the fields if they are not there. */
    void complete() {
        RowImage pending = pending();
        if (pending != null) {
            complete(pending);
        }
    }

    /** The lock is on the image: nobody else has it. */
    private void complete(RowImage pending) {
        synchronized (pending) {
            if (pending() != null) {
                reader.complete(this, plan, pending);
                IMAGE.setRelease(this, null);
            }
        }
    }

    @Override
    public Object get(String fieldName) {
        complete();
        return super.get(fieldName);
    }

    @Override
    public Object get(Field field) {
        complete();
        return super.get(field);
    }

    @Override
    public Object getWithoutDefault(String fieldName) {
        complete();
        return super.getWithoutDefault(fieldName);
    }

    @Override
    public Byte getInt8(String fieldName) {
        complete();
        return super.getInt8(fieldName);
    }

    @Override
    public Short getInt16(String fieldName) {
        complete();
        return super.getInt16(fieldName);
    }

    @Override
    public Integer getInt32(String fieldName) {
        complete();
        return super.getInt32(fieldName);
    }

    @Override
    public Long getInt64(String fieldName) {
        complete();
        return super.getInt64(fieldName);
    }

    @Override
    public Float getFloat32(String fieldName) {
        complete();
        return super.getFloat32(fieldName);
    }

    @Override
    public Double getFloat64(String fieldName) {
        complete();
        return super.getFloat64(fieldName);
    }

    @Override
    public Boolean getBoolean(String fieldName) {
        complete();
        return super.getBoolean(fieldName);
    }

    @Override
    public String getString(String fieldName) {
        complete();
        return super.getString(fieldName);
    }

    @Override
    public byte[] getBytes(String fieldName) {
        complete();
        return super.getBytes(fieldName);
    }

    @Override
    public <T> List<T> getArray(String fieldName) {
        complete();
        return super.getArray(fieldName);
    }

    @Override
    public <K, V> Map<K, V> getMap(String fieldName) {
        complete();
        return super.getMap(fieldName);
    }

    @Override
    public Struct getStruct(String fieldName) {
        complete();
        return super.getStruct(fieldName);
    }

    /** Puts the fields where the array behind them is out of reach. */
    void take(Object[] values, Field[] fields) {
        for (int i = 0; i < fields.length; i++) {
            if (values[i] != null) {
                super.put(fields[i], values[i]);
            }
        }
    }

    @Override
    public Struct put(String fieldName, Object value) {
        complete();
        return super.put(fieldName, value);
    }

    @Override
    public Struct put(Field field, Object value) {
        complete();
        return super.put(field, value);
    }

    @Override
    public void validate() {
        complete();
        super.validate();
    }

    @Override
    public boolean equals(Object other) {
        if (this == other) {
            return true;
        }
        if (!(other instanceof Struct) || !schema().equals(((Struct) other).schema())) {
            return false;
        }
        complete();
        for (Field field : schema().fields()) {
            if (!Objects.deepEquals(getWithoutDefault(field.name()), ((Struct) other).getWithoutDefault(field.name()))) {
                return false;
            }
        }
        return true;
    }

    @Override
    public int hashCode() {
        complete();
        return super.hashCode();
    }

    @Override
    public String toString() {
        complete();
        return super.toString();
    }
}
