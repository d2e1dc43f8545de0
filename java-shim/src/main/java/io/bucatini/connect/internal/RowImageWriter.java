package io.bucatini.connect.internal;

import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.Date;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;

/**
 * Connect values to self-contained row images, with the checks that Confluent's AvroData makes: classes, the schema of each
 * Struct, logical types. Struct values are raw: a null stays null although its field has a default.
 */
final class RowImageWriter {
    private static final long MILLIS_PER_DAY = 86_400_000;
    /** Every number of so many digits is a long. */
    private static final int LONG_DIGITS = 18;

    private final StructAccess access;
    private final boolean bySchema;

    RowImageWriter(StructAccess access) {
        this(access, true);
    }

    private RowImageWriter(StructAccess access, boolean bySchema) {
        this.access = access;
        this.bySchema = bySchema;
    }

    /**
     * For defaults: a Struct in one cannot have the very schema that has it as its default (AvroData gives it the builder), so
     * the same fields are enough.
     */
    RowImageWriter forDefaults() {
        return new RowImageWriter(access, false);
    }

    /** Appends the image of {@code value}; a plan of null is schemaless data. */
    void write(RowImagePlan plan, Object value, WireWriter out) {
        int from = out.length();
        try {
            write(plan, value, new Image(out, plan == null ? 1 : plan.width, true));
        } catch (DataFault fault) {
            out.truncate(from);
            write(plan, value, new Image(out, plan == null ? 1 : plan.width, false));
        }
    }

    private void write(RowImagePlan plan, Object value, Image image) {
        WireWriter out = image.out;
        if (value == null) {
            image.setNull(0);
        } else if (plan == null) {
            int from = out.length();
            Schemaless.write(value, out);
            image.pointTo(0, from);
        } else {
            value(plan, plan.kind, value, image, 0, 0);
        }
        image.finish();
    }

    void value(RowImagePlan plan, int kind, Object value, Image image, int slot, int depth) {
        switch (kind) {
            case RowImagePlan.BOOLEAN:
                image.set(slot, value instanceof Boolean ? (Boolean) value ? 1 : 0 : fail("a Boolean", value));
                return;
            case RowImagePlan.INT32:
                image.set(slot, value instanceof Integer ? (Integer) value : fail("an Integer", value));
                return;
            case RowImagePlan.INT64:
                image.set(slot, value instanceof Long ? (Long) value : fail("a Long", value));
                return;
            case RowImagePlan.FLOAT64:
                image.set(slot, value instanceof Double
                        ? Double.doubleToRawLongBits((Double) value) : fail("a Double", value));
                return;
            case RowImagePlan.STRING:
                image.append(slot, value instanceof String ? (String) value : failed("a String", value), plan.recent);
                return;
            case RowImagePlan.TIMESTAMP:
                image.set(slot, date(value));
                return;
            case RowImagePlan.DECIMAL:
                decimal(plan, value, image, slot);
                return;
            default:
                other(plan, value, image, slot, depth);
        }
    }

    void other(RowImagePlan plan, Object value, Image image, int slot, int depth) {
        switch (plan.kind) {
            case RowImagePlan.INT8:
                image.set(slot, value instanceof Byte ? (Byte) value : fail("a Byte", value));
                return;
            case RowImagePlan.INT16:
                image.set(slot, value instanceof Short ? (Short) value : fail("a Short", value));
                return;
            case RowImagePlan.FLOAT32:
                image.set(slot, value instanceof Float
                        ? Float.floatToRawIntBits((Float) value) & 0xFFFF_FFFFL : fail("a Float", value));
                return;
            case RowImagePlan.DATE:
                image.set(slot, days(value));
                return;
            case RowImagePlan.TIME:
                image.set(slot, millisOfDay(value));
                return;
            case RowImagePlan.BYTES:
                bytes(value, image, slot);
                return;
            case RowImagePlan.STRUCT:
                struct(plan, checked(plan, value), image, slot, depth);
                return;
            case RowImagePlan.REFERENCE:
                Image nested = nested(plan, image, depth + 1);
                struct(plan.item, checked(plan, value), nested, 0, depth + 1);
                image.pointTo(slot, nested);
                return;
            case RowImagePlan.ARRAY:
                array(plan, value, image, slot, depth + 1);
                return;
            case RowImagePlan.MAP:
                map(plan, value, image, slot, depth + 1);
                return;
            default:
                throw new IllegalStateException("kind " + plan.kind);
        }
    }

