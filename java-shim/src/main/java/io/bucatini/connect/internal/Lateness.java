package io.bucatini.connect.internal;

/**
 * Whether the envelopes of a schema are to be read late: as long as a transformation of ours makes its rows straight from them.
 * It comes right behind the converter, record by record, so that a few envelopes tell. Where none does, everybody looks into the
 * envelope sooner or later, and keeping its image until then is in vain; then it is tried again now and then, for
 * transformations may have predicates. A race costs an envelope that is read sooner or later than it could be.
 */
final class Lateness {
    /** Envelopes after which nobody is expected to take one any more. */
    static final int TRIED = 64;
    /** Envelopes read at once before it is tried again. */
    static final int PAUSE = 4_096;
    /** Of these one would be taken if any were. */
    static final int TRIED_AGAIN = 8;

    /** Late ones left; below zero, those that were read at once since. */
    private int left = TRIED;

    /** Whether the next envelope is one to be read late. */
    boolean isNext() {
        int now = left;
        left = now > -PAUSE ? now - 1 : TRIED_AGAIN;
        return now > 0;
    }

    /** A row was made from an envelope that nobody had looked into. */
    void taken() {
        left = TRIED;
    }
}
