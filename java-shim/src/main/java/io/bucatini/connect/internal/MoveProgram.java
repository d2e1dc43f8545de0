package io.bucatini.connect.internal;

import io.bucatini.connect.BucatiniError;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.header.Headers;

/** What a rewritten key and value look like (plan_codec.rs: program). */
final class MoveProgram {
    private static final int KEEP_KEY = 0;
    private static final int FAIL_KEY = 1;
    private static final int REMOVE_ENTRIES = 2;
    private static final int REBUILD_KEY = 3;

    private static final int FAIL_VALUE = 0;
    private static final int NULL_VALUE = 1;
    private static final int REBUILD_VALUE = 2;

    private final Moves moves;
    private final int keyKind;
    private final Errors.Report keyError;
    private final Set<String> removed = new HashSet<>();
    private final MoveRebuild keyRebuild;
    private final int valueKind;
    private final Errors.Report valueError;
    /** Null for none. */
    final Schema valueSchema;
    private final MoveRebuild valueRebuild;
    /** Whether it keeps the key and makes a null or {@link #plainRow}, and does nothing else. */
    final boolean isPlain;
    /** The row of values that lie open. */
    final PlainRebuild plainRow;

    private MoveProgram(WireReader in, Schema value, Schema key, Moves moves) {
        this.moves = moves;
        MovePlan.checkFormat(in);
        keyKind = in.u8();
        keyError = keyKind == FAIL_KEY ? Errors.Report.read(in.part()) : null;
        for (int left = keyKind == REMOVE_ENTRIES ? in.count(4) : 0; left > 0; left--) {
            removed.add(in.str());
        }
        keyRebuild = keyKind == REBUILD_KEY ? new MoveRebuild(in, key, moves) : null;
        valueKind = in.u8();
        valueError = valueKind == FAIL_VALUE ? Errors.Report.read(in.part()) : null;
        Schema ofNull = valueKind == NULL_VALUE ? moves.schemas.get(in.u32()).schema : null;
        valueRebuild = valueKind == REBUILD_VALUE ? new MoveRebuild(in, value, moves) : null;
        valueSchema = valueRebuild == null ? ofNull : valueRebuild.schema.schema;
        plainRow = valueRebuild == null || valueRebuild.watch != null ? null : valueRebuild.plain;
        isPlain = keyKind == KEEP_KEY && (valueKind == NULL_VALUE || plainRow != null);
        if (keyKind > REBUILD_KEY || valueKind > REBUILD_VALUE) {
            throw new BucatiniError("plan.program", "program: unknown kind " + keyKind + " or " + valueKind);
        }
        in.finish("program");
    }

    /** Reads a program for values and keys of these schemas. */
    static MoveProgram read(WireReader in, Schema value, Schema key, Moves moves) {
        return new MoveProgram(in, value, key, moves);
    }

    /** The key; a null stays. */
    Object key(Object key) {
        if (key == null) {
            return null;
        }
        switch (keyKind) {
            case KEEP_KEY:
                return key;
            case FAIL_KEY:
                throw keyError.exception(moves.plugin, "", false);
            case REMOVE_ENTRIES:
                return withoutRemoved(key);
            default:
                return keyRebuild.stepped(key, key);
        }
    }

    /** The schema of a key that is not null. */
    Schema keySchema(Schema schema) {
        return keyKind == REBUILD_KEY ? keyRebuild.schema.schema : schema;
    }

    /**
     * The value.
     *
     * @param rows the old one with defaults for its rows
     * @param open the old one's values, null if they do not lie open
     * @param headers where a header goes that says which values are unavailable
     */
    Object value(Struct rows, Struct value, Object[] open, Headers headers) {
        switch (valueKind) {
            case FAIL_VALUE:
                throw valueError.exception(moves.plugin, "", false);
            case NULL_VALUE:
                return null;
            default:
                if (valueRebuild.watch != null) {
                    valueRebuild.watch.look(rows, headers);
                }
                return valueRebuild.apply(rows, value, open);
        }
    }

    private Map<Object, Object> withoutRemoved(Object key) {
        if (!(key instanceof Map)) {
            throw new DataFault("plan.key", "expected a key that is a Map or a Struct, found " + key.getClass().getName())
                    .field("key");
        }
        Map<Object, Object> kept = new HashMap<>((Map<?, ?>) key);
        kept.keySet().removeIf(name -> name instanceof String && removed.contains(name));
        return kept;
    }
}
