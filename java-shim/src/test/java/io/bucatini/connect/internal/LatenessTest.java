package io.bucatini.connect.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class LatenessTest {
    private final Lateness lateness = new Lateness();

    private int late(int envelopes) {
        int late = 0;
        for (int i = 0; i < envelopes; i++) {
            late += lateness.isNext() ? 1 : 0;
        }
        return late;
    }

    @Test
    void whatIsTakenStaysLate() {
        for (int i = 0; i < 10_000; i++) {
            assertTrue(lateness.isNext());
            lateness.taken();
        }
        assertEquals(Lateness.TRIED, late(Lateness.TRIED + 1));
    }

    @Test
    void whatNobodyTakesIsReadAtOnceAndTriedAgain() {
        assertEquals(Lateness.TRIED, late(Lateness.TRIED));
        for (int round = 0; round < 3; round++) {
            assertEquals(0, late(Lateness.PAUSE + 1));
            assertEquals(Lateness.TRIED_AGAIN, late(Lateness.TRIED_AGAIN));
        }
        assertEquals(0, late(10));
        lateness.taken();
        assertEquals(Lateness.TRIED, late(Lateness.TRIED + 100));
    }
}