    /** What a reference points to. */
    private static Image nested(RowImagePlan plan, Image image, int depth) {
        checkDepth(depth);
        return image.nested(plan.item.width);
    }

    /** The Struct, if it is of the schema that the plan stands for. */
    Struct checked(RowImagePlan plan, Object value) {
        if (!(value instanceof Struct)) {
            throw kind("a Struct", value);
        }
        Struct struct = (Struct) value;
        Schema schema = struct.schema();
        if (schema != plan.schema && schema != plan.equal) {
            if (!schema.equals(plan.schema)
                    && !RecursiveSchema.unwrap(schema).equals(RecursiveSchema.unwrap(plan.schema))
                    && (bySchema || !sameFields(schema, plan.schema))) {
                throw new DataFault("row-image.struct",
                        "expected a Struct of the schema at this place, found one of another schema");
            }
            plan.equal = schema;
        }
        return struct;
    }

    private static boolean sameFields(Schema one, Schema other) {
        List<Field> fields = one.fields();
        List<Field> others = other.fields();
        boolean same = fields.size() == others.size();
        for (int i = 0; same && i < fields.size(); i++) {
            same = fields.get(i).name().equals(others.get(i).name());
        }
        return same;
    }

    /** Values nest deeply: a level takes two frames, this one and {@link #loop}. */
    void struct(RowImagePlan plan, Struct struct, Image image, int slot, int depth) {
        Object[] values = access.values(struct, plan.fields);
        image.out.reserve(fetched(values));
        RowPacker packer = image.straight ? plan.packer() : null;
        if (packer != null) {
            packer.pack(this, plan.children, values, image, slot, depth);
        } else {
            loop(plan, values, image, slot, depth);
        }
    }

    /** What is frequent is done here, not in {@link #value}: a call a field would take as long as the rest. */
    private void loop(RowImagePlan plan, Object[] values, Image image, int slot, int depth) {
        RowImagePlan[] children = plan.children;
        int[] offsets = plan.offsets;
        int[] kinds = plan.kinds;
        int i = 0;
        try {
            for (; i < children.length; i++) {
                Object value = values[i];
                int at = slot + offsets[i];
                if (value == null) {
                    image.setNull(at);
                    continue;
                }
                int kind = kinds[i];
                if (kind == RowImagePlan.STRING && value instanceof String) {
                    image.append(at, (String) value, children[i].recent);
                } else if (kind == RowImagePlan.INT32 && value instanceof Integer) {
                    image.set(at, (Integer) value);
                } else if (kind == RowImagePlan.INT64 && value instanceof Long) {
                    image.set(at, (Long) value);
                } else if (kind == RowImagePlan.STRUCT) {
                    struct(children[i], checked(children[i], value), image, at, depth);
                } else if (kind == RowImagePlan.REFERENCE) {
                    Image nested = nested(children[i], image, depth + 1);
                    struct(children[i].item, checked(children[i], value), nested, 0, depth + 1);
                    image.pointTo(at, nested);
                } else {
                    value(children[i], kind, value, image, at, depth);
                }
            }
        } catch (DataFault fault) {
            throw fault.field(plan.fields[i].name());
        }
    }

    /**
     * The characters of all texts. What matters is that each value is looked at before the first is written: so the processor
     * fetches them at once, not one after the other between the work on each.
     */
    private static int fetched(Object[] values) {
        int characters = 0;
        for (Object value : values) {
            if (value != null && value.getClass() == String.class) {
                characters += ((String) value).length();
            }
        }
        return characters;
    }

