package io.bucatini.connect.internal;

import io.bucatini.connect.BucatiniError;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;

/**
 * Row images to Connect values, as Confluent's AvroData makes them: bytes as ByteBuffer, maps as HashMap, logical types as
 * Connect's own classes do. Nulls stay null: no default takes their place.
 */
final class RowImageReader {
    private static final VarHandle BIG_ENDIAN = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);
    private static final long MILLIS_PER_DAY = 86_400_000;

    private final StructAccess access;

    RowImageReader(StructAccess access) {
        this.access = access;
    }

    /**
     * The value of an image at the start of {@code bytes}; a plan of null is schemaless data.
     *
     * @param input the payload that was decoded, empty for a self-contained image
     */
    Object read(RowImagePlan plan, byte[] bytes, int length, byte[] input) {
        return read(plan, new RowImage(bytes, 0, length, input));
    }

    /** The value of an image. */
    Object read(RowImagePlan plan, RowImage image) {
        if (image.isNoValue()) {
            return null;
        }
        if (plan == null) {
            image.expectSlots(1);
            return image.isNull(0) ? null : schemaless(image);
        }
        image.expectSlots(plan.width);
        return image.isNull(0) ? null : value(plan, plan.kind, image, 0, 0);
    }

    /**
     * As {@link #read(RowImagePlan, RowImage)}, but an envelope is read when somebody looks at it. Both arrays belong to the
     * value from then on.
     */
    Object readLazily(RowImagePlan plan, byte[] bytes, byte[] input) {
        RowImage image = new RowImage(bytes, 0, bytes.length, input);
        if (!plan.lazy || image.isNoValue() || image.isNull(0)) {
            return read(plan, image);
        }
        image.expectSlots(plan.width);
        return new LazyStruct(this, plan, image);
    }

    /** Fills the fields of a Struct that was made without them. */
    void complete(LazyStruct struct, RowImagePlan plan, RowImage image) {
        Object[] values = access.empty(struct, plan.children.length);
        fields(plan, image, 0, 0, 0, values.length, values, 0);
        if (!access.isDirect()) {
            struct.take(values, plan.fields);
        }
    }

    private static Object schemaless(RowImage image) {
        long range = image.get(0);
        boolean inTail = image.isInTail(0);
        int offset = image.offset(inTail, 0, range);
        return Schemaless.read(new WireReader(image.heap(inTail), offset, RowImage.length(range)));
    }

    /** What is at a slot that is not null. */
    Object value(RowImagePlan plan, int kind, RowImage image, int slot, int depth) {
        long value = image.get(slot);
        switch (kind) {
            case RowImagePlan.BOOLEAN:
                return value != 0;
            case RowImagePlan.INT32:
                return (int) value;
            case RowImagePlan.INT64:
                return value;
            case RowImagePlan.STRING:
                return image.text(image.isInTail(slot), slot, value, plan.recent);
            default:
                return other(plan, kind, image, slot, value, depth);
        }
    }

    private Object other(RowImagePlan plan, int kind, RowImage image, int slot, long value, int depth) {
        switch (kind) {
            case RowImagePlan.INT8:
                return (byte) value;
            case RowImagePlan.INT16:
                return (short) value;
            case RowImagePlan.FLOAT32:
                return Float.intBitsToFloat((int) value);
            case RowImagePlan.FLOAT64:
                return Double.longBitsToDouble(value);
            case RowImagePlan.BYTES:
                return bytes(image, slot, value);
            case RowImagePlan.DECIMAL:
                return decimal(plan, image, image.isInTail(slot), slot, value);
            case RowImagePlan.DATE:
                return new Date((int) value * MILLIS_PER_DAY);
            case RowImagePlan.TIME:
                return time((int) value);
            case RowImagePlan.TIMESTAMP:
                return new Date(value);
            case RowImagePlan.STRUCT:
                return struct(plan, plan.schema, image, slot, depth);
            case RowImagePlan.ARRAY:
                return array(plan, image.nested(slot), depth + 1);
            case RowImagePlan.MAP:
                return map(plan, image.nested(slot), depth + 1);
            case RowImagePlan.REFERENCE:
                RowImage aggregate = aggregate(plan, image, slot, depth + 1);
                return aggregate.isNull(0) ? null : struct(plan.item, plan.schema, aggregate, 0, depth + 1);
            default:
                throw new IllegalStateException("kind " + kind);
        }
    }

    /** What a reference points to. */
    private static RowImage aggregate(RowImagePlan plan, RowImage image, int slot, int depth) {
        checkDepth(depth);
        RowImage aggregate = image.nested(slot);
        aggregate.expectSlots(plan.item.width);
        return aggregate;
    }

    /** Values nest deeply: a level takes two frames, this one and {@link #loop}. */
    Struct struct(RowImagePlan plan, Schema schema, RowImage image, int slot, int depth) {
        Struct struct = new Struct(schema);
        Object[] values = access.empty(struct, plan.children.length);
        RowFiller filler = plan.filler();
        if (filler == null || !filled(filler, plan, image, slot, depth, values)) {
            loop(plan, image, slot, depth, 0, values.length, values, 0);
        }
        access.fill(struct, values, plan.fields);
        return struct;
    }

    /** The values of {@code count} fields, from the {@code first} on, of a struct whose own slot is {@code slot}. */
    void fields(RowImagePlan plan, RowImage image, int slot, int depth, int first, int count, Object[] values, int to) {
        RowFiller filler = count == plan.children.length && to == 0 ? plan.filler() : null;
        if (filler == null || !filled(filler, plan, image, slot, depth, values)) {
            loop(plan, image, slot, depth, first, count, values, to);
        }
    }

    /** False if there is a fault: the loop finds it again, and says where. */
    private boolean filled(RowFiller filler, RowImagePlan plan, RowImage image, int slot, int depth, Object[] values) {
        try {
            filler.fill(this, plan.children, image, slot, depth, values);
            return true;
        } catch (DataFault fault) {
            return false;
        }
    }

    /** What is frequent is done here, not in {@link #value}: a call a field would take as long as the rest. */
    private void loop(RowImagePlan plan, RowImage image, int slot, int depth, int first, int count, Object[] values, int to) {
        RowImagePlan[] children = plan.children;
        int[] offsets = plan.offsets;
        int[] kinds = plan.kinds;
        byte[] bytes = image.bytes;
        int nulls = image.nulls;
        int firstSlot = image.firstSlot;
        int i = first;
        try {
            for (; i < first + count; i++) {
                int at = slot + offsets[i];
                if ((bytes[nulls + (at >> 3)] >> (at & 7) & 1) != 0) {
                    continue;
                }
                long value = (long) RowImage.LONG.get(bytes, firstSlot + 8 * at);
                int kind = kinds[i];
                Object read;
                switch (kind) {
                    case RowImagePlan.BOOLEAN:
                        read = value != 0;
                        break;
                    case RowImagePlan.INT32:
                        read = (int) value;
                        break;
                    case RowImagePlan.INT64:
                        read = value;
                        break;
                    case RowImagePlan.FLOAT64:
                        read = Double.longBitsToDouble(value);
                        break;
                    case RowImagePlan.STRING:
                        read = image.text(image.isInTail(at), at, value, children[i].recent);
                        break;
                    case RowImagePlan.DECIMAL:
                        read = decimal(children[i], image, image.isInTail(at), at, value);
                        break;
                    case RowImagePlan.TIMESTAMP:
                        read = new Date(value);
                        break;
                    case RowImagePlan.STRUCT:
                        read = struct(children[i], children[i].schema, image, at, depth);
                        break;
                    case RowImagePlan.REFERENCE:
                        RowImage aggregate = aggregate(children[i], image, at, depth + 1);
                        read = aggregate.isNull(0)
                                ? null : struct(children[i].item, children[i].schema, aggregate, 0, depth + 1);
                        break;
                    default:
                        read = other(children[i], kind, image, at, value, depth);
                }
                values[to + i - first] = read;
            }
        } catch (DataFault fault) {
            throw fault.field(plan.fields[i].name());
        }
    }

    private List<Object> array(RowImagePlan plan, RowImage items, int depth) {
        checkDepth(depth);
        RowImagePlan item = plan.item;
        int count = count(items, item.width);
        List<Object> list = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            list.add(item(item, items, i * item.width, depth));
        }
        return list;
    }

    private Map<Object, Object> map(RowImagePlan plan, RowImage entries, int depth) {
        checkDepth(depth);
        RowImagePlan key = plan.key;
        RowImagePlan item = plan.item;
        int count = count(entries, key.width + item.width);
        int values = count * key.width;
        Map<Object, Object> map = new HashMap<>(count);
        for (int i = 0; i < count; i++) {
            map.put(item(key, entries, i * key.width, depth), item(item, entries, values + i * item.width, depth));
        }
        return map;
    }

    private Object item(RowImagePlan plan, RowImage image, int slot, int depth) {
        return image.isNull(slot) ? null : value(plan, plan.kind, image, slot, depth);
    }

    private static int count(RowImage image, int width) {
        if (image.slots % width != 0) {
            throw new BucatiniError("row-image.slots", "row image: expected a multiple of " + width
                    + " slots in an aggregate, found " + image.slots);
        }
        return image.slots / width;
    }

    private static ByteBuffer bytes(RowImage image, int slot, long range) {
        boolean inTail = image.isInTail(slot);
        int offset = image.offset(inTail, slot, range);
        return ByteBuffer.wrap(Arrays.copyOfRange(image.heap(inTail), offset, offset + RowImage.length(range)));
    }

    static BigDecimal decimal(RowImagePlan plan, RowImage image, boolean inTail, int slot, long range) {
        int scale = plan.requiredScale();
        int offset = image.offset(inTail, slot, range);
        int length = RowImage.length(range);
        byte[] heap = image.heap(inTail);
        if (length > 8) {
            return new BigDecimal(new BigInteger(heap, offset, length), scale);
        }
        if (length == 0) {
            throw new DataFault("row-image.decimal", "expected the bytes of a Decimal, found none");
        }
        return BigDecimal.valueOf(bigEndian(heap, offset, length), scale);
    }

    /** A number of 1 to 8 bytes, which may lie at the start of the array. */
    private static long bigEndian(byte[] heap, int offset, int length) {
        int end = offset + length;
        if (end >= 8) {
            return (long) BIG_ENDIAN.get(heap, end - 8) << 64 - 8 * length >> 64 - 8 * length;
        }
        long number = heap[offset];
        for (int i = offset + 1; i < end; i++) {
            number = number << 8 | heap[i] & 0xFF;
        }
        return number;
    }

    /** As Time.toLogical: the end of the day is included. */
    private static Date time(int millis) {
        if (millis < 0 || millis > MILLIS_PER_DAY) {
            throw new DataFault("row-image.time", "expected milliseconds of one day, found another number");
        }
        return new Date(millis);
    }

    private static void checkDepth(int depth) {
        if (depth > RowImage.MAX_AGGREGATE_DEPTH) {
            throw tooDeep();
        }
    }

    static DataFault tooDeep() {
        return new DataFault("row-image.depth",
                "expected at most " + RowImage.MAX_AGGREGATE_DEPTH + " nested aggregates, found more");
    }
}
