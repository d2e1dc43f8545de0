package io.bucatini.connect.internal;

import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.header.Headers;

/** Headers that go after those of a record (plan_codec.rs: headers). */
final class MoveHeaders {
    private final Added[] added;

    private MoveHeaders(Added[] added) {
        this.added = added;
    }

    private static final class Added {
        final String name;
        final Schema schema;
        final Schema schemaOfNull;
        final MoveSource source;

        Added(WireReader in, Schema root, Moves moves) {
            name = in.str();
            schema = moves.schemas.get(in.u32()).schema;
            schemaOfNull = moves.schemas.get(in.u32()).schema;
            source = MoveSource.read(in, root, moves);
        }
    }

    static MoveHeaders read(WireReader in, Schema root, Moves moves) {
        Added[] added = new Added[in.count(13)];
        for (int i = 0; i < added.length; i++) {
            added[i] = new Added(in, root, moves);
        }
        return new MoveHeaders(added);
    }

    boolean isEmpty() {
        return added.length == 0;
    }

    /**
     * The record's headers and these, in a copy: a record keeps the object that it is given.
     *
     * @param open the values of {@code value}, null if they do not lie open
     */
    Headers appended(ConnectRecord<?> record, Object value, Object[] open) {
        Headers headers = record.headers().duplicate();
        for (Added header : added) {
            Object found = header.source.get(value, open);
            headers.add(header.name, found, found == null ? header.schemaOfNull : header.schema);
        }
        return headers;
    }
}
