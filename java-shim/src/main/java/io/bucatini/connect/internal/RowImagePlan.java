package io.bucatini.connect.internal;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.data.Date;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Time;
import org.apache.kafka.connect.data.Timestamp;

/**
 * How one schema lies in row images and which Java objects it has: compiled once per schema, so that no Schema is interpreted
 * per record. One object per node; a struct's children with their slots are flat arrays.
 */
final class RowImagePlan {
    static final int BOOLEAN = 0;
    static final int INT8 = 1;
    static final int INT16 = 2;
    static final int INT32 = 3;
    static final int INT64 = 4;
    static final int FLOAT32 = 5;
    static final int FLOAT64 = 6;
    static final int STRING = 7;
    static final int BYTES = 8;
    static final int DECIMAL = 9;
    static final int DATE = 10;
    static final int TIME = 11;
    static final int TIMESTAMP = 12;
    static final int STRUCT = 13;
    static final int ARRAY = 14;
    static final int MAP = 15;
    /** A struct in an aggregate of its own: a reference back to an enclosing struct. */
    static final int REFERENCE = 16;

    /** Reads of a struct after which a class of its own pays. */
    static final int USED = 1_000;

    private static final String ENVELOPE = ".Envelope";

    /** One of the constants above. */
    final int kind;
    /** Connect's schema of this node. */
    final Schema schema;
    /** Slots, with everything flattened below. */
    final int width;
    /** Of a DECIMAL; null if the schema does not tell. */
    final Integer scale;
    /** Of a struct, in order. */
    final Field[] fields;
    final RowImagePlan[] children;
    /** Slot of each child relative to the struct's own. */
    final int[] offsets;
    /** Kind of each child, beside its slot: the reader's loop looks at nothing else for most fields. */
    final int[] kinds;
    /** Of a STRING: what was read last at this place. */
    final RecentText recent;
    /** Whether a value may be read later: nothing in it can fail that the image's writer has not checked. */
    final boolean lazy;
    /** Whether that pays. */
    final Lateness lateness;
    /** Of a map. */
    RowImagePlan key;
    /** Of an array or map; the struct that a reference stands for. */
    RowImagePlan item;
    /** The last other Schema object that was found equal: comparing by content takes long. A race costs a comparison. */
    Schema equal;
    /** Races cost a read by the loop, or a second class. */
    private int reads;
    private volatile RowFiller filler;
    private int writes;
    private volatile RowPacker packer;

    private RowImagePlan(int kind, Schema schema, int width, boolean lazy) {
        this.kind = kind;
        this.schema = schema;
        this.width = width;
        this.scale = kind == DECIMAL ? scale(schema.parameters()) : null;
        List<Field> declared = kind == STRUCT ? new ArrayList<>(schema.fields()) : List.of();
        this.fields = declared.toArray(new Field[0]);
        this.children = new RowImagePlan[fields.length];
        this.offsets = new int[fields.length];
        this.kinds = new int[fields.length];
        this.recent = kind == STRING ? new RecentText() : null;
        this.lazy = lazy;
        this.lateness = lazy ? new Lateness() : null;
    }

    /** What reads this struct in a straight line, once it has been read often; null before, or if there is none. */
    RowFiller filler() {
        if (reads >= USED) {
            return filler;
        }
        if (++reads == USED) {
            filler = RowFillers.of(this);
        }
        return null;
    }

    /** What writes this struct in a straight line, once it has been written often; null before, or if there is none. */
    RowPacker packer() {
        if (writes >= USED) {
            return packer;
        }
        if (++writes == USED) {
            packer = RowPackers.of(this);
        }
        return null;
    }

    /** The plan of {@code schema}, whose arena (with or without defaults) is {@code arena}. */
    static RowImagePlan of(SchemaArena arena, Schema schema) {
        return new Compiler(arena).compile(0, schema);
    }

