package io.bucatini.connect.internal;

import io.bucatini.connect.BucatiniError;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.kafka.connect.data.Schema;

/**
 * The schemas that have crossed the boundary for one plug-in instance. The same number always gives the same Schema object,
 * because caches downstream go by identity. Bounded on the way out; on the way in the other side numbers and keeps them.
 */
final class Schemas {
    /** Calls across the boundary, as the plug-in makes them. */
    interface Source {
        /** The boundary form of a schema. */
        WireReader schema(int id);

        /** The number of a schema in its boundary form. */
        int intern(WireWriter form);
    }

    /** A schema, its number and its plan. */
    static final class Interned {
        /** Schemaless data. */
        static final Interned NONE = new Interned(0, null, null);

        final int id;
        final Schema schema;
        final RowImagePlan plan;

        Interned(int id, Schema schema, RowImagePlan plan) {
            this.id = id;
            this.schema = schema;
            this.plan = plan;
        }
    }

    private static final int MAX_ID = 1 << 20;
    private static final int MAX_OUTGOING = 1_000;
    private static final int IDENTITIES = 128;

    private final Source source;
    private final RowImageReader reader;
    private final RowImageWriter writer;

    private volatile Interned[] incoming = {Interned.NONE};
    /** By identity, one place for each hash: entries are immutable, so a race costs a look into the map at most. */
    private final Interned[] identities = new Interned[IDENTITIES];
    /** By equality: some connectors make a new Schema for every record. Guarded by itself. */
    private final Map<Schema, Interned> outgoing = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Schema, Interned> eldest) {
            return size() > MAX_OUTGOING;
        }
    };

    Schemas(Source source, RowImageReader reader, RowImageWriter writer) {
        this.source = source;
        this.reader = reader;
        this.writer = writer;
    }

    /** The schema with a number that the other side gave; 0 is none. */
    Interned get(int id) {
        Interned[] known = incoming;
        Interned interned = id >= 0 && id < known.length ? known[id] : null;
        return interned != null ? interned : fetch(id);
    }

    private synchronized Interned fetch(int id) {
        if (id < 0 || id > MAX_ID) {
            throw new BucatiniError("boundary.schema", "boundary: there is no schema number " + Integer.toUnsignedString(id));
        }
        if (id >= incoming.length) {
            incoming = Arrays.copyOf(incoming, Math.max(id + 1, 2 * incoming.length));
        }
        Interned interned = incoming[id];
        if (interned == null) {
            Schema schema = SchemaReader.read(SchemaArena.read(source.schema(id)), reader);
            interned = new Interned(id, schema, RowImagePlan.of(schema));
            Interned[] extended = incoming.clone();
            extended[id] = interned;
            incoming = extended;
        }
        return interned;
    }

    /** The number and plan of a schema of Connect's. */
    Interned of(Schema schema) {
        if (schema == null) {
            return Interned.NONE;
        }
        int place = System.identityHashCode(schema) & IDENTITIES - 1;
        Interned interned = identities[place];
        if (interned != null && interned.schema == schema) {
            return interned;
        }
        interned = equal(schema);
        identities[place] = interned;
        return interned;
    }

    private Interned equal(Schema schema) {
        Interned equal;
        synchronized (outgoing) {
            equal = outgoing.get(schema);
        }
        if (equal == null) {
            WireWriter form = new WireWriter(1024);
            SchemaWriter.write(schema, writer).write(form);
            equal = new Interned(source.intern(form), schema, RowImagePlan.of(schema));
            synchronized (outgoing) {
                outgoing.put(schema, equal);
            }
        }
        // With this very object, so that the next look goes by identity.
        return equal.schema == schema ? equal : new Interned(equal.id, schema, equal.plan);
    }
}
