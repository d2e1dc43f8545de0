package io.bucatini.connect.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.data.Time;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledForJreRange;
import org.junit.jupiter.api.condition.JRE;

/** A class of its own reads what the loop reads. */
@EnabledForJreRange(min = JRE.JAVA_17)
class RowFillersTest {
    private static final byte[] NO_INPUT = {};

    private final RowImageReader reader = new RowImageReader(StructAccess.BEST);
    private final RowImageReader publicReader = new RowImageReader(StructAccess.PUBLIC);
    private final RowImageWriter writer = new RowImageWriter(StructAccess.BEST);

    private byte[] image(Schema schema, Object value) {
        WireWriter out = new WireWriter(64);
        writer.write(RowImagePlan.of(schema), value, out);
        return out.toBytes();
    }

    /** A plan that has been used as often as it takes. */
    private static RowImagePlan used(Schema schema) {
        return UsedPlans.of(schema, RowImagePlan::filler);
    }

    @Test
    void randomStructsAreThoseOfTheLoop() {
        int structs = 0;
        for (int seed = 0; seed < 40; seed++) {
            RandomData data = new RandomData(seed);
            SchemaBuilder builder = SchemaBuilder.struct();
            for (int i = 0; i < 6; i++) {
                builder.field("f" + i, data.schema());
            }
            Schema schema = builder.build();
            Struct value = (Struct) data.value(schema);
            if (value == null) {
                continue;
            }
            byte[] image = image(schema, value);
            Object expected = reader.read(RowImagePlan.of(schema), image, image.length, NO_INPUT);
            RowImagePlan used = used(schema);
            structs += used.filler() != null ? 1 : 0;
            assertEquals(expected, reader.read(used, image, image.length, NO_INPUT));
            assertEquals(expected, publicReader.read(used, image, image.length, NO_INPUT));
        }
        assertTrue(structs > 20, "only " + structs);
    }

    @Test
    void aClassIsMadeOnceForWhatIsUsed() {
        Schema schema = SchemaBuilder.struct().field("v", Schema.INT32_SCHEMA).build();
        RowImagePlan plan = RowImagePlan.of(schema);
        assertNull(plan.filler());
        UsedPlans.use(plan, RowImagePlan::filler);
        RowFiller filler = plan.filler();
        assertNotNull(filler);
        assertTrue(filler.getClass().getName().contains("/"), "is hidden");
        assertEquals(filler, plan.filler());
    }

    @Test
    void whatIsTooWideIsReadByTheLoop() {
        SchemaBuilder builder = SchemaBuilder.struct();
        for (int i = 0; i < 331; i++) {
            builder.field("c" + i, Schema.OPTIONAL_STRING_SCHEMA);
        }
        Schema schema = builder.build();
        Struct value = new Struct(schema).put("c330", "x");
        byte[] image = image(schema, value);
        RowImagePlan plan = used(schema);
        assertNull(plan.filler());
        assertEquals(value, reader.read(plan, image, image.length, NO_INPUT));
    }

    @Test
    void aFaultNamesTheFieldAsTheLoopDoes() {
        Schema raw = SchemaBuilder.struct().field("row", SchemaBuilder.struct().field("at", Schema.INT32_SCHEMA).build()).build();
        Schema schema = SchemaBuilder.struct().field("row", SchemaBuilder.struct().field("at", Time.SCHEMA).build()).build();
        byte[] image = image(raw, new Struct(raw).put("row", new Struct(raw.field("row").schema()).put("at", -1)));
        DataFault expected = assertThrows(DataFault.class,
                () -> reader.read(RowImagePlan.of(schema), image, image.length, NO_INPUT));
        RowImagePlan used = used(schema);
        DataFault found = assertThrows(DataFault.class, () -> reader.read(used, image, image.length, NO_INPUT));
        assertEquals(expected.getMessage(), found.getMessage());
        assertEquals("row.at", expected.path());
        assertEquals("row.at", found.path());
    }

    @Test
    void bitsAreThoseOfTheirFieldsWhereverTheyLie() {
        for (int before : new int[] {0, 1, 6, 7, 8, 56, 57, 63, 64, 100}) {
            SchemaBuilder wide = SchemaBuilder.struct();
            for (int i = 0; i < 180; i++) {
                wide.field("c" + i, i % 3 == 0 ? Schema.OPTIONAL_STRING_SCHEMA : Schema.OPTIONAL_INT32_SCHEMA);
            }
            SchemaBuilder builder = SchemaBuilder.struct();
            for (int i = 0; i < before; i++) {
                builder.field("b" + i, Schema.OPTIONAL_INT64_SCHEMA);
            }
            Schema schema = builder.field("row", wide.build()).build();
            Struct row = new Struct(schema.field("row").schema());
            for (int i = 0; i < 180; i++) {
                Object value = i % 3 == 0 ? "text " + i : (Object) i;
                row.put("c" + i, i * 7 % 5 == 0 ? null : value);
            }
            Struct value = new Struct(schema).put("row", row);
            byte[] image = image(schema, value);
            RowImagePlan plan = used(schema);
            assertNotNull(plan.children[before].filler());
            assertEquals(value, reader.read(plan, image, image.length, NO_INPUT), before + " fields before");
        }
    }

    @Test
    void textsOfAPlaceThatIsGivenUpAreTheSame() {
        RecentText texts = new RecentText();
        for (int i = 0; i < 1_000; i++) {
            for (int length = 0; length < 40; length++) {
                String text = "x".repeat(length) + (i % 10 == 9 ? List.of("é", "é漢", "𝄞").get(i % 3) : "") + i % 7;
                byte[] utf8 = ("__" + text + "é").getBytes(StandardCharsets.UTF_8);
                assertEquals(text, texts.of(utf8, 2, utf8.length - 4));
            }
        }
    }
}