    /** The plan of the default of {@code schema}: of a Decimal that tells no scale, Java's converter keeps the bytes. */
    static RowImagePlan ofDefault(SchemaArena arena, Schema schema) {
        SchemaArena.Node root = arena.nodes[0];
        boolean bytes = kind(root) == DECIMAL && scale(root.parameters) == null;
        return bytes ? new RowImagePlan(BYTES, schema, 1, false) : of(arena, schema);
    }

    /** The plan of {@code schema}. */
    static RowImagePlan of(Schema schema) {
        return of(SchemaWriter.shape(schema), schema);
    }

    private static int kind(SchemaArena.Node node) {
        String name = node.name == null ? "" : node.name;
        switch (node.type) {
            case BOOLEAN:
                return BOOLEAN;
            case INT8:
                return INT8;
            case INT16:
                return INT16;
            case INT32:
                return name.equals(Date.LOGICAL_NAME) ? DATE : name.equals(Time.LOGICAL_NAME) ? TIME : INT32;
            case INT64:
                return name.equals(Timestamp.LOGICAL_NAME) ? TIMESTAMP : INT64;
            case FLOAT32:
                return FLOAT32;
            case FLOAT64:
                return FLOAT64;
            case STRING:
                return STRING;
            case BYTES:
                return name.equals(Decimal.LOGICAL_NAME) ? DECIMAL : BYTES;
            case ARRAY:
                return ARRAY;
            case MAP:
                return MAP;
            case STRUCT:
                return STRUCT;
            default:
                throw new DataFault("schema.type", "schema: expected a type of Connect 2.8, found " + node.type);
        }
    }

    private static Integer scale(Map<String, String> parameters) {
        String scale = parameters == null ? null : parameters.get(Decimal.SCALE_FIELD);
        try {
            return scale == null ? null : Integer.valueOf(scale);
        } catch (NumberFormatException e) {
            return null;
        }
    }

    /** The scale, as Decimal.toLogical and fromLogical demand it when there is a value. */
    int requiredScale() {
        if (scale == null) {
            throw new DataFault("row-image.scale",
                    "schema: expected a whole number as the parameter scale of a Decimal, found none");
        }
        return scale;
    }

    private static final class Compiler {
        private final SchemaArena arena;
        private final Map<Integer, RowImagePlan> structs = new HashMap<>();

        Compiler(SchemaArena arena) {
            this.arena = arena;
        }

        RowImagePlan compile(int id, Schema schema) {
            SchemaArena.Node node = arena.nodes[id];
            RowImagePlan plan = new RowImagePlan(kind(node), schema, arena.width(id), id == 0 && isLazy(node));
            if (plan.kind == STRUCT) {
                structs.put(id, plan);
                int slot = 1;
                for (int i = 0; i < plan.children.length; i++) {
                    plan.children[i] = child(id, node.fieldNodes[i], plan.fields[i].schema());
                    plan.offsets[i] = slot;
                    plan.kinds[i] = plan.children[i].kind;
                    slot += plan.children[i].width;
                }
            }
            plan.key = node.key < 0 ? null : child(id, node.key, schema.keySchema());
            plan.item = node.item < 0 ? null : child(id, node.item, schema.valueSchema());
            return plan;
        }

        /** Envelopes of change events, whose Decimals all have a scale. */
        private boolean isLazy(SchemaArena.Node root) {
            if (kind(root) != STRUCT || root.name == null || !root.name.endsWith(ENVELOPE)) {
                return false;
            }
            for (SchemaArena.Node node : arena.nodes) {
                if (kind(node) == DECIMAL && scale(node.parameters) == null) {
                    return false;
                }
            }
            return true;
        }

        private RowImagePlan child(int parent, int child, Schema schema) {
            if (!SchemaArena.isBackReference(parent, child)) {
                return compile(child, schema);
            }
            RowImagePlan reference = new RowImagePlan(REFERENCE, schema, 1, false);
            reference.item = structs.get(child);
            return reference;
        }
    }
}
