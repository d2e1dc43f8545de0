package io.bucatini.connect.internal;

import io.bucatini.connect.BucatiniError;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;

/** Positions in {@code Struct.values}, from a root Struct down. */
final class StructPath {
    private final StructAccess access;
    private final int[] positions;
    /** Schema of the Struct in which each position counts, and of what is at the end. */
    private final Schema[] schemas;
    /** The last other object of an equal schema: comparing by content takes long. A race costs a comparison. */
    private final Schema[] equals;

    private StructPath(StructAccess access, int[] positions, Schema[] schemas) {
        this.access = access;
        this.positions = positions;
        this.schemas = schemas;
        this.equals = new Schema[schemas.length];
    }

    /** Reads a path (plan_codec.rs) below a Struct of {@code root}. */
    static StructPath read(WireReader in, Schema root, StructAccess access) {
        int[] positions = new int[in.count(4)];
        Schema[] schemas = new Schema[positions.length + 1];
        Schema at = root;
        for (int i = 0; i < positions.length; i++) {
            int position = in.u32();
            if (at == null || at.type() != Schema.Type.STRUCT || position < 0 || position >= at.fields().size()) {
                throw new BucatiniError("plan.path", "plan: there is no field " + Integer.toUnsignedString(position)
                        + " where it wants one");
            }
            positions[i] = position;
            schemas[i] = at;
            Field field = at.fields().get(position);
            at = field.schema();
        }
        schemas[positions.length] = at;
        return new StructPath(access, positions, schemas);
    }

    /**
     * The value at the path, null if there is none.
     *
     * @param nothing what to answer if a Struct on the way is null
     */
    Object get(Object root, Object nothing) {
        Object value = root;
        for (int i = 0; i < positions.length; i++) {
            if (value == null) {
                return nothing;
            }
            value = access.get(struct(value, i), positions[i]);
        }
        return value;
    }

    /** The Struct at the path, which must be there. */
    Struct struct(Object root) {
        return struct(get(root, null), positions.length);
    }

    /** Schema of what is at the path. */
    Schema schema() {
        return schemas[positions.length];
    }

    private Struct struct(Object value, int step) {
        if (value instanceof Struct) {
            Struct struct = (Struct) value;
            Schema schema = struct.schema();
            if (schema == schemas[step] || schema == equals[step]) {
                return struct;
            }
            if (schema.equals(schemas[step])) {
                equals[step] = schema;
                return struct;
            }
        }
        throw new DataFault("plan.struct", "expected a Struct of the schema that the record declares, found "
                + (value == null ? "null" : value instanceof Struct ? "one of another schema" : value.getClass().getName()));
    }
}
