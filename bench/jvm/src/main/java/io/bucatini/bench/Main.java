package io.bucatini.bench;

import java.io.DataOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** {@code Main <path> <quick|full> <peers> <plugin jar> <own jar> <results>}: one path in a JVM of its own. */
public final class Main {
    /** The only input or setting to be measured; null for all. */
    private static final String INPUT = System.getProperty("input");

    private final String path;
    private final boolean full;
    private final Path results;

    private Main(String path, boolean full, Path results) {
        this.path = path;
        this.full = full;
        this.results = results;
    }

    /** See the class. */
    public static void main(String[] args) throws Exception {
        try (Registry registry = new Registry()) {
            Plugins plugins = new Plugins(Path.of(args[2]), Path.of(args[3]), Path.of(args[4]), registry);
            if (args[0].equals("inputs")) {
                Input table = new Paths(plugins).input(Input.BASE);
                write(Path.of(args[5]), table.name, registry.quoted(1).getBytes(StandardCharsets.UTF_8), table.payloads);
                write(Path.of(args[5]), "wal2json", new byte[0], new Wal2JsonLines().format2);
            } else if (args[0].startsWith("cold-")) {
                Input input = Input.stored(Path.of(System.getProperty("stored")), registry);
                append(Path.of(args[5]), new Cold(plugins, input).run(args[0], System.getProperty("lane")));
            } else {
                new Main(args[0], args[1].equals("full"), Path.of(args[5])).run(new Paths(plugins));
            }
        }
        // A registry client keeps threads.
        System.exit(0);
    }

    /** For what runs without a JVM: the schema as a JSON string, then the payloads, each after its length. */
    private static void write(Path folder, String name, byte[] schema, byte[][] payloads) throws Exception {
        Files.createDirectories(folder);
        try (DataOutputStream out = new DataOutputStream(Files.newOutputStream(folder.resolve(name + ".bin")))) {
            out.writeInt(schema.length);
            out.write(schema);
            for (byte[] payload : payloads) {
                out.writeInt(payload.length);
                out.write(payload);
            }
        }
    }

    private void run(Paths paths) throws Exception {
        switch (path) {
            case "smt":
                Input mixed = paths.input("mixed-ops");
                for (Map<String, String> settings : Paths.smtSettings()) {
                    String name = settings.isEmpty() ? "defaults" : settings.toString();
                    if (INPUT == null || INPUT.equals(name)) {
                        report(paths.smt(mixed, settings), name, 0);
                    }
                }
                if (full && (INPUT == null || INPUT.equals(Input.MEGAMORPHIC))) {
                    report(paths.smt(paths.input(Input.MEGAMORPHIC), Map.of()), Input.MEGAMORPHIC, 0);
                }
                break;
            case "costs":
                Input table = paths.input(Input.BASE);
                append(results, String.format("{\"path\": \"memory\", \"bytes\": %s}%n",
                        paths.costs().memory(table, paths.input("schemas-50"))));
                append(results, String.format("{\"path\": \"threads\", \"lanes\": %s}%n", paths.costs().threads(table)));
                break;
            case "wal2json":
                report(paths.wal2json(), "update of 12 columns", 0);
                break;
            default:
                measure(paths, INPUT == null ? Input.BASE : INPUT);
                if (INPUT == null && full && !path.equals("wasm-record")) {
                    for (String input : Input.SPREAD) {
                        measure(paths, input);
                    }
                }
        }
    }

    private void measure(Paths paths, String name) throws Exception {
        Input input = paths.input(name);
        Race race;
        switch (path) {
            case "decode":
                race = paths.decode(input, full);
                break;
            case "chain":
                race = paths.chain(input, Map.of());
                break;
            case "encode":
                race = paths.encode(input);
                break;
            case "wasm-record":
                race = paths.wasmRecord(input);
                break;
            default:
                throw new IllegalArgumentException("no path " + path);
        }
        report(race, name, input.meanBytes());
    }

    private void report(Race race, String input, double payload) throws Exception {
        race.run(Double.parseDouble(System.getProperty("warmup", full ? "3" : "1.5")), full ? 61 : 41);
        List<GarbageCollectorMXBean> collectors = ManagementFactory.getGarbageCollectorMXBeans();
        StringBuilder lanes = new StringBuilder();
        for (Race.Lane lane : race.lanes()) {
            lanes.append(String.format(Locale.ROOT, "%s\"%s\": {\"ns\": %.1f, \"bytes\": %.0f}", lanes.length() == 0 ? "" : ", ",
                    lane.name, lane.ns(), lane.bytes()));
        }
        String row = String.format(Locale.ROOT,
                "{\"path\": \"%s\", \"input\": \"%s\", \"payload\": %.0f, \"ratio\": %.2f, \"p10\": %.2f, \"p90\": %.2f, "
                        + "\"lanes\": {%s}, \"jdk\": \"%s\", \"collector\": \"%s\"}%n",
                path, input, payload, race.ratio(Paths.PEER, Paths.OURS), race.ratioAt(Paths.PEER, Paths.OURS, 0.1),
                race.ratioAt(Paths.PEER, Paths.OURS, 0.9), lanes, System.getProperty("java.version"),
                collectors.get(0).getName().split(" ")[0]);
        append(results, row);
    }

    private static void append(Path results, String row) throws IOException {
        Files.writeString(results, row, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        new PrintStream(System.err, true).print(row);
    }
}
