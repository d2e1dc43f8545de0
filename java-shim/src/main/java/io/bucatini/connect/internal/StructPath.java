package io.bucatini.connect.internal;

import io.bucatini.connect.BucatiniError;
import java.util.Arrays;
import java.util.List;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;

/**
 * Positions in {@code Struct.values}, from a root Struct down. In an envelope that nobody has looked into yet they are slots of
 * the image that it was decoded to, and what is there is made alone.
 */
final class StructPath {
    private final StructAccess access;
    private final int[] positions;
    /** Schema of the Struct in which each position counts, and of what is at the end. */
    private final Schema[] schemas;
    /** The last other object of an equal schema: comparing by content takes long. A race costs a comparison. */
    private final Schema[] equals;
    /** The slots in the image of the plan that was asked for last; envelopes of one schema have one. */
    private volatile Slots slots;

    private StructPath(StructAccess access, int[] positions, Schema[] schemas) {
        this.access = access;
        this.positions = positions;
        this.schemas = schemas;
        this.equals = new Schema[schemas.length];
    }

    /** The path in the images of one plan. */
    private static final class Slots {
        final RowImagePlan root;
        /** Of every step. */
        final int[] at;
        /** Of what is at the end. */
        final RowImagePlan plan;

        Slots(RowImagePlan root, int[] positions) {
            this.root = root;
            this.at = new int[positions.length];
            RowImagePlan step = root;
            int slot = 0;
            for (int i = 0; i < positions.length && step != null; i++) {
                slot += step.kind == RowImagePlan.STRUCT ? step.offsets[positions[i]] : 0;
                // What is in an aggregate has no slot in this image.
                step = step.kind == RowImagePlan.STRUCT ? step.children[positions[i]] : null;
                at[i] = slot;
            }
            this.plan = step;
        }

        boolean isNull(RowImage image, int steps) {
            for (int i = 0; i < steps; i++) {
                if (image.isNull(at[i])) {
                    return true;
                }
            }
            return false;
        }

        int last() {
            return at.length == 0 ? 0 : at[at.length - 1];
        }
    }

    /** The slots of this path in the image of an envelope that is still to be read; null: go by its values. */
    private Slots slots(LazyStruct root) {
        if (root.schema() != schemas[0]) {
            return null;
        }
        Slots known = slots;
        if (known == null || known.root != root.plan()) {
            known = new Slots(root.plan(), positions);
            slots = known;
        }
        return known.plan == null ? null : known;
    }

    /** Whether there is a value that is not null. */
    boolean isPresent(Object root) {
        if (root instanceof LazyStruct) {
            RowImage image = ((LazyStruct) root).pending();
            Slots path = image == null ? null : slots((LazyStruct) root);
            if (path != null) {
                return !path.isNull(image, positions.length);
            }
        }
        return get(root, null) != null;
    }

    /** The index of the first of these fields of the Struct at the path that is null, -1 if there is none. */
    int firstNull(Object root, int[] fields) {
        if (root instanceof LazyStruct) {
            RowImage image = ((LazyStruct) root).pending();
            Slots path = image == null ? null : slots((LazyStruct) root);
            if (path != null) {
                return path.isNull(image, positions.length) ? 0 : firstNull(path.plan.offsets, path.last(), image, fields);
            }
        }
        return firstNull(values(root), fields);
    }

    /** The index of the first of these positions that is null, -1 if there is none; without values all are. */
    static int firstNull(Object[] values, int[] fields) {
        for (int i = 0; i < fields.length; i++) {
            if (values == null || values[fields[i]] == null) {
                return i;
            }
        }
        return -1;
    }

    private static int firstNull(int[] offsets, int slot, RowImage image, int[] fields) {
        for (int i = 0; i < fields.length; i++) {
            if (image.isNull(slot + offsets[fields[i]])) {
                return i;
            }
        }
        return -1;
    }

