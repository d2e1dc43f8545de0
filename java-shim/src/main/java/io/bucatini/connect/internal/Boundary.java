package io.bucatini.connect.internal;

import io.bucatini.connect.BucatiniError;

/** What every call across the boundary has in common: the meaning of negative results. */
final class Boundary {
    /** Answer of {@link #checked}: the buffer has grown, call again. */
    static final long AGAIN = Long.MIN_VALUE;

    private final String plugin;

    /** @param plugin name for messages */
    Boundary(String plugin) {
        this.plugin = plugin;
    }

    /**
     * The result of a call that wrote to {@code scratch}: itself if it is not negative, or {@link Library#NEED},
     * {@link Library#NULL} or {@link #AGAIN}. Throws what an error says.
     */
    long checked(long result, Scratch scratch) {
        return checked(result, scratch, false);
    }

    /** As {@link #checked(long, Scratch)}, for a call that reads the settings if {@code configuring}. */
    long checked(long result, Scratch scratch, boolean configuring) {
        if (result >= 0 || result == Library.NEED || result == Library.NULL) {
            return result;
        }
        if (result == Library.CAPACITY) {
            scratch.grow();
            return AGAIN;
        }
        if (result == Library.ERROR) {
            int length = scratch.received(4).u32();
            if (length < 0 || length > scratch.capacity() - 4) {
                throw new BucatiniError("boundary.error", plugin + ": the native library reports an error of "
                        + Integer.toUnsignedString(length) + " bytes, which cannot be");
            }
            WireReader error = scratch.received(4 + length);
            error.u32();
            throw Errors.Report.read(error).exception(plugin, "", configuring);
        }
        throw new BucatiniError("boundary.result", plugin + ": the native library answers " + result
                + ", which means nothing; are jar and library of one build?");
    }

    /** A checked result that cannot be anything but a number. */
    long number(long checked) {
        if (checked < 0) {
            throw new BucatiniError("boundary.result", plugin + ": the native library answers " + checked
                    + " where it may not");
        }
        return checked;
    }
}
