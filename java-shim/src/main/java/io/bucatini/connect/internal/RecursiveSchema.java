package io.bucatini.connect.internal;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.data.ConnectSchema;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;

/**
 * A reference back to an enclosing struct. A {@link ConnectSchema} cannot contain itself (it is immutable, and its
 * {@code equals} and {@code hashCode} would not end), so, as in Confluent's AvroData, a wrapper stands at the inner place.
 * Equality is that of the boundary form of the struct it stands for; a Struct of this schema also fits where that struct stands
 * by itself, as in the row that a transformation has made of a recursive one.
 */
final class RecursiveSchema implements Schema {
    private final byte[] form;
    private ConnectSchema target;

    /** @param form boundary form of the struct */
    RecursiveSchema(byte[] form) {
        this.form = form;
    }

    /** Completes the cycle; before this only identity and equality work. */
    void refersTo(ConnectSchema struct) {
        target = struct;
    }

    /** The schema itself, or the struct it stands for. */
    static Schema unwrap(Schema schema) {
        return schema instanceof RecursiveSchema ? ((RecursiveSchema) schema).target : schema;
    }

    @Override
    public Type type() {
        return Type.STRUCT;
    }

    @Override
    public boolean isOptional() {
        return target.isOptional();
    }

    @Override
    public Object defaultValue() {
        return target.defaultValue();
    }

    @Override
    public String name() {
        return target.name();
    }

    @Override
    public Integer version() {
        return target.version();
    }

    @Override
    public String doc() {
        return target.doc();
    }

    @Override
    public Map<String, String> parameters() {
        return target.parameters();
    }

    @Override
    public Schema keySchema() {
        return target.keySchema();
    }

    @Override
    public Schema valueSchema() {
        return target.valueSchema();
    }

    @Override
    public List<Field> fields() {
        return target.fields();
    }

    @Override
    public Field field(String fieldName) {
        return target.field(fieldName);
    }

    @Override
    public Schema schema() {
        return this;
    }

    @Override
    public boolean equals(Object other) {
        return this == other
                || other instanceof RecursiveSchema && Arrays.equals(form, ((RecursiveSchema) other).form)
                || other instanceof ConnectSchema && target != null && target.equals(other);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(form);
    }

    @Override
    public String toString() {
        return "Schema{" + (target.name() == null ? Type.STRUCT : target.name()) + "}";
    }
}
