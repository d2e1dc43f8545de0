package io.bucatini.connect.internal;

import io.bucatini.connect.BucatiniError;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.header.Headers;

/** Columns that may hold the placeholder of a value that the source did not send (plan_codec.rs: watch). */
final class MoveWatch {
    /** The header that lists the fields. */
    static final String HEADER = "__unavailable";

    private static final int HEADER_ACTION = 1;
    /** Rows of Connect cannot say that a value is unavailable: the header does. */
    private static final int MARK = 2;
    private static final int FAIL = 3;

    private static final int TEXT = 0;
    private static final int BYTES = 1;
    private static final int TEXTS = 2;
    private static final int INTEGERS = 3;
    private static final int ENTRY = 4;

    private final Moves moves;
    private final int action;
    private final String placeholder;
    private final byte[] octets;
    private final Errors.Report error;
    private final Schema headerSchema;
    private final StructPath[] paths;
    private final String[] fields;
    private final int[] forms;

    MoveWatch(WireReader in, Schema root, Moves moves) {
        this.moves = moves;
        action = in.u8();
        placeholder = in.str();
        octets = placeholder.getBytes(StandardCharsets.UTF_8);
        error = Errors.Report.read(in.part());
        headerSchema = moves.schemas.get(in.u32()).schema;
        int count = in.count(9);
        paths = new StructPath[count];
        fields = new String[count];
        forms = new int[count];
        for (int i = 0; i < count; i++) {
            paths[i] = StructPath.read(in, root, moves.access);
            fields[i] = in.str();
            forms[i] = in.u8();
            if (forms[i] > ENTRY) {
                throw new BucatiniError("plan.watch", "program: unknown form of a placeholder " + forms[i]);
            }
        }
        if (action < HEADER_ACTION || action > FAIL) {
            throw new BucatiniError("plan.watch", "program: unknown action " + action);
        }
    }

    /** Adds the header if any column holds the placeholder, or throws what says so. */
    void look(Object rows, Headers headers) {
        List<String> found = null;
        for (int i = 0; i < paths.length; i++) {
            Object value = paths[i].get(rows, null);
            if (value != null && holds(forms[i], value)) {
                if (action == FAIL) {
                    throw error.exception(moves.plugin, fields[i], false);
                }
                found = found == null ? new ArrayList<>() : found;
                found.add(fields[i]);
            }
        }
        if (found != null) {
            headers.add(HEADER, found, headerSchema);
        }
    }

    private boolean holds(int form, Object value) {
        switch (form) {
            case TEXT:
                return value.equals(placeholder);
            case BYTES:
                return value instanceof ByteBuffer ? ByteBuffer.wrap(octets).equals(((ByteBuffer) value).duplicate())
                        : value instanceof byte[] && Arrays.equals(octets, (byte[]) value);
            case TEXTS:
                return value instanceof List && ((List<?>) value).size() == 1 && placeholder.equals(((List<?>) value).get(0));
            case INTEGERS:
                return value instanceof List && integers((List<?>) value);
            default:
                return value instanceof Map && ((Map<?, ?>) value).size() == 1
                        && placeholder.equals(((Map<?, ?>) value).get(placeholder));
        }
    }

    private boolean integers(List<?> items) {
        if (items.size() != octets.length) {
            return false;
        }
        for (int i = 0; i < octets.length; i++) {
            Object item = items.get(i);
            if (!(item instanceof Number) || ((Number) item).longValue() != (octets[i] & 0xFF)) {
                return false;
            }
        }
        return true;
    }
}
