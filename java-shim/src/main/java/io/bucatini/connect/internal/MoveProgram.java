package io.bucatini.connect.internal;

import io.bucatini.connect.BucatiniError;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.connect.data.ConnectSchema;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.DataException;
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
    private final Rebuild keyRebuild;
    private final int valueKind;
    private final Errors.Report valueError;
    private final Schema nullSchema;
    private final Rebuild valueRebuild;

    private MoveProgram(WireReader in, Schema value, Schema key, Moves moves) {
        this.moves = moves;
        MovePlan.checkFormat(in);
        keyKind = in.u8();
        keyError = keyKind == FAIL_KEY ? Errors.Report.read(in.part()) : null;
        for (int left = keyKind == REMOVE_ENTRIES ? in.count(4) : 0; left > 0; left--) {
            removed.add(in.str());
        }
        keyRebuild = keyKind == REBUILD_KEY ? new Rebuild(in, key) : null;
        valueKind = in.u8();
        valueError = valueKind == FAIL_VALUE ? Errors.Report.read(in.part()) : null;
        nullSchema = valueKind == NULL_VALUE ? moves.schemas.get(in.u32()).schema : null;
        valueRebuild = valueKind == REBUILD_VALUE ? new Rebuild(in, value) : null;
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
                return keyRebuild.apply(key, key);
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
     * @param headers where a header goes that says which values are unavailable
     */
    Object value(Struct rows, Struct value, Headers headers) {
        switch (valueKind) {
            case FAIL_VALUE:
                throw valueError.exception(moves.plugin, "", false);
            case NULL_VALUE:
                return null;
            default:
                if (valueRebuild.watch != null) {
                    valueRebuild.watch.look(rows, headers);
                }
                return valueRebuild.apply(rows, value);
        }
    }

    Schema valueSchema() {
        return valueKind == REBUILD_VALUE ? valueRebuild.schema.schema : nullSchema;
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

    /** Makes a new Struct from an old one. */
    private final class Rebuild {
        private static final int REQUIRE = 0;
        private static final int REFUSE = 1;
        private static final int COPY = 2;
        private static final int DEFAULT = 3;
        private static final int PUT = 4;
        private static final int VALID = 5;

        final Schemas.Interned schema;
        private final Errors.Report ofNull;
        private final Errors.Report ofUnfit;
        private final Step[] steps;
        /** The step that makes the whole of it from one Struct, and what it requires of that before; usually it is so. */
        private final Step copy;
        private final Step requirement;
        /** Null if nobody wants to know which values are unavailable. */
        final MoveWatch watch;

        Rebuild(WireReader in, Schema root) {
            schema = moves.schemas.get(in.u32());
            int fields = in.u32();
            if (schema.plan == null || schema.plan.kind != RowImagePlan.STRUCT || schema.plan.fields.length != fields) {
                throw new BucatiniError("plan.fields", "program: a Struct of " + fields + " fields does not fit its schema");
            }
            ofNull = Errors.Report.read(in.part());
            ofUnfit = Errors.Report.read(in.part());
            List<Step> read = new ArrayList<>();
            for (int left = in.count(5); left > 0; left--) {
                Step step = new Step(in, root, fields);
                if (step.kind != REQUIRE || read.isEmpty() || !read.get(read.size() - 1).takes(step)) {
                    read.add(step);
                }
            }
            Step looked = null;
            for (Step step : read) {
                if (step.looksAtStruct()) {
                    step.again = looked != null && looked.path.isSame(step.path);
                    looked = step;
                }
            }
            steps = read.toArray(new Step[0]);
            Step last = steps.length == 0 ? null : steps[steps.length - 1];
            boolean simple = last != null && last.kind == COPY
                    && (steps.length == 1 || steps.length == 2 && steps[0].kind == REQUIRE && last.again);
            copy = simple ? last : null;
            requirement = simple && steps.length == 2 ? steps[0] : null;
            watch = in.u8() == 0 ? null : new MoveWatch(in, root, moves);
        }

        Struct apply(Object root, Object raw) {
            return copy == null || StructPath.isPending(root) ? stepped(root, raw) : copied(root);
        }

        /** As {@link #stepped}, short enough to become part of what calls it. */
        private Struct copied(Object root) {
            Object[] from = copy.path.values(root);
            if (requirement != null) {
                require(requirement, StructPath.firstNull(from, requirement.required));
            }
            if (from == null) {
                copy.path.struct(root);
            }
            Struct struct = new Struct(schema.schema);
            Object[] values = moves.access.empty(struct, schema.plan.fields.length);
            System.arraycopy(from, copy.first, values, copy.to, copy.count);
            moves.access.fill(struct, values, schema.plan.fields);
            return struct;
        }

        private Struct stepped(Object root, Object raw) {
            Struct struct = new Struct(schema.schema);
            Object[] values = moves.access.empty(struct, schema.plan.fields.length);
            boolean pending = StructPath.isPending(root);
            Object[] from = null;
            for (Step step : steps) {
                if (pending || !step.looksAtStruct()) {
                    run(step, root, raw, values);
                    continue;
                }
                from = step.again ? from : step.path.values(root);
                if (step.kind == REQUIRE) {
                    require(step, StructPath.firstNull(from, step.required));
                } else if (from != null) {
                    System.arraycopy(from, step.first, values, step.to, step.count);
                } else {
                    step.path.struct(root);
                }
            }
            moves.access.fill(struct, values, schema.plan.fields);
            return struct;
        }

        private void run(Step step, Object root, Object raw, Object[] values) {
            switch (step.kind) {
                case REQUIRE:
                    require(step, step.path.firstNull(root, step.required));
                    return;
                case REFUSE:
                    if (step.source.get(raw) != null) {
                        throw ofUnfit.exception(moves.plugin, step.field, false);
                    }
                    return;
                case COPY:
                    step.path.copy(root, step.first, step.count, values, step.to);
                    return;
                case DEFAULT:
                    if (values[step.to] == null) {
                        values[step.to] = step.constant;
                    }
                    return;
                case VALID:
                    validate(step, step.raw ? raw : root);
                    return;
                default:
                    values[step.to] = step.source.get(raw);
            }
        }

        /** As {@code Struct.put} would; what is wrong inside a value is the record's fault. */
        private void validate(Step step, Object root) {
            Object value = step.path.get(root, null);
            if (value == null) {
                return;
            }
            try {
                ConnectSchema.validateValue(step.path.schemaIn(root), value);
            } catch (DataException e) {
                throw ofNull.exception(moves.plugin, step.field, false);
            }
        }

        private void require(Step step, int missing) {
            if (missing >= 0) {
                throw ofNull.exception(moves.plugin, step.fields[missing], false);
            }
        }

        private final class Step {
            final int kind;
            StructPath path;
            MoveSource source;
            String field;
            /** Of a requirement: positions in the Struct at the path, and their names. */
            int[] required;
            String[] fields;
            private StructPath one;
            Object constant;
            int first;
            int count;
            int to;
            boolean raw;
            /** Whether it looks at the Struct that the step before it looked at. */
            boolean again;

            Step(WireReader in, Schema root, int size) {
                kind = in.u8();
                switch (kind) {
                    case REQUIRE:
                        one = StructPath.read(in, root, moves.access);
                        path = one.parent();
                        required = new int[] {one.lastPosition()};
                        fields = new String[] {in.str()};
                        break;
                    case REFUSE:
                        source = MoveSource.read(in, root, moves);
                        field = in.str();
                        break;
                    case COPY:
                        path = StructPath.read(in, root, moves.access);
                        first = in.u32();
                        count = in.u32();
                        to = in.u32();
                        break;
                    case DEFAULT:
                        to = in.u32();
                        constant = MoveSource.constant(in, moves);
                        break;
                    case PUT:
                        to = in.u32();
                        source = MoveSource.read(in, root, moves);
                        break;
                    case VALID:
                        path = StructPath.read(in, root, moves.access);
                        field = in.str();
                        raw = in.u8() != 0;
                        break;
                    default:
                        throw new BucatiniError("plan.step", "program: unknown kind of step " + kind);
                }
                if (kind == COPY) {
                    check(first, count, path.schema().fields().size());
                }
                if (kind >= COPY && kind <= PUT) {
                    check(to, kind == COPY ? count : 1, size);
                }
            }

            boolean looksAtStruct() {
                return kind == REQUIRE || kind == COPY;
            }

            /** Whether a requirement of a field beside this one's has become part of it: one Struct is looked up once. */
            boolean takes(Step next) {
                if (kind != REQUIRE || !one.isBeside(next.one)) {
                    return false;
                }
                required = Arrays.copyOf(required, required.length + 1);
                required[required.length - 1] = next.required[0];
                fields = Arrays.copyOf(fields, fields.length + 1);
                fields[fields.length - 1] = next.fields[0];
                return true;
            }

            private void check(int at, int number, int size) {
                if (at < 0 || number < 0 || number > size - at) {
                    throw new BucatiniError("plan.step", "program: " + number + " fields from " + at
                            + " on are not in a Struct of " + size);
                }
            }
        }
    }
}
