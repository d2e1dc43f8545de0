package io.bucatini.connect.internal;

import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;

/** A Struct that takes no way to find in the values of an event: the event itself, or what is right in it. */
final class EventPart {
    private static final int EVENT = -1;

    private final int position;
    private final Schema schema;
    /** The last other object of an equal schema: comparing by content takes long. A race costs a comparison. */
    private Schema equal;

    private EventPart(int position, Schema schema) {
        this.position = position;
        this.schema = schema;
    }

    /** The event itself. */
    static EventPart event(Schema schema) {
        return new EventPart(EVENT, schema);
    }

    /** What is at the path; null if that is further down. */
    static EventPart at(StructPath path) {
        return path.length() > 1 ? null : new EventPart(path.length() == 0 ? EVENT : path.first(), path.schema());
    }

    boolean isEvent() {
        return position == EVENT;
    }

    boolean isSame(EventPart other) {
        return position == other.position;
    }

    /** Whether it is not null. */
    boolean isIn(Object[] event) {
        return position == EVENT || event[position] != null;
    }

    /** Its values, not to be changed; null if there are none or they do not lie open. */
    Object[] values(Object[] event) {
        return position == EVENT ? event : open(event[position]);
    }

    /** The values of a Struct of this schema, null if they do not lie open. */
    Object[] open(Object value) {
        if (!(value instanceof Struct)) {
            return null;
        }
        Struct struct = (Struct) value;
        Schema found = struct.schema();
        return found == schema || found == equal || isEqual(found) ? StructAccess.open(struct) : null;
    }

    private boolean isEqual(Schema found) {
        boolean same = StructPath.hasFields(found, schema.fields());
        equal = same ? found : equal;
        return same;
    }
}
