package io.bucatini.connect.internal;

import io.bucatini.connect.BucatiniError;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.data.Schema;

/**
 * A schema as an arena of nodes in pre-order, the form in which it crosses the boundary (schema_codec.rs), and its layout:
 * which slot of a row image each node has (layout.rs). A reference to a smaller or equal index than the parent's points back
 * to an enclosing struct.
 */
final class SchemaArena {
    static final int MAX_NODES = 200_000;
    static final int MAX_DEPTH = 200;

    private static final int OPTIONAL = 1;
    private static final int NAME = 2;
    private static final int VERSION = 4;
    private static final int DOC = 8;
    private static final int DEFAULT = 16;
    private static final int KEY_AND_ITEM = 32;
    private static final int ITEM = 64;
    private static final int NONE = -1;

    /** The boundary's type codes are Connect's ordinals. */
    private static final Schema.Type[] TYPES = Schema.Type.values();

    static final class Node {
        Schema.Type type;
        boolean optional;
        String name;
        Integer version;
        String doc;
        /** In order; null if there are none. */
        Map<String, String> parameters;
        /** Row image of this node; null if there is no default. */
        byte[] defaultImage;
        /** Of a struct, in order. */
        String[] fieldNames = {};
        int[] fieldNodes = {};
        /** Of a map. */
        int key = NONE;
        /** Of an array or map. */
        int item = NONE;

        Node copyWithoutChildren() {
            Node copy = new Node();
            copy.type = type;
            copy.optional = optional;
            copy.name = name;
            copy.version = version;
            copy.doc = doc;
            copy.parameters = parameters;
            copy.defaultImage = defaultImage;
            copy.fieldNames = fieldNames;
            copy.fieldNodes = new int[fieldNodes.length];
            return copy;
        }
    }

    final Node[] nodes;
    private final int[] widths;

    SchemaArena(List<Node> nodes) {
        this.nodes = nodes.toArray(new Node[0]);
        this.widths = new int[this.nodes.length];
        // Children come after their parents, so widths are known from the end.
        for (int id = widths.length - 1; id >= 0; id--) {
            int width = 1;
            for (int child : this.nodes[id].fieldNodes) {
                width += width(id, child);
            }
            widths[id] = width;
        }
    }

    static boolean isBackReference(int parent, int child) {
        return child <= parent;
    }

    /** Slots that the child takes in its parent: a reference back is one slot that points to an aggregate. */
    int width(int parent, int child) {
        return isBackReference(parent, child) ? 1 : widths[child];
    }

    /** Slots that a node takes, with everything flattened below. */
    int width(int node) {
        return widths[node];
    }

    /** The subtree as a schema of its own; a reference back to a struct outside is expanded. */
    SchemaArena subschema(int node, boolean withDefaults) {
        List<Node> copies = new ArrayList<>();
        copy(node, withDefaults, copies, new LinkedHashMap<>());
        return new SchemaArena(copies);
    }

    private int copy(int id, boolean withDefaults, List<Node> copies, Map<Integer, Integer> enclosing) {
        Integer known = enclosing.get(id);
        if (known != null) {
            return known;
        }
        if (copies.size() >= MAX_NODES || enclosing.size() > MAX_DEPTH) {
            throw tooLarge();
        }
        Node original = nodes[id];
        Node copy = original.copyWithoutChildren();
        if (!withDefaults) {
            copy.defaultImage = null;
        }
        int copied = copies.size();
        copies.add(copy);
        // Only structs can be referred back to.
        boolean struct = original.type == Schema.Type.STRUCT;
        if (struct) {
            enclosing.put(id, copied);
        }
        for (int i = 0; i < original.fieldNodes.length; i++) {
            copy.fieldNodes[i] = copy(original.fieldNodes[i], withDefaults, copies, enclosing);
        }
        if (original.key != NONE) {
            copy.key = copy(original.key, withDefaults, copies, enclosing);
        }
        if (original.item != NONE) {
            copy.item = copy(original.item, withDefaults, copies, enclosing);
        }
        if (struct) {
            enclosing.remove(id);
        }
        return copied;
    }

    /** Whether the subtree refers back to a struct outside of it. */
    boolean refersOutside(int node) {
        return refersBelow(node, node);
    }

    private boolean refersBelow(int id, int root) {
        Node node = nodes[id];
        for (int child : node.fieldNodes) {
            if (isBackReference(id, child) ? child < root : refersBelow(child, root)) {
                return true;
            }
        }
        for (int child : new int[] {node.key, node.item}) {
            if (child != NONE && (isBackReference(id, child) ? child < root : refersBelow(child, root))) {
                return true;
            }
        }
        return false;
    }

