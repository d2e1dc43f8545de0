package io.bucatini.connect.internal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.apache.kafka.connect.data.Date;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledForJreRange;
import org.junit.jupiter.api.condition.JRE;

/** A class of its own writes what the loop writes. */
@EnabledForJreRange(min = JRE.JAVA_17)
class RowPackersTest {
    private final RowImageWriter writer = new RowImageWriter(StructAccess.BEST);
    private final RowImageWriter publicWriter = new RowImageWriter(StructAccess.PUBLIC);

    private static byte[] image(RowImageWriter writer, RowImagePlan plan, Object value) {
        WireWriter out = new WireWriter(8);
        // What was there before is not the image's.
        out.raw(new byte[] {1, 2, 3, 4, 5, 6, 7, 8}, 0, 8);
        writer.write(plan, value, out);
        return out.toBytes();
    }

    /** A plan that has been used as often as it takes. */
    private static RowImagePlan used(Schema schema) {
        return UsedPlans.of(schema, RowImagePlan::packer);
    }

    @Test
    void randomStructsAreThoseOfTheLoop() {
        int structs = 0;
        for (int seed = 0; seed < 60; seed++) {
            RandomData data = new RandomData(seed);
            SchemaBuilder builder = SchemaBuilder.struct();
            // More than 64 slots, too: the bits of more than one word.
            for (int i = 0; i < (seed % 2 == 0 ? 6 : 90); i++) {
                builder.field("f" + i, data.schema());
            }
            Schema schema = builder.build();
            Struct value = (Struct) data.value(schema);
            if (value == null) {
                continue;
            }
            byte[] expected = image(writer, RowImagePlan.of(schema), value);
            RowImagePlan used = used(schema);
            structs += used.packer() != null ? 1 : 0;
            assertArrayEquals(expected, image(writer, used, value));
            assertArrayEquals(expected, image(publicWriter, used, value));
        }
        assertTrue(structs > 30, "only " + structs);
    }

    @Test
    void aClassIsMadeOnceForWhatIsUsed() {
        Schema schema = SchemaBuilder.struct().field("v", Schema.INT32_SCHEMA).build();
        RowImagePlan plan = RowImagePlan.of(schema);
        assertNull(plan.packer());
        UsedPlans.use(plan, RowImagePlan::packer);
        RowPacker packer = plan.packer();
        assertNotNull(packer);
        assertEquals(packer, plan.packer());
        Schema alike = SchemaBuilder.struct().field("other", SchemaBuilder.int32().optional().build()).build();
        assertEquals(packer, used(alike).packer());
        Schema another = SchemaBuilder.struct().field("v", Schema.INT64_SCHEMA).build();
        assertNotEquals(packer, used(another).packer());
    }

    @Test
    void aMethodThatTheJvmWouldNotCompileIsNotMade() {
        SchemaBuilder builder = SchemaBuilder.struct();
        for (int i = 0; i < 400; i++) {
            builder.field("c" + i, Schema.OPTIONAL_STRING_SCHEMA);
        }
        Schema schema = builder.build();
        Struct value = new Struct(schema).put("c0", "x").put("c399", "y");
        RowImagePlan plan = used(schema);
        assertNull(plan.packer());
        assertArrayEquals(image(writer, RowImagePlan.of(schema), value), image(writer, plan, value));
    }

    @Test
    void aFaultNamesTheFieldAsTheLoopDoes() {
        Schema row = SchemaBuilder.struct().field("id", Schema.INT32_SCHEMA).field("at", Date.SCHEMA).build();
        Schema schema = SchemaBuilder.struct().field("text", Schema.STRING_SCHEMA).field("row", row).build();
        Struct noMidnight = new Struct(schema).put("text", "a")
                .put("row", new Struct(row).put("id", 1).put("at", new java.util.Date(1)));
        Struct wrong = new Struct(schema);
        StructAccess.BEST.empty(wrong, 2)[0] = 5L;
        for (Struct value : List.of(noMidnight, wrong)) {
            DataFault expected = assertThrows(DataFault.class, () -> image(writer, RowImagePlan.of(schema), value));
            RowImagePlan used = used(schema);
            DataFault found = assertThrows(DataFault.class, () -> image(writer, used, value));
            assertEquals(expected.getMessage(), found.getMessage());
            assertEquals(value == wrong ? "text" : "row.at", expected.path());
            assertEquals(expected.path(), found.path());
        }
    }

    @Test
    void textsAreUtf8OfAnyLengthWhereverTheyAreNotAscii() {
        for (String other : List.of("x", "\0", "\u007f", "\u0080", "ÿ", "Ā", "一", "\ud83c\udf5d", "\ud83c", "\udf5d")) {
            for (int length = 0; length < 80; length++) {
                char[] letters = new char[length];
                Arrays.fill(letters, 'a');
                for (int at = 0; at <= length; at++) {
                    String text = new String(letters, 0, at) + other + new String(letters, at, length - at);
                    WireWriter out = new WireWriter(4);
                    out.u8(1);
                    out.utf8(text);
                    out.u8(2);
                    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
                    byte[] found = out.toBytes();
                    assertEquals(utf8.length + 2, found.length);
                    assertArrayEquals(utf8, Arrays.copyOfRange(found, 1, found.length - 1));
                    assertEquals(2, found[found.length - 1]);
                }
            }
        }
    }

    @Test
    void aTextThatIsTheSameAgainIsWrittenTheSame() {
        RecentText recent = new RecentText();
        for (int length = 0; length < 70; length++) {
            String text = "é".repeat(length % 3) + "b".repeat(length);
            for (int i = 0; i < 3; i++) {
                WireWriter out = new WireWriter(4);
                recent.write(new String(text.toCharArray()), out);
                out.u8(7);
                assertEquals(text + '\u0007', new String(out.toBytes(), StandardCharsets.UTF_8));
            }
        }
    }
}
