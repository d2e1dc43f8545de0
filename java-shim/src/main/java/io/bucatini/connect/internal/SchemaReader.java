package io.bucatini.connect.internal;

import io.bucatini.connect.BucatiniError;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.data.ConnectSchema;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;

/** Boundary form of a schema to Connect's: what SchemaBuilder would have built, recursive schemas included. */
final class SchemaReader {
    private final SchemaArena arena;
    private final RowImageReader images;
    /** References back to a struct that is being built. */
    private final Map<Integer, RecursiveSchema> references = new HashMap<>();

    private SchemaReader(SchemaArena arena, RowImageReader images) {
        this.arena = arena;
        this.images = images;
    }

    /** The schema of an arena; defaults are read with {@code images}. */
    static Schema read(SchemaArena arena, RowImageReader images) {
        return new SchemaReader(arena, images).build(0);
    }

    private ConnectSchema build(int id) {
        SchemaArena.Node node = arena.nodes[id];
        List<Field> fields = null;
        if (node.type == Schema.Type.STRUCT) {
            fields = new ArrayList<>(node.fieldNodes.length);
            for (int i = 0; i < node.fieldNodes.length; i++) {
                fields.add(new Field(node.fieldNames[i], i, child(id, node.fieldNodes[i])));
            }
            fields = Collections.unmodifiableList(fields);
        }
        Schema key = node.key < 0 ? null : child(id, node.key);
        Schema item = node.item < 0 ? null : child(id, node.item);
        ConnectSchema schema = schema(node, null, fields, key, item);
        RecursiveSchema reference = references.remove(id);
        if (reference != null) {
            reference.refersTo(schema);
        }
        if (node.defaultImage != null) {
            schema = schema(node, defaultValue(id, schema), fields, key, item);
            if (reference != null) {
                reference.refersTo(schema);
            }
        }
        return schema;
    }

    private Schema child(int parent, int child) {
        if (!SchemaArena.isBackReference(parent, child)) {
            return build(child);
        }
        return references.computeIfAbsent(child, struct -> {
            WireWriter form = new WireWriter(256);
            arena.subschema(struct, true).write(form);
            return new RecursiveSchema(form.toBytes());
        });
    }

    /**
     * A default is an image of its own subtree. A Struct in it has this very schema, but without the default (an immutable
     * schema cannot hold a value of itself); if the subtree refers back to a struct outside, one without any default.
     */
    private Object defaultValue(int id, ConnectSchema withoutDefault) {
        SchemaArena subtree = arena.subschema(id, false);
        Schema schema = arena.refersOutside(id) ? read(subtree, images) : withoutDefault;
        byte[] image = arena.nodes[id].defaultImage;
        Object value = images.read(RowImagePlan.ofDefault(subtree, schema), image, image.length, new byte[0]);
        if (value == null) {
            throw new BucatiniError("schema.default", "schema: found a null default, which Connect does not have");
        }
        return value;
    }

    private static ConnectSchema schema(
            SchemaArena.Node node, Object defaultValue, List<Field> fields, Schema key, Schema item) {
        Map<String, String> parameters = node.parameters == null ? null : Collections.unmodifiableMap(node.parameters);
        return new ConnectSchema(node.type, node.optional, defaultValue, node.name, node.version, node.doc, parameters,
                fields, key, item);
    }
}
