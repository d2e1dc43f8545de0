package io.bucatini.connect.internal;

import io.bucatini.connect.BucatiniError;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Schemaless data inside a row image: a tag byte before each value, recursively (schemaless.rs). */
final class Schemaless {
    private static final int MAX_DEPTH = 256;

    private static final int NULL = 0;
    private static final int FALSE = 1;
    private static final int TRUE = 2;
    private static final int INT8 = 3;
    private static final int INT16 = 4;
    private static final int INT32 = 5;
    private static final int INT64 = 6;
    private static final int FLOAT = 7;
    private static final int DOUBLE = 8;
    private static final int STRING = 9;
    private static final int BYTES = 10;
    private static final int ARRAY = 11;
    private static final int MAP = 12;

    private Schemaless() {}

    static void write(Object value, WireWriter out) {
        write(value, out, 0);
    }

    private static void write(Object value, WireWriter out, int depth) {
        checkDepth(depth);
        if (value == null) {
            out.u8(NULL);
        } else if (value instanceof String) {
            out.u8(STRING);
            out.str((String) value);
        } else if (value instanceof Boolean) {
            out.u8((Boolean) value ? TRUE : FALSE);
        } else if (value instanceof Number) {
            number((Number) value, out);
        } else if (value instanceof byte[]) {
            out.u8(BYTES);
            out.bytes((byte[]) value);
        } else if (value instanceof ByteBuffer) {
            out.u8(BYTES);
            ByteBuffer bytes = (ByteBuffer) value;
            out.u32(bytes.remaining());
            RowImageWriter.append(bytes, out);
        } else if (value instanceof Map) {
            map((Map<?, ?>) value, out, depth);
        } else if (value instanceof Collection) {
            array((Collection<?>) value, out, depth);
        } else {
            throw kind(value);
        }
    }

    private static void number(Number value, WireWriter out) {
        if (value instanceof Integer) {
            integer(INT32, value, out);
        } else if (value instanceof Long) {
            integer(INT64, value, out);
        } else if (value instanceof Double) {
            out.u8(DOUBLE);
            out.i64(Double.doubleToRawLongBits((Double) value));
        } else if (value instanceof Float) {
            out.u8(FLOAT);
            out.u32(Float.floatToRawIntBits((Float) value));
        } else if (value instanceof Short) {
            integer(INT16, value, out);
        } else if (value instanceof Byte) {
            integer(INT8, value, out);
        } else {
            throw kind(value);
        }
    }

    private static void integer(int tag, Number value, WireWriter out) {
        out.u8(tag);
        out.i64(value.longValue());
    }

    private static void map(Map<?, ?> map, WireWriter out, int depth) {
        out.u8(MAP);
        int count = out.length();
        out.u32(0);
        int entries = 0;
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            try {
                write(entry.getKey(), out, depth + 1);
                write(entry.getValue(), out, depth + 1);
            } catch (DataFault fault) {
                throw fault.entry(entries);
            }
            entries++;
        }
        out.setInt(count, entries);
    }

    private static void array(Collection<?> items, WireWriter out, int depth) {
        out.u8(ARRAY);
        int at = out.length();
        out.u32(0);
        int count = 0;
        for (Object item : items) {
            try {
                write(item, out, depth + 1);
            } catch (DataFault fault) {
                throw fault.index(count);
            }
            count++;
        }
        out.setInt(at, count);
    }

    /** Reads one value and refuses anything after it. */
    static Object read(WireReader in) {
        Object value = read(in, 0);
        in.finish("schemaless data");
        return value;
    }

    private static Object read(WireReader in, int depth) {
        checkDepth(depth);
        int tag = in.u8();
        switch (tag) {
            case NULL:
                return null;
            case FALSE:
                return Boolean.FALSE;
            case TRUE:
                return Boolean.TRUE;
            case INT8:
                return (byte) in.i64();
            case INT16:
                return (short) in.i64();
            case INT32:
                return (int) in.i64();
            case INT64:
                return in.i64();
            case FLOAT:
                return Float.intBitsToFloat(in.u32());
            case DOUBLE:
                return Double.longBitsToDouble(in.i64());
            case STRING:
                return in.str();
            case BYTES:
                return ByteBuffer.wrap(in.bytes());
            case ARRAY:
                int items = in.count(1);
                List<Object> list = new ArrayList<>();
                for (int i = 0; i < items; i++) {
                    list.add(read(in, depth + 1));
                }
                return list;
            case MAP:
                int entries = in.count(2);
                Map<Object, Object> map = new HashMap<>();
                for (int i = 0; i < entries; i++) {
                    Object key = read(in, depth + 1);
                    map.put(key, read(in, depth + 1));
                }
                return map;
            default:
                throw new BucatiniError("schemaless.tag", "schemaless data: unknown tag " + tag);
        }
    }

    private static void checkDepth(int depth) {
        if (depth > MAX_DEPTH) {
            throw new DataFault("schemaless.depth",
                    "schemaless data: expected at most " + MAX_DEPTH + " levels, found more");
        }
    }

    private static DataFault kind(Object value) {
        return new DataFault("schemaless.kind",
                "expected a value of a Connect type without schema, found " + value.getClass().getName());
    }
}
