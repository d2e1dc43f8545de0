package io.bucatini.connect.internal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.bucatini.connect.BucatiniError;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.kafka.connect.data.ConnectSchema;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.junit.jupiter.api.Test;

class SchemaCodecTest {
    private final RowImageReader reader = new RowImageReader(StructAccess.BEST);
    private final RowImageWriter writer = new RowImageWriter(StructAccess.BEST);

    private byte[] form(Schema schema) {
        WireWriter out = new WireWriter(64);
        SchemaWriter.write(schema, writer).write(out);
        return out.toBytes();
    }

    private Schema schema(byte[] form) {
        return SchemaReader.read(SchemaArena.read(new WireReader(form)), reader);
    }

    private Object roundTrip(Schema schema, Object value) {
        WireWriter out = new WireWriter(64);
        writer.write(RowImagePlan.of(schema), value, out);
        return reader.read(RowImagePlan.of(schema), out.toBytes(), out.length(), new byte[0]);
    }

    @Test
    void typeCodesAreConnectsOrdinals() {
        assertEquals("[INT8, INT16, INT32, INT64, FLOAT32, FLOAT64, BOOLEAN, STRING, BYTES, ARRAY, MAP, STRUCT]",
                Arrays.asList(Schema.Type.values()).subList(0, 12).toString());
    }

    @Test
    void randomSchemasComeBackEqualToWhatSchemaBuilderBuilt() {
        for (int seed = 0; seed < 2_000; seed++) {
            Schema schema = new RandomData(seed).schema();
            Schema read = schema(form(schema));
            assertEquals(schema, read);
            assertEquals(schema.hashCode(), read.hashCode());
            assertSame(ConnectSchema.class, read.getClass());
            assertEquals(schema, schema(form(read)));
        }
    }

    @Test
    void damageIsAnErrorOrAnotherSchemaButNothingElse() {
        int refused = 0;
        for (int seed = 0; seed < 300; seed++) {
            RandomData data = new RandomData(seed);
            byte[] form = form(data.schema());
            for (int i = 0; i < 40; i++) {
                byte[] broken = form.clone();
                broken[data.below(form.length)] ^= (byte) (1 << data.below(8));
                byte[] cut = i % 4 == 0 ? Arrays.copyOf(form, data.below(form.length)) : broken;
                try {
                    schema(cut);
                } catch (BucatiniError | DataFault e) {
                    refused++;
                }
            }
        }
        assertTrue(refused > 4_000, "only " + refused + " refused");
    }

    @Test
    void defaultsOfStructsAreWrittenAndRead() {
        SchemaBuilder builder = SchemaBuilder.struct().optional().field("a", Schema.INT32_SCHEMA);
        builder.defaultValue(new Struct(builder).put("a", 5));
        Schema read = schema(form(builder.build()));
        assertEquals(5, ((Struct) read.defaultValue()).get("a"));
        assertEquals(5, ((Struct) schema(form(read)).defaultValue()).get("a"));
    }

    /** A tree whose children have a default: {@code Tree { v int32, children array<Tree> = [] }}. */
    private static SchemaArena tree(boolean withDefault) {
        SchemaArena.Node tree = node(Schema.Type.STRUCT);
        tree.name = "Tree";
        tree.optional = true;
        tree.fieldNames = new String[] {"v", "children"};
        tree.fieldNodes = new int[] {1, 2};
        SchemaArena.Node children = node(Schema.Type.ARRAY);
        children.item = 0;
        if (withDefault) {
            WireWriter image = new WireWriter(64);
            new RowImageWriter(StructAccess.BEST).write(RowImagePlan.of(SchemaBuilder.array(Schema.INT8_SCHEMA).build()),
                    List.of(), image);
            children.defaultImage = image.toBytes();
        }
        return new SchemaArena(List.of(tree, node(Schema.Type.INT32), children));
    }

    private static SchemaArena.Node node(Schema.Type type) {
        SchemaArena.Node node = new SchemaArena.Node();
        node.type = type;
        return node;
    }

    private static byte[] bytes(SchemaArena arena) {
        WireWriter out = new WireWriter(64);
        arena.write(out);
        return out.toBytes();
    }

    @Test
    void recursiveSchemasComeBackAndHoldValues() {
        for (boolean withDefault : new boolean[] {false, true}) {
            byte[] form = bytes(tree(withDefault));
            Schema tree = schema(form);
            assertArrayEquals(form, form(tree));
            Schema inner = tree.field("children").schema().valueSchema();
            assertSame(Schema.Type.STRUCT, inner.type());
            assertEquals(tree.fields(), inner.fields());
            Struct leaf = new Struct(inner).put("v", 2).put("children", List.of());
            Struct root = new Struct(tree).put("v", 1).put("children", Arrays.asList(leaf, null, leaf));
            root.validate();
            assertEquals(root, roundTrip(tree, root));
            assertEquals(withDefault ? List.of() : null, tree.field("children").schema().defaultValue());
            // A nested Struct can be taken out, and converted with its own schema.
            assertEquals(leaf, roundTrip(inner, leaf));
            assertTrue(tree.toString().contains("Tree") && inner.toString().contains("Tree"));
        }
    }

