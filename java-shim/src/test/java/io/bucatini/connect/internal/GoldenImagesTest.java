package io.bucatini.connect.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.connect.data.Schema;
import org.junit.jupiter.api.Test;

/**
 * The two codecs agree: images written here are kept in {@code tests/row-image/java.jsonl}, where the Rust tests read and
 * rewrite them; those that Rust wrote are in {@code rust.jsonl}, and are read and rewritten here.
 */
class GoldenImagesTest {
    private static final Path FOLDER = Path.of(System.getProperty("bucatini.repository"), "tests", "row-image");
    private static final Pattern LINE = Pattern.compile("\\{\"schema\":\"([0-9a-f]*)\",\"image\":\"([0-9a-f]*)\"}");

    private final RowImageReader reader = new RowImageReader(StructAccess.BEST);
    private final RowImageWriter writer = new RowImageWriter(StructAccess.BEST);

    private String line(Schema schema, Object value) {
        WireWriter form = new WireWriter(64);
        SchemaWriter.write(schema, writer).write(form);
        HexFormat hex = HexFormat.of();
        return "{\"schema\":\"" + hex.formatHex(form.toBytes()) + "\",\"image\":\"" + hex.formatHex(image(schema, value))
                + "\"}";
    }

    private byte[] image(Schema schema, Object value) {
        WireWriter image = new WireWriter(64);
        writer.write(RowImagePlan.of(schema), value, image);
        return image.toBytes();
    }

    @Test
    void imagesWrittenHereAreTheKeptOnes() throws IOException {
        List<String> lines = new ArrayList<>();
        for (int seed = 0; seed < 300; seed++) {
            RandomData data = new RandomData(1_000_000 + seed);
            Schema schema = data.schema();
            lines.add(line(schema, data.value(schema)));
        }
        Path kept = FOLDER.resolve("java.jsonl");
        if (System.getenv("UPDATE_EXPECT") != null) {
            Files.write(kept, lines);
        }
        List<String> found = Files.readAllLines(kept);
        assertEquals(lines.size(), found.size());
        for (int i = 0; i < lines.size(); i++) {
            assertTrue(lines.get(i).equals(found.get(i)),
                    "line " + i + ": the row image changed: that is a new format, or UPDATE_EXPECT=1");
        }
    }

    @Test
    void imagesWrittenByRustAreReadAndRewritten() throws IOException {
        int compared = 0;
        int identical = 0;
        for (String line : Files.readAllLines(FOLDER.resolve("rust.jsonl"))) {
            Matcher parts = LINE.matcher(line);
            assertTrue(parts.matches(), line);
            Schema schema = SchemaReader.read(SchemaArena.read(new WireReader(HexFormat.of().parseHex(parts.group(1)))), reader);
            byte[] image = HexFormat.of().parseHex(parts.group(2));
            Object value = reader.read(RowImagePlan.of(schema), image, image.length, new byte[0]);
            byte[] again = image(schema, value);
            assertEquals(value, reader.read(RowImagePlan.of(schema), again, again.length, new byte[0]));
            assertEquals(parts.group(1), line(schema, value).substring(11, 11 + parts.group(1).length()), "schema");
            // A HashMap neither keeps the order nor two entries of one key.
            if (!containsMap(schema)) {
                assertEquals(parts.group(2), HexFormat.of().formatHex(again));
                identical++;
            }
            compared++;
        }
        assertTrue(compared >= 100 && identical >= 50, compared + " images, " + identical + " without maps");
    }

    private static boolean containsMap(Schema schema) {
        return Arrays.stream(SchemaWriter.shape(schema).nodes).anyMatch(node -> node.type == Schema.Type.MAP);
    }
}
