package io.bucatini.bench;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Map;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.storage.Converter;

/**
 * Lanes that do one step of a path alone, as little as a program for this one input can do, and {@code floor}: all steps of the
 * path by such programs. Compared with what they stand for before they race.
 */
final class Floors {
    static final String FLOOR = "floor";
    /** The same where the floor calls our library: what is native is a program for this table alone, too. */
    static final String STRAIGHT = "straight floor";
    private static Object kept;

    private final Input input;
    private final Table reader;
    private final Table writer;
    private final Straight straight;
    private final Core core;
    private final Schema schema;
    private final int id;
    private final byte[][] images = new byte[Input.RECORDS][];
    private final Struct[] events = new Struct[Input.RECORDS];

    /** @param more settings of the converter whose library is called */
    Floors(Plugins plugins, Input input, Map<String, String> more) throws Exception {
        Converter ours = plugins.ours(more);
        for (int i = 0; i < Input.RECORDS; i++) {
            ours.toConnectData(input.topics[i], input.payloads[i]);
            ours.fromConnectData(input.topics[i], input.schemas[i], input.values[i]);
        }
        SchemaAndValue first = ours.toConnectData(input.topics[0], input.payloads[0]);
        this.input = input;
        this.schema = first.schema();
        this.core = plugins.core(ours, input.topics[0], input.schemas[0], schema);
        this.reader = new Table(schema);
        this.writer = new Table(input.schemas[0]);
        this.straight = Straight.of(core);
        this.id = ByteBuffer.wrap(input.payloads[0], 1, Integer.BYTES).getInt();
        for (int i = 0; i < Input.RECORDS; i++) {
            images[i] = core.image(input.payloads[i]);
            events[i] = event(i);
            SchemaAndValue expected = ours.toConnectData(input.topics[i], input.payloads[i]);
            Values.expectSame("floor decode", expected.schema(), expected.value(), schema, decoded(i).value());
            Values.expectSame("floor encode", input.payloads[i], encoded(i));
            if (straight != null) {
                Values.expectSame("straight image", images[i], straight.image(input.payloads[i]));
                Values.expectSame("straight encode", input.payloads[i], encodedStraight(i));
            }
        }
    }

    private Struct event(int i) {
        return reader.event(images[i], images[i].length, input.payloads[i]);
    }

    private SchemaAndValue decoded(int i) {
        core.enter(input.topics[i]);
        int length = core.receive(input.payloads[i]);
        Struct event = reader.event(core.received(), length, input.payloads[i]);
        core.leave();
        return new SchemaAndValue(schema, event);
    }

    private byte[] encoded(int i) {
        core.enter(input.topics[i]);
        int length = writer.write(input.schemas[i], input.values[i]);
        byte[] payload = core.payload(writer.image(), length);
        core.leave();
        return payload;
    }

    /** As {@link #decoded}, by the native program for this table. */
    private SchemaAndValue decodedStraight(int i) {
        core.enter(input.topics[i]);
        Struct event = reader.event(straight.image(input.payloads[i]), Straight.IMAGE, input.payloads[i]);
        core.leave();
        return new SchemaAndValue(schema, event);
    }

    /** As {@link #encoded}, by the native program for this table, which is told the id that the registry gave. */
    private byte[] encodedStraight(int i) {
        core.enter(input.topics[i]);
        int length = writer.write(input.schemas[i], input.values[i]);
        byte[] payload = straight.payload(writer.image(), length, id);
        core.leave();
        return payload;
    }

    /** One record of the input. */
    private interface Step {
        long at(int i);
    }

    private static Race.Body each(Step step) {
        int[] next = {0};
        return count -> {
            long sum = 0;
            for (int n = 0; n < count; n++) {
                sum += step.at(next[0]++ & Input.RECORDS - 1);
            }
            return sum;
        };
    }

    private Step reading() {
        Values.Readers readers = new Values.Readers();
        return i -> readers.read(schema, events[i]);
    }

    Race decode(Race race) {
        Values.Readers readers = new Values.Readers();
        if (straight != null) {
            race.lane("straight index", each(i -> straight.image(input.payloads[i]).length)).lane(STRAIGHT, each(i -> {
                SchemaAndValue value = decodedStraight(i);
                keep(value);
                return readers.read(value.schema(), value.value());
            }));
        }
        return race.lane("call", each(i -> core.call(input.payloads[i])))
                .lane("copies", each(i -> core.copies(input.payloads[i], images[i].length).length))
                .lane("index", each(i -> core.image(input.payloads[i]).length))
                .lane("objects", each(i -> keep(event(i))))
                .lane("read", each(reading()))
                .lane(FLOOR, each(i -> {
                    SchemaAndValue value = decoded(i);
                    keep(value);
                    return readers.read(value.schema(), value.value());
                }));
    }

    Race chain(Race race) {
        Values.Readers readers = new Values.Readers();
        Schema row = schema.field("after").schema();
        if (straight != null) {
            race.lane("straight index", each(i -> straight.image(input.payloads[i]).length)).lane(STRAIGHT, each(i -> {
                core.enter(input.topics[i]);
                byte[] image = straight.image(input.payloads[i]).clone();
                core.leave();
                return chained(i, image, row, readers);
            }));
        }
        return race.lane("call", each(i -> core.call(input.payloads[i])))
                .lane("index", each(i -> core.image(input.payloads[i]).length))
                .lane(FLOOR, each(i -> {
                    core.enter(input.topics[i]);
                    byte[] image = core.image(input.payloads[i]);
                    core.leave();
                    return chained(i, image, row, readers);
                }));
    }

    /** From what the converter hands to the transformation (an image of its own: it has to last) to the row that is read. */
    private long chained(int i, byte[] image, Schema row, Values.Readers readers) {
        SinkRecord event = input.record(i, schema, image);
        keep(event);
        if (event.valueSchema() != schema) {
            throw new IllegalStateException("another schema");
        }
        byte[] index = (byte[]) event.value();
        SinkRecord made = with(event, row, reader.after(index, index.length, input.payloads[i]));
        keep(made);
        return readers.read(made.valueSchema(), made.value());
    }

    /** Has an object made: what nobody can see the JVM leaves out. */
    static long keep(Object made) {
        kept = made;
        return 1;
    }

    private static SinkRecord with(SinkRecord record, Schema schema, Object value) {
        return record.newRecord(record.topic(), record.kafkaPartition(), record.keySchema(), record.key(), schema, value,
                record.timestamp());
    }

    Race encode(Race race) {
        byte[][] written = new byte[Input.RECORDS][];
        for (int i = 0; i < Input.RECORDS; i++) {
            int length = writer.write(input.schemas[i], input.values[i]);
            written[i] = Arrays.copyOf(writer.image(), length);
        }
        if (straight != null) {
            race.lane("straight native", each(i -> straight.payload(written[i], written[i].length, id).length))
                    .lane(STRAIGHT, each(i -> encodedStraight(i).length));
        }
        return race.lane("call", each(i -> core.call(written[i])))
                .lane("image", each(i -> writer.write(input.schemas[i], input.values[i])))
                .lane("native", each(i -> core.payload(written[i], written[i].length).length))
                .lane(FLOOR, each(i -> encoded(i).length));
    }
}
