package io.bucatini.bench;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.storage.Converter;
import org.apache.kafka.connect.transforms.Transformation;

/** What runs against what. Every pair is compared over the whole input before it may race. */
final class Paths {
    static final String PEER = "java";
    static final String OURS = "ours";
    /** Another build of ours, given by {@code -Dbefore=<jar>}. */
    private static final String BEFORE = "before";
    private static final Map<String, String> WASM = Map.of("engine", "wasm");
    private static final Map<String, String> EAGER = Map.of("lazy", "false");

    private final Plugins plugins;

    Paths(Plugins plugins) {
        this.plugins = plugins;
    }

    Costs costs() {
        return new Costs(plugins);
    }

    Input input(String name) throws Exception {
        return Input.of(name, plugins.confluent());
    }

    /** toConnectData, and every field read. */
    Race decode(Input input, boolean eager) throws Exception {
        Converter peer = plugins.confluent();
        Converter ours = plugins.ours(Map.of());
        Race race = new Race().lane(PEER, decoding(peer, input)).lane(OURS, decoding(ours, input));
        for (int i = 0; i < Input.RECORDS; i++) {
            expectSame("decode " + input.name, peer.toConnectData(input.topics[i], input.payloads[i]),
                    ours.toConnectData(input.topics[i], input.payloads[i]));
        }
        if (plugins.before() != null) {
            race.lane(BEFORE, decoding(plugins.before().ours(Map.of()), input));
        }
        if (eager || input.name.equals(Input.BASE)) {
            race.lane("eager", decoding(plugins.ours(EAGER), input));
        }
        return input.name.equals(Input.BASE) ? new Floors(plugins, input, Map.of()).decode(race) : race;
    }

    private static void expectSame(String what, SchemaAndValue expected, SchemaAndValue found) {
        Values.expectSame(what, expected.schema(), expected.value(), found.schema(), found.value());
    }

    static Race.Body decoding(Converter converter, Input input) {
        int[] next = {0};
        Values.Readers readers = new Values.Readers();
        return count -> {
            long sum = 0;
            for (int n = 0; n < count; n++) {
                int i = next[0]++ & Input.RECORDS - 1;
                SchemaAndValue value = converter.toConnectData(input.topics[i], input.payloads[i]);
                sum += readers.read(value.schema(), value.value());
            }
            return sum;
        };
    }

    /** The converter, then the transformation, then the row read by the sink. */
    Race chain(Input input, Map<String, String> more) throws Exception {
        Converter peer = plugins.confluent();
        Converter ours = plugins.ours(more);
        Transformation<SinkRecord> peerSmt = plugins.debezium3(Map.of());
        Transformation<SinkRecord> ourSmt = plugins.ourSmt(more.containsKey("engine") ? WASM : Map.of());
        for (int i = 0; i < Input.RECORDS; i++) {
            Values.expectSame("chain " + input.name, chained(peer, peerSmt, input, i), chained(ours, ourSmt, input, i));
        }
        Race race = new Race().lane(PEER, chaining(peer, peerSmt, input)).lane(OURS, chaining(ours, ourSmt, input));
        if (plugins.before() != null) {
            race.lane(BEFORE, chaining(plugins.before().ours(more), plugins.before().ourSmt(more), input));
        }
        return input.name.equals(Input.BASE) ? new Floors(plugins, input, more).chain(race) : race;
    }

    private static SinkRecord chained(Converter converter, Transformation<SinkRecord> smt, Input input, int i) {
        SchemaAndValue value = converter.toConnectData(input.topics[i], input.payloads[i]);
        return smt.apply(input.record(i, value.schema(), value.value()));
    }

    static Race.Body chaining(Converter converter, Transformation<SinkRecord> smt, Input input) {
        int[] next = {0};
        Values.Readers readers = new Values.Readers();
        return count -> {
            long sum = 0;
            for (int n = 0; n < count; n++) {
                SinkRecord row = chained(converter, smt, input, next[0]++ & Input.RECORDS - 1);
                sum += row == null ? 1 : readers.read(row.valueSchema(), row.value());
            }
            return sum;
        };
    }

    /** The chain with both plug-ins as components. */
    Race wasmRecord(Input input) throws Exception {
        Race race = chain(input, WASM);
        Converter converter = plugins.ours(WASM);
        race.lane("converter alone", decoding(converter, input));
        return race;
    }

    Race encode(Input input) throws Exception {
        Converter peer = plugins.confluent();
        Converter ours = plugins.ours(Map.of());
        for (int i = 0; i < Input.RECORDS; i++) {
            Values.expectSame("encode " + input.name, input.payloads[i],
                    ours.fromConnectData(input.topics[i], input.schemas[i], input.values[i]));
        }
        Race race = new Race().lane(PEER, encoding(peer, input)).lane(OURS, encoding(ours, input));
        if (plugins.before() != null) {
            race.lane(BEFORE, encoding(plugins.before().ours(Map.of()), input));
        }
        return input.name.equals(Input.BASE) ? new Floors(plugins, input, Map.of()).encode(race) : race;
    }

    private static Race.Body encoding(Converter converter, Input input) {
        int[] next = {0};
        return count -> {
            long sum = 0;
            for (int n = 0; n < count; n++) {
                int i = next[0]++ & Input.RECORDS - 1;
                sum += converter.fromConnectData(input.topics[i], input.schemas[i], input.values[i]).length;
            }
            return sum;
        };
    }