    private void array(RowImagePlan plan, Object value, Image image, int slot, int depth) {
        if (!(value instanceof Collection)) {
            throw kind("a List", value);
        }
        checkDepth(depth);
        Object[] items = ((Collection<?>) value).toArray();
        RowImagePlan item = plan.item;
        Image nested = image.nested((long) items.length * item.width);
        int i = 0;
        try {
            for (; i < items.length; i++) {
                item(item, items[i], nested, i * item.width, depth);
            }
        } catch (DataFault fault) {
            throw fault.index(i);
        }
        image.pointTo(slot, nested);
    }

    private void map(RowImagePlan plan, Object value, Image image, int slot, int depth) {
        if (!(value instanceof Map)) {
            throw kind("a Map", value);
        }
        checkDepth(depth);
        Object[] entries = ((Map<?, ?>) value).entrySet().toArray();
        RowImagePlan key = plan.key;
        RowImagePlan item = plan.item;
        Image nested = image.nested((long) entries.length * (key.width + item.width));
        int values = entries.length * key.width;
        int i = 0;
        try {
            for (; i < entries.length; i++) {
                Map.Entry<?, ?> entry = (Map.Entry<?, ?>) entries[i];
                item(key, entry.getKey(), nested, i * key.width, depth);
                item(item, entry.getValue(), nested, values + i * item.width, depth);
            }
        } catch (DataFault fault) {
            throw fault.entry(i);
        }
        image.pointTo(slot, nested);
    }

    private void item(RowImagePlan plan, Object value, Image image, int slot, int depth) {
        if (value == null) {
            image.setNull(slot);
        } else {
            value(plan, plan.kind, value, image, slot, depth);
        }
    }

    private static void bytes(Object value, Image image, int slot) {
        if (value instanceof byte[]) {
            image.append(slot, (byte[]) value);
        } else if (value instanceof ByteBuffer) {
            int from = image.out.length();
            append((ByteBuffer) value, image.out);
            image.pointTo(slot, from);
        } else {
            throw kind("a byte[] or ByteBuffer", value);
        }
    }

    /** Appends what remains in a buffer, without moving its position. */
    static void append(ByteBuffer value, WireWriter out) {
        if (value.hasArray()) {
            out.raw(value.array(), value.arrayOffset() + value.position(), value.remaining());
        } else {
            byte[] copy = new byte[value.remaining()];
            value.duplicate().get(copy);
            out.raw(copy, 0, copy.length);
        }
    }

    /** As Decimal.fromLogical. */
    static void decimal(RowImagePlan plan, Object value, Image image, int slot) {
        if (!(value instanceof BigDecimal)) {
            throw kind("a BigDecimal", value);
        }
        BigDecimal decimal = (BigDecimal) value;
        int scale = plan.requiredScale();
        if (decimal.scale() != scale) {
            throw new DataFault("row-image.scale", "expected a BigDecimal of scale " + plan.scale
                    + ", as the schema says, found scale " + decimal.scale());
        }
        if (decimal.precision() <= LONG_DIGITS) {
            // Makes no BigInteger.
            image.append(slot, decimal.scaleByPowerOfTen(scale).longValue());
        } else {
            image.append(slot, decimal.unscaledValue().toByteArray());
        }
    }

    /** As Date.fromLogical. */
    private static long days(Object value) {
        long millis = date(value);
        if (Math.floorMod(millis, MILLIS_PER_DAY) != 0) {
            throw new DataFault("row-image.date", "expected midnight UTC for a Date, found another time of day");
        }
        return (int) (millis / MILLIS_PER_DAY);
    }

    /** As Time.fromLogical: the end of the day is included. */
    private static long millisOfDay(Object value) {
        long millis = date(value);
        if (millis < 0 || millis > MILLIS_PER_DAY) {
            throw new DataFault("row-image.time", "expected a time on 1970-01-01 UTC for a Time, found another date");
        }
        return millis;
    }

