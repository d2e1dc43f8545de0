package io.bucatini.connect.internal;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;

/**
 * Executes the plans of a transformation on the value arrays of Structs: the core compiles a plan once per schema, a crossing
 * for each record would cost more than it saves.
 */
final class Moves {
    /** As many as the core keeps. */
    private static final int MAX_PLANS = 4_096;

    final String plugin;
    final Schemas schemas;
    final RowImageReader reader;
    final StructAccess access;
    /** Asks the core: a request (plan_codec.rs) to its answer, null if the transformation has no plans. */
    final Function<WireWriter, WireReader> core;

    private final Map<Integer, MovePlan> plans = new ConcurrentHashMap<>();
    /** By identity: most tasks see one table for a while. */
    private volatile Used last;
    private volatile boolean none;

    private static final class Used {
        final Schema declared;
        final Schema own;
        final MovePlan plan;

        Used(Schema declared, Schema own, MovePlan plan) {
            this.declared = declared;
            this.own = own;
            this.plan = plan;
        }
    }

    Moves(String plugin, Schemas schemas, RowImageReader reader, StructAccess access, Function<WireWriter, WireReader> core) {
        this.plugin = plugin;
        this.schemas = schemas;
        this.reader = reader;
        this.access = access;
        this.core = core;
    }

    /**
     * The plan for records with this value schema; null if the transformation has none. Whether a value is an envelope is what
     * the record declares, but what is in it is what its own schema says: other transformations and tests forget the one.
     */
    MovePlan plan(ConnectRecord<?> record) {
        Schema declared = record.valueSchema();
        Object value = record.value();
        Schema own = declared != null && value instanceof Struct ? ((Struct) value).schema() : declared;
        Used used = last;
        if (used != null && used.declared == declared && used.own == own) {
            return used.plan;
        }
        if (none) {
            return null;
        }
        MovePlan plan = plan(schemas.of(declared));
        if (plan == null) {
            none = true;
            return null;
        }
        if (own != declared && plan.isOfEnvelopes()) {
            MovePlan ofOwn = plan(schemas.of(own));
            plan = ofOwn.isOfEnvelopes() ? ofOwn : plan;
        }
        last = new Used(declared, own, plan);
        return plan;
    }

    private MovePlan plan(Schemas.Interned schema) {
        MovePlan plan = plans.get(schema.id);
        if (plan != null) {
            return plan;
        }
        WireWriter request = new WireWriter(16);
        request.u8(0);
        request.u32(schema.id);
        WireReader answer = core.apply(request);
        if (answer == null) {
            return null;
        }
        plan = MovePlan.read(answer, schema, this);
        if (plans.size() >= MAX_PLANS) {
            plans.clear();
        }
        plans.put(schema.id, plan);
        return plan;
    }
}
