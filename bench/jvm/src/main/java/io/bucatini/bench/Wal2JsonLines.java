package io.bucatini.bench;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** The same changes in both formats, as wal2json 2.5 prints them for these connectors. */
final class Wal2JsonLines {
    static final String[][] COLUMNS = {
        {"id", "integer"}, {"sku", "character varying(40)"}, {"name", "text"}, {"description", "text"},
        {"price", "numeric(10,2)"}, {"quantity", "integer"}, {"weight", "double precision"}, {"active", "boolean"},
        {"created", "timestamp without time zone"}, {"updated", "timestamp with time zone"}, {"category", "text"},
        {"views", "bigint"},
    };

    final byte[][] format1 = new byte[Input.RECORDS][];
    final byte[][] format2 = new byte[Input.RECORDS][];

    Wal2JsonLines() {
        for (int i = 0; i < Input.RECORDS; i++) {
            List<String> values = new ArrayList<>(List.of(String.valueOf(i + 1), "\"SKU-" + 100_000 + i + "\"",
                    "\"Bucatini all'amatriciana " + i + "\"", i % 20 == 0 ? "null" : "\"hollow spaghetti, no " + i + "\"",
                    (i % 90 + 10) + ".5" + i % 10, String.valueOf(i * 37 % 1000), i % 64 / 8.0 + "", i % 2 == 0 ? "true" : "false",
                    "\"2026-11-23 10:" + (10 + i % 50) + ":00.123456\"", "\"2026-11-23 10:" + (10 + i % 50) + ":00.123456+00\"",
                    i % 20 == 1 ? "null" : "\"pasta\"", String.valueOf(4_000_000_000L + i)));
            StringBuilder names = new StringBuilder();
            StringBuilder types = new StringBuilder();
            StringBuilder optional = new StringBuilder();
            StringBuilder list = new StringBuilder();
            for (int c = 0; c < COLUMNS.length; c++) {
                String comma = c == 0 ? "" : ",";
                names.append(comma).append('"').append(COLUMNS[c][0]).append('"');
                types.append(comma).append('"').append(COLUMNS[c][1]).append('"');
                optional.append(comma).append(c != 0);
                list.append(comma).append("{\"name\":\"").append(COLUMNS[c][0]).append("\",\"type\":\"")
                        .append(COLUMNS[c][1]).append("\",\"value\":").append(values.get(c)).append('}');
            }
            format1[i] = ("{\"xid\":" + (700 + i) + ",\"timestamp\":\"2026-11-23 10:00:00.123456+00\",\"change\":[{\"kind\":"
                    + "\"update\",\"schema\":\"public\",\"table\":\"items\",\"columnnames\":[" + names + "],\"columntypes\":["
                    + types + "],\"columnoptionals\":[" + optional + "],\"columnvalues\":[" + String.join(",", values)
                    + "],\"oldkeys\":{\"keynames\":[\"id\"],\"keytypes\":[\"integer\"],\"keyvalues\":[" + (i + 1) + "]}}]}")
                    .getBytes(StandardCharsets.UTF_8);
            format2[i] = ("{\"action\":\"U\",\"xid\":" + (700 + i) + ",\"timestamp\":\"2026-11-23 10:00:00.123456+00\",\"schema\":"
                    + "\"public\",\"table\":\"items\",\"columns\":[" + list + "],\"identity\":[{\"name\":\"id\",\"type\":"
                    + "\"integer\",\"value\":" + (i + 1) + "}],\"pk\":[{\"name\":\"id\",\"type\":\"integer\"}]}")
                    .getBytes(StandardCharsets.UTF_8);
        }
    }
}