    void write(WireWriter out) {
        out.u32(nodes.length);
        for (Node node : nodes) {
            out.u8(node.type.ordinal());
            int flags = node.optional ? OPTIONAL : 0;
            flags |= node.name != null ? NAME : 0;
            flags |= node.version != null ? VERSION : 0;
            flags |= node.doc != null ? DOC : 0;
            flags |= node.defaultImage != null ? DEFAULT : 0;
            flags |= node.key != NONE ? KEY_AND_ITEM : node.item != NONE ? ITEM : 0;
            out.u8(flags);
            if (node.name != null) {
                out.str(node.name);
            }
            if (node.version != null) {
                out.u32(node.version);
            }
            if (node.doc != null) {
                out.str(node.doc);
            }
            out.u32(node.parameters == null ? 0 : node.parameters.size());
            if (node.parameters != null) {
                node.parameters.forEach((key, value) -> {
                    out.str(key);
                    out.str(value);
                });
            }
            if (node.defaultImage != null) {
                out.bytes(node.defaultImage);
            }
            out.u32(node.fieldNames.length);
            for (int i = 0; i < node.fieldNames.length; i++) {
                out.str(node.fieldNames[i]);
                out.u32(node.fieldNodes[i]);
            }
            if (node.key != NONE) {
                out.u32(node.key);
            }
            if (node.item != NONE) {
                out.u32(node.item);
            }
        }
    }

    static SchemaArena read(WireReader in) {
        int count = in.count(2);
        if (count == 0 || count > MAX_NODES) {
            throw new BucatiniError("schema.count", "schema: expected 1 to " + MAX_NODES + " nodes, found " + count);
        }
        List<Node> nodes = new ArrayList<>(count);
        for (int id = 0; id < count; id++) {
            nodes.add(readNode(in, id, count));
        }
        in.finish("schema");
        SchemaArena arena = new SchemaArena(nodes);
        if (arena.check(0, new int[] {0}, new boolean[count], 0) != count) {
            throw shape("a node that nothing refers to");
        }
        return arena;
    }

    private static Node readNode(WireReader in, int id, int count) {
        Node node = new Node();
        int type = in.u8();
        if (type >= TYPES.length) {
            throw new BucatiniError("schema.type", "schema: unknown type code " + type);
        }
        node.type = TYPES[type];
        int flags = in.u8();
        node.optional = (flags & OPTIONAL) != 0;
        node.name = (flags & NAME) != 0 ? in.str() : null;
        node.version = (flags & VERSION) != 0 ? Integer.valueOf(in.u32()) : null;
        node.doc = (flags & DOC) != 0 ? in.str() : null;
        int parameters = in.count(8);
        if (parameters > 0) {
            node.parameters = new LinkedHashMap<>();
            for (int i = 0; i < parameters; i++) {
                String key = in.str();
                node.parameters.put(key, in.str());
            }
        }
        node.defaultImage = (flags & DEFAULT) != 0 ? in.bytes() : null;
        int fields = in.count(8);
        node.fieldNames = new String[fields];
        node.fieldNodes = new int[fields];
        for (int i = 0; i < fields; i++) {
            node.fieldNames[i] = in.str();
            node.fieldNodes[i] = child(in, count);
        }
        if ((flags & KEY_AND_ITEM) != 0) {
            node.key = child(in, count);
        }
        if ((flags & (KEY_AND_ITEM | ITEM)) != 0) {
            node.item = child(in, count);
        }
        boolean map = node.type == Schema.Type.MAP;
        boolean aggregate = map || node.type == Schema.Type.ARRAY;
        if ((node.key != NONE) != map || (node.item != NONE) != aggregate
                || fields > 0 && node.type != Schema.Type.STRUCT) {
            throw shape("node " + id + ", whose children do not fit its type");
        }
        return node;
    }

    private static int child(WireReader in, int count) {
        int child = in.u32();
        if (child < 0 || child >= count) {
            throw shape("a reference to node " + Integer.toUnsignedString(child) + " of " + count);
        }
        return child;
    }

    /** Walks in pre-order: the next forward child must be exactly the next node. Answers how many nodes were seen. */
    private int check(int id, int[] seen, boolean[] enclosing, int depth) {
        if (depth > MAX_DEPTH) {
            throw tooLarge();
        }
        seen[0]++;
        Node node = nodes[id];
        enclosing[id] = node.type == Schema.Type.STRUCT;
        for (int child : node.fieldNodes) {
            checkChild(id, child, seen, enclosing, depth);
        }
        if (node.key != NONE) {
            checkChild(id, node.key, seen, enclosing, depth);
        }
        if (node.item != NONE) {
            checkChild(id, node.item, seen, enclosing, depth);
        }
        enclosing[id] = false;
        return seen[0];
    }

    private void checkChild(int id, int child, int[] seen, boolean[] enclosing, int depth) {
        if (isBackReference(id, child)) {
            if (!enclosing[child]) {
                throw shape("a reference back to something other than an enclosing struct");
            }
        } else if (child != seen[0]) {
            throw shape("nodes out of pre-order");
        } else {
            check(child, seen, enclosing, depth + 1);
        }
    }

    static DataFault tooLarge() {
        return new DataFault("schema.too-large",
                "schema: expected at most " + MAX_NODES + " nodes and " + MAX_DEPTH + " levels, found more");
    }

    private static BucatiniError shape(String found) {
        return new BucatiniError("schema.shape", "schema: found " + found);
    }
}