    /** Copies {@code count} raw values of the Struct at the path, which must be there. */
    void copy(Object root, int first, int count, Object[] to, int at) {
        if (root instanceof LazyStruct) {
            LazyStruct lazy = (LazyStruct) root;
            RowImage image = lazy.pending();
            Slots path = image == null ? null : slots(lazy);
            if (path != null && !path.isNull(image, positions.length)) {
                lazy.reader().fields(path.plan, image, path.last(), 0, first, count, to, at);
                return;
            }
        }
        access.copy(struct(root), first, count, to, at);
    }

    /** The raw values of the Struct at the path, null if there is none; not to be changed. For what is not {@link #isPending}. */
    Object[] values(Object root) {
        Object value = walk(root, null);
        return value == null ? null : access.values(struct(value, positions.length), schemas[positions.length]);
    }

    /** Whether what is in the root still has to be made: then each place of it is asked for alone. */
    static boolean isPending(Object root) {
        return root instanceof LazyStruct && ((LazyStruct) root).pending() != null;
    }

    boolean isSame(StructPath other) {
        return Arrays.equals(positions, other.positions);
    }

    /** Whether these lead to fields of one Struct. */
    boolean isBeside(StructPath other) {
        int parents = positions.length - 1;
        return parents >= 0 && other.positions.length - 1 == parents
                && Arrays.equals(positions, 0, parents, other.positions, 0, parents);
    }

    /** The path without its last step. */
    StructPath parent() {
        int parents = positions.length - 1;
        return new StructPath(access, Arrays.copyOf(positions, parents), Arrays.copyOf(schemas, parents + 1));
    }

    /** Position in the Struct at the end. */
    int lastPosition() {
        return positions[positions.length - 1];
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
        if (root instanceof LazyStruct) {
            LazyStruct lazy = (LazyStruct) root;
            RowImage image = lazy.pending();
            Slots path = image == null ? null : slots(lazy);
            if (path != null && positions.length > 0) {
                if (path.isNull(image, positions.length - 1)) {
                    return nothing;
                }
                int slot = path.last();
                return image.isNull(slot) ? null : lazy.reader().value(path.plan, path.plan.kind, image, slot, 0);
            }
        }
        return walk(root, nothing);
    }

    private Object walk(Object root, Object nothing) {
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

    int length() {
        return positions.length;
    }

    /** Position in the root of what is right in it; -1 if there is no path or it leads further. */
    static int only(StructPath path) {
        return path == null || path.positions.length != 1 ? -1 : path.positions[0];
    }

    /** Position in the root. */
    int first() {
        return positions[0];
    }

    /** Schema of what is at the path. */
    Schema schema() {
        return schemas[positions.length];
    }

    /** The schema that the Struct at the root has for what is at the path: of one content with {@link #schema}. */
    Schema schemaIn(Object root) {
        Schema at = ((Struct) root).schema();
        for (int position : positions) {
            at = at.fields().get(position).schema();
        }
        return at;
    }

    /**
     * Whether the fields are these, which is what positions depend on. Schemas of one content need not be equal in Java: a
     * default's schema cannot have itself as default, and a default of bytes is equal to itself only.
     */
    static boolean hasFields(Schema schema, List<Field> fields) {
        List<Field> found = schema.fields();
        boolean same = found.size() == fields.size();
        for (int i = 0; same && i < found.size(); i++) {
            Field one = found.get(i);
            Field other = fields.get(i);
            same = one.name().equals(other.name()) && one.schema().type() == other.schema().type();
        }
        return same;
    }

    private Struct struct(Object value, int step) {
        if (value instanceof Struct) {
            Struct struct = (Struct) value;
            Schema schema = struct.schema();
            if (schema == schemas[step] || schema == equals[step]) {
                return struct;
            }
            if (hasFields(schema, schemas[step].fields())) {
                equals[step] = schema;
                return struct;
            }
        }
        throw new DataFault("plan.struct", "expected a Struct of the schema that the record declares, found "
                + (value == null ? "null" : value instanceof Struct ? "one of another schema" : value.getClass().getName()));
    }
}
