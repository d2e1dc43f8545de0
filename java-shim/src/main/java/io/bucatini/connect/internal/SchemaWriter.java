package io.bucatini.connect.internal;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;

/**
 * Connect's schema to the boundary form. Recursion is found by identity: {@link RecursiveSchema}, and what other converters
 * wrap theirs in after one more level.
 */
final class SchemaWriter {
    private final boolean withDefaults;
    private final RowImageWriter images;
    private final List<SchemaArena.Node> nodes = new ArrayList<>();
    private final Map<Schema, Integer> enclosing = new IdentityHashMap<>();

    private SchemaWriter(boolean withDefaults, RowImageWriter images) {
        this.withDefaults = withDefaults;
        this.images = images;
    }

    /** The whole schema; defaults are written with {@code images}. */
    static SchemaArena write(Schema schema, RowImageWriter images) {
        return arena(schema, true, images.forDefaults());
    }

    /** What the layout depends on: the schema without defaults. */
    static SchemaArena shape(Schema schema) {
        return arena(schema, false, null);
    }

    private static SchemaArena arena(Schema schema, boolean withDefaults, RowImageWriter images) {
        SchemaWriter writer = new SchemaWriter(withDefaults, images);
        writer.add(schema, 0);
        return new SchemaArena(writer.nodes);
    }

    private int add(Schema wrapped, int depth) {
        if (wrapped == null) {
            throw new DataFault("schema.shape", "schema: expected a schema for items, keys and values, found none");
        }
        Schema schema = RecursiveSchema.unwrap(wrapped);
        Integer known = enclosing.get(schema);
        if (known != null) {
            return known;
        }
        if (nodes.size() >= SchemaArena.MAX_NODES || depth > SchemaArena.MAX_DEPTH) {
            throw SchemaArena.tooLarge();
        }
        SchemaArena.Node node = new SchemaArena.Node();
        node.type = schema.type();
        node.optional = schema.isOptional();
        node.name = schema.name();
        node.version = schema.version();
        node.doc = schema.doc();
        Map<String, String> parameters = schema.parameters();
        node.parameters = parameters == null || parameters.isEmpty() ? null : new LinkedHashMap<>(parameters);
        int id = nodes.size();
        nodes.add(node);
        switch (node.type) {
            case STRUCT:
                enclosing.put(schema, id);
                List<Field> fields = schema.fields();
                node.fieldNames = new String[fields.size()];
                node.fieldNodes = new int[fields.size()];
                for (int i = 0; i < node.fieldNames.length; i++) {
                    node.fieldNames[i] = fields.get(i).name();
                    node.fieldNodes[i] = add(fields.get(i).schema(), depth + 1);
                }
                enclosing.remove(schema);
                break;
            case MAP:
                node.key = add(schema.keySchema(), depth + 1);
                node.item = add(schema.valueSchema(), depth + 1);
                break;
            case ARRAY:
                node.item = add(schema.valueSchema(), depth + 1);
                break;
            default:
                break;
        }
        if (withDefaults && schema.defaultValue() != null) {
            WireWriter image = new WireWriter(64);
            images.write(RowImagePlan.ofDefault(shape(schema), schema), schema.defaultValue(), image);
            node.defaultImage = image.toBytes();
        }
        return id;
    }
}
