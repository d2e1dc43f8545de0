package io.bucatini.connect.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.bucatini.connect.BucatiniError;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.header.Header;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.source.SourceRecord;
import org.junit.jupiter.api.Test;

/** Records as frames, over a library in Java. */
class TransformationTest {
    private static final Schema ROW = SchemaBuilder.struct().field("id", Schema.INT32_SCHEMA).build();

    private final FakeLibrary library = new FakeLibrary();

    private <R extends ConnectRecord<R>> NativeTransformation<R> transformation() {
        NativeTransformation<R> configured =
                new NativeTransformation<>(PluginKind.EXTRACT_NEW_RECORD_STATE, engine -> library) {};
        configured.configure(Map.of());
        return configured;
    }

    private static SourceRecord source() {
        SourceRecord record = new SourceRecord(Map.of("p", 1), Map.of("o", 2), "topic", 3, Schema.STRING_SCHEMA, "key", ROW,
                new Struct(ROW).put("id", 5), 1234L);
        record.headers().addInt("h", 1).addString("g", "x").addInt("h", 2);
        return record;
    }

    private void outcome(Consumer<WireWriter> write) {
        library.transformation = frame -> {
            WireWriter out = new WireWriter(64);
            write.accept(out);
            return out.toBytes();
        };
    }

    /** A string as a datum; the schema of the value crosses first, then that of the key. */
    private static void datum(int schema, String text, WireWriter out) {
        out.u32(schema);
        WireWriter image = new WireWriter(64);
        new RowImageWriter(StructAccess.BEST).write(RowImagePlan.of(Schema.STRING_SCHEMA), text, image);
        out.bytes(image.toBytes());
    }

    private static List<String> headers(ConnectRecord<?> record) {
        List<String> names = new ArrayList<>();
        for (Header header : record.headers()) {
            names.add(header.key() + "=" + header.value());
        }
        return names;
    }

    @Test
    void theFrameHoldsTheRecord() {
        byte[][] seen = new byte[1][];
        library.transformation = frame -> {
            seen[0] = frame;
            return new byte[] {0};
        };
        NativeTransformation<SourceRecord> transformation = transformation();
        transformation.apply(source());
        WireReader in = new WireReader(seen[0]);
        assertEquals("topic", in.str());
        assertEquals("1 3", in.u8() + " " + in.u32());
        assertEquals("1 1234", in.u8() + " " + in.i64());
        assertEquals(2, in.u32(), "schema of the key");
        in.part();
        assertEquals(1, in.u32(), "schema of the value");
        in.part();
        assertEquals(3, in.u32(), "headers");
        assertEquals("h", in.str());
    }

    @Test
    void anUntouchedRecordIsTheSameObject() {
        NativeTransformation<SourceRecord> transformation = transformation();
        SourceRecord record = source();
        assertSame(record, transformation.apply(record));
    }

    @Test
    void aDroppedRecordIsNull() {
        outcome(out -> out.u8(1));
        NativeTransformation<SourceRecord> transformation = transformation();
        assertNull(transformation.apply(source()));
    }

    @Test
    void changesKeepWhatTheyDoNotName() {
        outcome(out -> {
            out.u8(2);
            out.u8(1 | 4 | 8);
            out.str("elsewhere");
            datum(2, "new", out);
            out.u32(2);
            out.str("h");
            datum(2, "added", out);
            out.str("i");
            datum(2, "too", out);
        });
        NativeTransformation<SourceRecord> transformation = transformation();
        SourceRecord record = source();
        SourceRecord changed = transformation.apply(record);
        assertEquals("elsewhere", changed.topic());
        assertEquals("new", changed.value());
        assertEquals(Schema.STRING_SCHEMA, changed.valueSchema());
        assertSame(record.key(), changed.key());
        assertSame(record.keySchema(), changed.keySchema());
        assertEquals(3, changed.kafkaPartition());
        assertEquals(1234L, changed.timestamp());
        assertSame(record.sourceOffset(), changed.sourceOffset());
        assertEquals(List.of("h=1", "g=x", "h=2", "h=added", "i=too"), headers(changed));
        assertEquals(List.of("h=1", "g=x", "h=2"), headers(record), "the old record must not change");
    }

    @Test
    void keysAndHeadersCanBeReplacedOnSinkRecordsToo() {
        outcome(out -> {
            out.u8(2);
            out.u8(2 | 16);
            datum(1, "key2", out);
            out.u32(1);
            out.str("only");
            datum(1, "one", out);
        });
        NativeTransformation<SinkRecord> transformation = transformation();
        SinkRecord record = new SinkRecord("topic", 3, Schema.STRING_SCHEMA, "key", null, null, 77, 5L, TimestampType.CREATE_TIME);
        record.headers().addInt("h", 1);
        SinkRecord changed = transformation.apply(record);
        assertEquals("key2", changed.key());
        assertNull(changed.value());
        assertEquals(77, changed.kafkaOffset());
        assertEquals(TimestampType.CREATE_TIME, changed.timestampType());
        assertEquals(List.of("only=one"), headers(changed));
    }

    @Test
    void malformedOutcomesAreNoExceptions() {
        NativeTransformation<SourceRecord> transformation = transformation();
        List<Consumer<WireWriter>> outcomes = List.of(out -> {}, out -> out.u8(3), out -> out.u32(0), out -> {
            out.u8(2);
            out.u8(32);
        }, out -> {
            out.u8(2);
            out.u8(4);
            out.u32(99);
            out.bytes(new byte[0]);
        });
        for (Consumer<WireWriter> outcome : outcomes) {
            outcome(outcome);
            assertThrows(BucatiniError.class, () -> transformation.apply(source()));
        }
    }

    @Test
    void aValueThatIsNotOfItsSchemaIsTheRecordsFault() {
        NativeTransformation<SourceRecord> transformation = transformation();
        SourceRecord record = new SourceRecord(null, null, "t", 0, Schema.INT32_SCHEMA, "text", ROW, null);
        DataException fault = assertThrows(DataException.class, () -> transformation.apply(record));
        assertTrue(fault.getMessage().contains("BucatiniExtractNewRecordState: expected an Integer, found java.lang.String")
                && fault.getMessage().endsWith("at key"), fault.getMessage());
    }

    @Test
    void useBeforeConfigureAndAfterCloseIsRefused() {
        NativeTransformation<SourceRecord> fresh =
                new NativeTransformation<>(PluginKind.EXTRACT_NEW_RECORD_STATE, engine -> library) {};
        assertThrows(IllegalStateException.class, () -> fresh.apply(source()));
        NativeTransformation<SourceRecord> closed = transformation();
        closed.close();
        closed.close();
        assertThrows(IllegalStateException.class, () -> closed.apply(source()));
    }
}