    private static long date(Object value) {
        if (!(value instanceof Date)) {
            throw kind("a java.util.Date", value);
        }
        return ((Date) value).getTime();
    }

    private static void checkDepth(int depth) {
        if (depth > RowImage.MAX_AGGREGATE_DEPTH) {
            throw RowImageReader.tooDeep();
        }
    }

    private static long fail(String expected, Object found) {
        throw kind(expected, found);
    }

    private static String failed(String expected, Object found) {
        throw kind(expected, found);
    }

    static DataFault kind(String expected, Object found) {
        return new DataFault("row-image.kind", "expected " + expected + ", found " + found.getClass().getName());
    }

    /** An image or aggregate that is being written. */
    static final class Image {
        private final WireWriter out;
        private final int base;
        private final int slots;
        private final int firstSlot;
        private final int tail;
        /** Bits of the 64 slots from {@code 64 * word} on that are not written yet: most slots come in order. */
        private long nulls;
        private long inTail;
        private int word;
        /** Whether classes of their own write structs; after a fault loops do, to find its place. */
        private final boolean straight;

        private Image(WireWriter out, long slots, boolean straight) {
            this.straight = straight;
            long size = RowImage.tailStart((int) Math.min(slots, RowImage.MAX_IMAGE));
            this.out = out;
            this.base = out.length();
            this.slots = (int) slots;
            checkSize(size);
            out.zeros((int) size);
            this.tail = out.length();
            this.firstSlot = tail - 8 * this.slots;
            out.setByte(base, RowImage.FORMAT);
            out.setInt(base + 8, this.slots);
        }

        /** An aggregate in the tail, at a multiple of 8. */
        Image nested(long slots) {
            out.pad(base);
            return new Image(out, slots, straight);
        }

        void setNull(int slot) {
            turnTo(slot);
            nulls |= 1L << slot;
        }

        private void turnTo(int slot) {
            if (slot >> 6 != word) {
                flush();
                word = slot >> 6;
            }
        }

        private void flush() {
            if ((nulls | inTail) == 0) {
                return;
            }
            int at = base + RowImage.HEADER + 8 * word;
            out.setBits(at, nulls);
            out.setBits(at + 2 * RowImage.bitBytes(slots), inTail);
            nulls = 0;
            inTail = 0;
        }

        void set(int slot, long value) {
            out.setLong(firstSlot + 8 * slot, value);
        }

        /** Two's complement in as few bytes as it takes, as {@link java.math.BigInteger#toByteArray} gives it. */
        void append(int slot, long value) {
            int length = (Long.SIZE - Long.numberOfLeadingZeros(value ^ value >> Long.SIZE - 1)) / 8 + 1;
            int from = out.length();
            out.bigEndian(value, length);
            pointTo(slot, from);
        }

        void append(int slot, String value, RecentText recent) {
            int from = out.length();
            recent.write(value, out);
            pointTo(slot, from);
        }

        void append(int slot, byte[] value) {
            int from = out.length();
            out.raw(value, 0, value.length);
            pointTo(slot, from);
        }

        /** Points the slot to what was appended since the writer stood at {@code from}. */
        void pointTo(int slot, int from) {
            checkSize(out.length() - base);
            turnTo(slot);
            inTail |= 1L << slot;
            set(slot, from - tail & 0xFFFF_FFFFL | (long) (out.length() - from) << 32);
        }

        void pointTo(int slot, Image nested) {
            nested.finish();
            pointTo(slot, nested.base);
        }

        void finish() {
            flush();
            out.pad(base);
            out.setInt(base + 12, out.length() - tail);
        }

        private static void checkSize(long size) {
            if (size > RowImage.MAX_IMAGE) {
                throw new DataFault("row-image.too-large", "row image: expected at most " + RowImage.MAX_IMAGE
                        + " bytes, found at least " + size);
            }
        }
    }
}