    /** Settings of the transformation that are measured, of Debezium 3.6 and (with generation 1.7) of 1.7. */
    static List<Map<String, String>> smtSettings() {
        return List.of(Map.of(),
                Map.of("add.fields", "op,table,lsn,source.ts_ms"),
                Map.of("add.headers", "op,source.db"),
                Map.of("delete.tombstone.handling.mode", "rewrite"),
                Map.of("route.by.field", "sku"),
                Map.of("replace.null.with.default", "false"),
                Map.of("add.fields", "op,table,lsn,source.ts_ms", "add.headers", "op",
                        "delete.tombstone.handling.mode", "rewrite"),
                Map.of("generation", "1.7"),
                Map.of("generation", "1.7", "add.fields", "op,table,lsn,source.ts_ms", "delete.handling.mode", "rewrite",
                        "drop.tombstones", "false"));
    }

    /** The transformation alone, on Structs that are nobody's of ours. */
    Race smt(Input input, Map<String, String> settings) throws Exception {
        Map<String, String> theirs = new HashMap<>(settings);
        boolean older = "1.7".equals(theirs.remove("generation"));
        Transformation<SinkRecord> peer = older ? plugins.debezium17(theirs) : plugins.debezium3(theirs);
        Transformation<SinkRecord> ours = plugins.ourSmt(settings);
        for (int i = 0; i < Input.RECORDS; i++) {
            Values.expectSame("smt " + settings, peer.apply(input.record(i)), ours.apply(input.record(i)));
        }
        Transformation<SinkRecord> before = plugins.before() == null ? null : plugins.before().ourSmt(settings);
        SinkRecord[] records = new SinkRecord[Input.RECORDS];
        Arrays.setAll(records, input::record);
        boolean fresh = settings.containsKey("add.headers");
        Race race = new Race().lane(PEER, applying(peer::apply, input, records, fresh))
                .lane(OURS, applying(ours::apply, input, records, fresh));
        if (before != null) {
            race.lane(BEFORE, applying(before::apply, input, records, fresh));
        }
        if (input.name.equals(Input.MEGAMORPHIC)) {
            return race;
        }
        SinkRecord[] made = new SinkRecord[Input.RECORDS];
        Arrays.setAll(made, i -> ours.apply(input.record(i)));
        // A program for one table.
        UnaryOperator<SinkRecord> floor = SmtFloors.of(settings, input.schemas[0], made);
        for (int i = 0; i < Input.RECORDS; i++) {
            Values.expectSame("floor of smt " + settings, made[i], floor.apply(input.record(i)));
        }
        return race.lane(Floors.FLOOR, applying(floor, input, records, fresh));
    }

    /**
     * @param fresh whether each gets a new record: Debezium adds its headers to the one that it is given, and they would pile up
     */
    private static Race.Body applying(UnaryOperator<SinkRecord> smt, Input input, SinkRecord[] records, boolean fresh) {
        int[] next = {0};
        return count -> {
            long sum = 0;
            for (int n = 0; n < count; n++) {
                int i = next[0]++ & Input.RECORDS - 1;
                sum += Floors.keep(smt.apply(fresh ? input.record(i) : records[i]));
            }
            return sum;
        };
    }

    /** One line to one row: Debezium reads format 1, ours reads format 2 and makes the whole change event. */
    Race wal2json() throws Exception {
        Wal2JsonLines lines = new Wal2JsonLines();
        Function<byte[], Object[]> peer = plugins.debeziumDecoder();
        Converter ours = plugins.wal2json(Map.of("topic.prefix", "shop", "database.dbname", "shop"));
        for (int i = 0; i < Input.RECORDS; i++) {
            Object[] expected = peer.apply(lines.format1[i]);
            Struct after = ((Struct) ours.toConnectData("t", lines.format2[i]).value()).getStruct("after");
            for (int c = 0; c < expected.length; c++) {
                Object found = after.get(after.schema().fields().get(c));
                if ((expected[c] == null) != (found == null)
                        || expected[c] instanceof String && !Objects.equals(expected[c], found)
                        || expected[c] instanceof Integer && !Objects.equals(expected[c], found)) {
                    throw new IllegalStateException("wal2json column " + c + ": expected " + expected[c] + ", found " + found);
                }
            }
        }
        WalLine floor = new WalLine((Struct) ours.toConnectData("t", lines.format2[0]).value());
        for (byte[] line : lines.format2) {
            SchemaAndValue event = ours.toConnectData("t", line);
            Values.expectSame("floor wal2json", event.schema(), event.value(), event.schema(), floor.event(line));
        }
        int[] next = {0, 0, 0, 0};
        Values.Readers readers = new Values.Readers();
        return new Race().lane(PEER, count -> {
            long sum = 0;
            for (int n = 0; n < count; n++) {
                Object[] row = peer.apply(lines.format1[next[0]++ & Input.RECORDS - 1]);
                for (Object value : row) {
                    sum += value == null ? 1 : 2;
                }
            }
            return sum;
        }).lane(OURS, count -> {
            long sum = 0;
            for (int n = 0; n < count; n++) {
                byte[] line = lines.format2[next[1]++ & Input.RECORDS - 1];
                Struct after = (Struct) ((Struct) ours.toConnectData("t", line).value()).get("after");
                sum += readers.read(after.schema(), after);
            }
            return sum;
        }).lane(Floors.FLOOR, count -> {
            long sum = 0;
            for (int n = 0; n < count; n++) {
                Struct event = floor.event(lines.format2[next[2]++ & Input.RECORDS - 1]);
                Floors.keep(event);
                Struct after = (Struct) event.get("after");
                sum += readers.read(after.schema(), after);
            }
            return sum;
        }).lane("row alone", count -> {
            long sum = 0;
            for (int n = 0; n < count; n++) {
                sum += Floors.keep(floor.row(lines.format2[next[3]++ & Input.RECORDS - 1]));
            }
            return sum;
        });
    }
}
