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

    private MoveSource(StructPath path, StructPath guard, Object absent, Object instead) {
        this.path = path;
        this.guard = guard;
        this.absent = absent;
        this.instead = instead;
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
}
