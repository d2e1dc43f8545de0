package io.bucatini.connect.internal;

import io.bucatini.connect.BucatiniError;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
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
        int offset = image.offset(0, range);
        return Schemaless.read(new WireReader(image.heap(0), offset, RowImage.length(range)));
    }

    /** What is at a slot that is not null. */
    Object value(RowImagePlan plan, int kind, RowImage image, int slot, int depth) {
        long value = image.get(slot);
        switch (kind) {
            case RowImagePlan.BOOLEAN:
                return value != 0;
            case RowImagePlan.INT8:
                return (byte) value;
            case RowImagePlan.INT16:
                return (short) value;
            case RowImagePlan.INT32:
                return (int) value;
            case RowImagePlan.INT64:
                return value;
            case RowImagePlan.FLOAT32:
                return Float.intBitsToFloat((int) value);
            case RowImagePlan.FLOAT64:
                return Double.longBitsToDouble(value);
            case RowImagePlan.STRING:
                return image.text(slot, value, plan.recent);
            default:
                return other(plan, kind, image, slot, depth);
        }
    }

    private Object other(RowImagePlan plan, int kind, RowImage image, int slot, int depth) {
        switch (kind) {
            case RowImagePlan.BYTES:
                return bytes(image, slot);
            case RowImagePlan.DECIMAL:
                return decimal(plan, image, slot);
            case RowImagePlan.DATE:
                return new Date((int) image.get(slot) * MILLIS_PER_DAY);
            case RowImagePlan.TIME:
                return time((int) image.get(slot));
            case RowImagePlan.TIMESTAMP:
                return new Date(image.get(slot));
            case RowImagePlan.STRUCT:
                return struct(plan, plan.schema, image, slot, depth);
            case RowImagePlan.ARRAY:
                return array(plan, image.nested(slot), depth + 1);
            case RowImagePlan.MAP:
                return map(plan, image.nested(slot), depth + 1);
            case RowImagePlan.REFERENCE:
                checkDepth(depth + 1);
                RowImage aggregate = image.nested(slot);
                aggregate.expectSlots(plan.item.width);
                return aggregate.isNull(0) ? null : struct(plan.item, plan.schema, aggregate, 0, depth + 1);
            default:
                throw new IllegalStateException("kind " + kind);
        }
    }

    /** Values nest deeply: a level takes two frames, this one and {@link #other}. */
    private Struct struct(RowImagePlan plan, Schema schema, RowImage image, int slot, int depth) {
        Struct struct = new Struct(schema);
        RowImagePlan[] children = plan.children;
        int[] offsets = plan.offsets;
        int[] kinds = plan.kinds;
        Object[] values = access.empty(struct, children.length);
        int i = 0;
        try {
            for (; i < children.length; i++) {
                int at = slot + offsets[i];
                if (!image.isNull(at)) {
                    values[i] = kinds[i] <= RowImagePlan.STRING
                            ? value(children[i], kinds[i], image, at, depth) : other(children[i], kinds[i], image, at, depth);
                }
            }
        } catch (DataFault fault) {
            throw fault.field(plan.fields[i].name());
        }
        access.fill(struct, values, plan.fields);
        return struct;
    }

    /** The values of {@code count} fields, from the {@code first} on, of a struct whose own slot is {@code slot}. */
    void fields(RowImagePlan plan, RowImage image, int slot, int depth, int first, int count, Object[] values, int to) {
        RowImagePlan[] children = plan.children;
        int[] offsets = plan.offsets;
        int[] kinds = plan.kinds;
        int i = first;
        try {
            for (; i < first + count; i++) {
                int at = slot + offsets[i];
                if (!image.isNull(at)) {
                    values[to + i - first] = value(children[i], kinds[i], image, at, depth);
                }
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

    private static ByteBuffer bytes(RowImage image, int slot) {
        long range = image.get(slot);
        int offset = image.offset(slot, range);
        return ByteBuffer.wrap(Arrays.copyOfRange(image.heap(slot), offset, offset + RowImage.length(range)));
    }

    private static BigDecimal decimal(RowImagePlan plan, RowImage image, int slot) {
        int scale = plan.requiredScale();
        long range = image.get(slot);
        int offset = image.offset(slot, range);
        int length = RowImage.length(range);
        byte[] heap = image.heap(slot);
        if (length == 0) {
            throw new DataFault("row-image.decimal", "expected the bytes of a Decimal, found none");
        }
        if (length > 8) {
            return new BigDecimal(new BigInteger(heap, offset, length), scale);
        }
        long unscaled = heap[offset];
        for (int i = 1; i < length; i++) {
            unscaled = unscaled << 8 | heap[offset + i] & 0xFF;
        }
        return BigDecimal.valueOf(unscaled, scale);
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