    @Test
    void recursiveSchemasAreEqualByContent() {
        Schema one = schema(bytes(tree(false)));
        Schema two = schema(bytes(tree(false)));
        Schema other = schema(bytes(tree(true)));
        assertEquals(one, two);
        assertEquals(one.hashCode(), two.hashCode());
        assertNotEquals(one, other);
        assertNotEquals(one.field("children").schema().valueSchema(), other.field("children").schema().valueSchema());
    }

    @Test
    void listsNestToTheLimitAndNoDeeper() {
        SchemaArena.Node list = node(Schema.Type.STRUCT);
        list.optional = true;
        list.fieldNames = new String[] {"next"};
        list.fieldNodes = new int[] {0};
        Schema schema = schema(bytes(new SchemaArena(List.of(list))));
        Schema inner = schema.field("next").schema();
        Struct deep = new Struct(inner);
        for (int i = 0; i < 1_000; i++) {
            deep = link(i == 999 ? schema : inner, deep);
        }
        int levels = 0;
        for (Struct at = (Struct) roundTrip(schema, deep); at != null; at = at.getStruct("next")) {
            levels++;
        }
        assertEquals(1_001, levels);
        for (int i = 0; i < 200; i++) {
            deep = link(schema, link(inner, deep.getStruct("next")));
        }
        Struct tooDeep = deep;
        assertEquals("row-image.depth", assertThrows(DataFault.class, () -> roundTrip(schema, tooDeep)).code());
    }

    /** Without {@code put}: Connect 4 validates the whole depth each time. */
    private static Struct link(Schema schema, Struct next) {
        Struct struct = new Struct(schema);
        StructAccess.BEST.empty(struct, 1)[0] = next;
        return struct;
    }

    /** What Confluent's AvroData makes of a recursive Avro schema: a wrapper around a builder that contains the wrapper. */
    @Test
    void recursionOfOtherConvertersIsFoundByIdentity() {
        SchemaBuilder builder = SchemaBuilder.struct().name("List").field("v", Schema.INT32_SCHEMA);
        Schema wrapper = (Schema) java.lang.reflect.Proxy.newProxyInstance(getClass().getClassLoader(),
                new Class<?>[] {Schema.class}, (proxy, method, arguments) -> {
                    switch (method.getName()) {
                        case "equals":
                            return proxy == arguments[0];
                        case "hashCode":
                            return System.identityHashCode(proxy);
                        case "isOptional":
                            return true;
                        case "schema":
                            return proxy;
                        default:
                            return method.invoke(builder, arguments);
                    }
                });
        Schema schema = builder.field("next", wrapper).build();
        SchemaArena arena = SchemaWriter.shape(schema);
        assertEquals(4, arena.nodes.length);
        Struct last = new Struct(wrapper).put("v", 3);
        Struct middle = new Struct(wrapper).put("v", 2).put("next", last);
        Struct value = new Struct(schema).put("v", 1).put("next", middle);
        assertEquals(value, roundTrip(schema, value));
    }

    @Test
    void schemasBeyondTheLimitsAreRefused() {
        Schema deep = Schema.INT8_SCHEMA;
        for (int i = 0; i < 202; i++) {
            deep = SchemaBuilder.array(deep).build();
        }
        Schema tooDeep = deep;
        assertEquals("schema.too-large", assertThrows(DataFault.class, () -> form(tooDeep)).code());
        Schema noItems = new ConnectSchema(Schema.Type.ARRAY);
        assertEquals("schema.shape", assertThrows(DataFault.class, () -> form(noItems)).code());
    }

    @Test
    void brokenArenasAreRefused() {
        List<SchemaArena.Node> unreferenced = new ArrayList<>(List.of(node(Schema.Type.INT8), node(Schema.Type.INT8)));
        assertEquals("schema.shape",
                assertThrows(BucatiniError.class, () -> schema(bytes(new SchemaArena(unreferenced)))).code());
        assertEquals("schema.shape", assertThrows(BucatiniError.class,
                () -> schema(bytes(new SchemaArena(List.of(node(Schema.Type.ARRAY)))))).code());
        SchemaArena.Node self = node(Schema.Type.ARRAY);
        self.item = 0;
        assertEquals("schema.shape",
                assertThrows(BucatiniError.class, () -> schema(bytes(new SchemaArena(List.of(self))))).code());
        assertEquals("schema.count", assertThrows(BucatiniError.class, () -> schema(new byte[4])).code());
        assertEquals("wire.count",
                assertThrows(BucatiniError.class, () -> schema(new byte[] {-1, -1, -1, -1, 0, 0})).code());
    }
}
