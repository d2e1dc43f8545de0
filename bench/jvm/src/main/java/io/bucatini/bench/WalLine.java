package io.bucatini.bench;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.math.BigDecimal;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.LocalDate;
import java.util.Arrays;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;

/**
 * What a programmer would write for lines of {@link Wal2JsonLines}' format 2 and nothing else: what is the same in every line is
 * compared, what differs is read once, and the row is made. Other values of these types than usual ones (escapes, exponents, time
 * zones) are refused where general code would take a longer way.
 */
final class WalLine {
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final long ONES = 0x0101_0101_0101_0101L;
    private static final long HIGH = 0x8080_8080_8080_8080L;
    private static final double[] POWERS = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    private static final byte[] NULL = ascii("null");
    private static final byte[] TRUE = ascii("true");
    private static final byte[] FALSE = ascii("false");

    private final byte[] begin = ascii("{\"action\":\"U\",\"xid\":");
    private final byte[] timestamp = ascii(",\"timestamp\":\"");
    private final byte[] table = ascii("\",\"schema\":\"public\",\"table\":\"items\",\"columns\":[");
    private final byte[][] columns = new byte[12][];
    private final byte[] identity = ascii("}],\"identity\":[{\"name\":\"id\",\"type\":\"integer\",\"value\":");
    private final byte[] last = ascii("}],\"pk\":[{\"name\":\"id\",\"type\":\"integer\"}]}");
    private final Schema envelope;
    private final Schema row;
    private final Object[] constants;
    private final Schema source;
    private final int timeOfSource;
    private final int transactionOfSource;

    private byte[] line;
    private int at;
    private byte[] lastDate = new byte[10];
    private long lastDay;
    private byte[] lastCommit = new byte[29];
    /** For the rest of the event. */
    private long committed;
    private long transaction;
    private long id;

