package io.bucatini.connect.internal;

import io.bucatini.connect.BucatiniError;
import org.apache.kafka.connect.data.Schema;

/** Where a moved value comes from (plan_codec.rs: source). */
final class MoveSource {
    private static final Object NOTHING = new Object();

    /** Null for a constant. */
    private final StructPath path;
    /** A Struct that must be there too; null for none. */
    private final StructPath guard;
    /** The constant, or what stands in for a value that is not there. */
    private final Object absent;
    private final Object instead;
    /** Where the value lies in an event whose values lie open; null if that is further down, or not to be had alone. */
    private final EventPart part;
    private final int position;

    private MoveSource(StructPath path, StructPath guard, Object absent, Object instead) {
        this.path = path;
        this.guard = guard;
        this.absent = absent;
        this.instead = instead;
        StructPath parent = path == null || path.length() == 0 ? null : path.parent();
        part = parent == null || guard != null && !guard.isSame(parent) ? null : EventPart.at(parent);
        position = part == null ? 0 : path.lastPosition();
    }

    static MoveSource read(WireReader in, Schema root, Moves moves) {
        int kind = in.u8();
        switch (kind) {
            case 0:
                return new MoveSource(null, null, constant(in, moves), null);
            case 1:
                StructPath guard = in.u8() == 0 ? null : StructPath.read(in, root, moves.access);
                StructPath path = StructPath.read(in, root, moves.access);
                Object absent = in.u8() == 0 ? null : constant(in, moves);
                Object instead = in.u8() == 0 ? null : constant(in, moves);
                return new MoveSource(path, guard, absent, instead);
            default:
                throw new BucatiniError("plan.source", "plan: unknown kind of source " + kind);
        }
    }

    static Object constant(WireReader in, Moves moves) {
        Schemas.Interned schema = moves.schemas.get(in.u32());
        WireReader image = in.part();
        return moves.reader.read(schema.plan,
                new RowImage(image.array(), image.position(), image.remaining(), new byte[0]));
    }

    /** The value, from the record's key or value. */
    Object get(Object root) {
        if (path == null || guard != null && !guard.isPresent(root)) {
            return absent;
        }
        Object value = path.get(root, NOTHING);
        return value == NOTHING ? absent : value == null ? instead : value;
    }

    /** As {@link #get(Object)}, with the values of the event if they lie open. */
    Object get(Object root, Object[] open) {
        Object[] from = open == null || part == null ? null : part.values(open);
        return from == null ? get(root) : in(from);
    }

    boolean isConstant() {
        return path == null;
    }

    /** Null if it has no place of its own right in a part of the event. */
    EventPart part() {
        return part;
    }

    /** Where it is in the part. */
    int position() {
        return position;
    }

    /** Whether a null in its place gives way to something. */
    boolean hasStandIn() {
        return instead != null;
    }

    /** The value, from the values of the part. */
    Object in(Object[] values) {
        Object value = values[position];
        return value == null ? instead : value;
    }

    /** The constant, or what stands in where there is no part. */
    Object absent() {
        return absent;
    }
}