    /** @param example an event of these lines: its schemas and what is the same in all of them are taken from there */
    WalLine(Struct example) {
        envelope = example.schema();
        row = envelope.field("after").schema();
        source = envelope.field("source").schema();
        constants = Table.array(example.getStruct("source")).clone();
        timeOfSource = source.field("ts_ms").index();
        transactionOfSource = source.field("txId").index();
        for (int i = 0; i < columns.length; i++) {
            columns[i] = ascii((i == 0 ? "" : "},") + "{\"name\":\"" + Wal2JsonLines.COLUMNS[i][0] + "\",\"type\":\""
                    + Wal2JsonLines.COLUMNS[i][1] + "\",\"value\":");
        }
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    Struct row(byte[] from) {
        line = from;
        at = 0;
        expect(begin);
        transaction = integer();
        expect(timestamp);
        if (!Arrays.equals(line, at, at + lastCommit.length, lastCommit, 0, lastCommit.length)) {
            lastCommit = Arrays.copyOfRange(line, at, at + lastCommit.length);
            committed = micros();
        } else {
            at += 26;
        }
        utc();
        expect(table);
        Struct struct = new Struct(row);
        Object[] values = Table.array(struct);
        expect(columns[0]);
        values[0] = Math.toIntExact(integer());
        for (int i = 1; i < 4; i++) {
            expect(columns[i]);
            values[i] = text();
        }
        expect(columns[4]);
        values[4] = decimal();
        expect(columns[5]);
        values[5] = Math.toIntExact(integer());
        expect(columns[6]);
        values[6] = real();
        expect(columns[7]);
        values[7] = bool();
        expect(columns[8]);
        quote();
        values[8] = micros();
        quote();
        expect(columns[9]);
        quote();
        values[9] = zoned();
        quote();
        expect(columns[10]);
        values[10] = text();
        expect(columns[11]);
        values[11] = integer();
        expect(identity);
        id = integer();
        expect(last);
        if (at != line.length) {
            throw unusual();
        }
        return struct;
    }

    /** The whole event; that its schema and table are the known ones has been compared. */
    Struct event(byte[] from) {
        Struct after = row(from);
        Struct event = new Struct(envelope);
        Object[] values = Table.array(event);
        Struct before = new Struct(row);
        Table.array(before)[0] = Math.toIntExact(id);
        Struct origin = new Struct(source);
        Object[] ofSource = Table.array(origin);
        System.arraycopy(constants, 0, ofSource, 0, constants.length);
        ofSource[timeOfSource] = committed / 1_000;
        ofSource[transactionOfSource] = transaction;
        values[0] = before;
        values[1] = after;
        values[2] = origin;
        values[3] = "u";
        return event;
    }

    private IllegalArgumentException unusual() {
        return new IllegalArgumentException("an unusual line at " + at);
    }

    private void expect(byte[] part) {
        if (!is(part)) {
            throw unusual();
        }
    }

    private boolean is(byte[] part) {
        int end = at + part.length;
        if (end > line.length || !Arrays.equals(line, at, end, part, 0, part.length)) {
            return false;
        }
        at = end;
        return true;
    }

    private void quote() {
        if (line[at++] != '"') {
            throw unusual();
        }
    }

    private long integer() {
        boolean minus = line[at] == '-';
        if (minus) {
            at++;
        }
        int from = at;
        long value = digits(0);
        if (at == from || at - from > 18) {
            throw unusual();
        }
        return minus ? -value : value;
    }

    private long digits(long value) {
        int digit;
        while ((digit = line[at] - '0' & 0xFF) < 10) {
            value = 10 * value + digit;
            at++;
        }
        return value;
    }

    private BigDecimal decimal() {
        boolean minus = line[at] == '-';
        if (minus) {
            at++;
        }
        int from = at;
        long value = digits(0);
        if (line[at++] != '.') {
            throw unusual();
        }
        int point = at;
        value = digits(value);
        if (at - point != 2 || at - from > 18 || point == from + 1) {
            throw unusual();
        }
        return BigDecimal.valueOf(minus ? -value : value, 2);
    }

    private Double real() {
        boolean minus = line[at] == '-';
        if (minus) {
            at++;
        }
        int from = at;
        long value = digits(0);
        int scale = 0;
        if (line[at] == '.') {
            int point = ++at;
            value = digits(value);
            scale = at - point;
        }
        if (at == from || at - from > 16 || line[at] == 'e') {
            throw unusual();
        }
        double real = value / POWERS[scale];
        return minus ? -real : real;
    }

    private Boolean bool() {
        if (is(TRUE)) {
            return true;
        }
        expect(FALSE);
        return false;
    }

    private String text() {
        if (line[at] == 'n') {
            expect(NULL);
            return null;
        }
        quote();
        int from = at;
        for (;; at += 8) {
            long word = (long) LONG.get(line, at);
            long quotes = word ^ ONES * '"';
            long escapes = word ^ ONES * '\\';
            // The lowest of these bits is right, whatever those above it say.
            long found = (quotes - ONES & ~quotes | escapes - ONES & ~escapes | word - ONES * 0x20 & ~word | word) & HIGH;
            if (found != 0) {
                at += Long.numberOfTrailingZeros(found) >> 3;
                break;
            }
        }
        int length = at - from;
        quote();
        return new String(line, from, length, StandardCharsets.ISO_8859_1);
    }

    private int two(int from) {
        int tens = line[from] - '0';
        int ones = line[from + 1] - '0';
        if (tens < 0 || tens > 9 || ones < 0 || ones > 9) {
            throw unusual();
        }
        return 10 * tens + ones;
    }

    /** {@code 2026-11-23 10:10:00.123456} as microseconds since 1970. */
    private long micros() {
        int from = at;
        if (!Arrays.equals(line, from, from + 10, lastDate, 0, 10)) {
            lastDate = Arrays.copyOfRange(line, from, from + 10);
            lastDay = LocalDate.parse(new String(lastDate, StandardCharsets.US_ASCII)).toEpochDay();
        }
        int hour = two(from + 11);
        int minute = two(from + 14);
        int second = two(from + 17);
        if (line[from + 10] != ' ' || line[from + 13] != ':' || line[from + 16] != ':' || line[from + 19] != '.' || hour > 23
                || minute > 59 || second > 59) {
            throw unusual();
        }
        int fraction = (two(from + 20) * 100 + two(from + 22)) * 100 + two(from + 24);
        at = from + 26;
        return (((lastDay * 24 + hour) * 60 + minute) * 60 + second) * 1_000_000 + fraction;
    }

    private void utc() {
        if (line[at] != '+' || line[at + 1] != '0' || line[at + 2] != '0') {
            throw unusual();
        }
        at += 3;
    }

    /** The same with its zone, as ISO 8601 has it. */
    private String zoned() {
        int from = at;
        micros();
        if (line[at - 1] == '0') {
            throw unusual();
        }
        byte[] text = Arrays.copyOfRange(line, from, from + 27);
        text[10] = 'T';
        text[26] = 'Z';
        utc();
        return new String(text, StandardCharsets.ISO_8859_1);
    }
}
