package io.bucatini.connect.internal;

import java.net.URI;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAccumulator;
import java.util.concurrent.atomic.LongAdder;

/** Counts what a plug-in asks of its registry, and shows it to JMX once it has asked something. Refers to no plug-in. */
final class RegistryMetrics implements RegistryClientMXBean {
    private static final double NANOS_PER_MILLI = 1e6;

    private final JmxName name;
    /** Of those who are alone: one at a time writes it, without a locked instruction. */
    private final AtomicLong conversionsAlone = new AtomicLong();
    private final LongAdder conversions = new LongAdder();
    private final LongAdder conversionsThatAsked = new LongAdder();
    private final LongAdder requests = new LongAdder();
    private final LongAdder retries = new LongAdder();
    private final LongAdder unanswered = new LongAdder();
    private final LongAdder throttled = new LongAdder();
    private final LongAdder serverErrors = new LongAdder();
    private final LongAdder refusals = new LongAdder();
    private final LongAdder requestNanos = new LongAdder();
    private final LongAccumulator longestNanos = new LongAccumulator(Math::max, 0);
    private final LongAdder waitMillis = new LongAdder();
    private volatile String lastHost = "";
    private volatile String lastThread = "";

    RegistryMetrics(String plugin, boolean isKey) {
        this.name = new JmxName("type=registry-client,plugin=" + plugin + ",side=" + (isKey ? "key" : "value"));
    }

    /** @param alone whether no other call can be alone at the same time */
    void converting(boolean alone) {
        if (alone) {
            conversionsAlone.lazySet(conversionsAlone.getPlain() + 1);
        } else {
            conversions.increment();
        }
    }

    void asking() {
        conversionsThatAsked.increment();
        lastThread = Thread.currentThread().getName();
        name.show(this);
    }

    void waited(long millis) {
        waitMillis.add(millis);
    }

    void repeating() {
        retries.increment();
    }

    void answered(URI asked, int status, long nanos) {
        lastHost = String.valueOf(asked.getAuthority());
        requests.increment();
        requestNanos.add(nanos);
        longestNanos.accumulate(nanos);
        if (status == 0) {
            unanswered.increment();
        } else if (status == 429) {
            throttled.increment();
        } else if (status >= 500) {
            serverErrors.increment();
        } else if (status >= 400) {
            refusals.increment();
        }
    }

    /** Takes the metrics out of JMX. */
    void end() {
        name.end();
    }

    @Override
    public String getLastHost() {
        return lastHost;
    }

    @Override
    public String getLastThread() {
        return lastThread;
    }

    @Override
    public long getConversions() {
        return conversionsAlone.get() + conversions.sum();
    }

    @Override
    public long getConversionsThatAsked() {
        return conversionsThatAsked.sum();
    }

    @Override
    public double getCacheHitRatio() {
        long all = getConversions();
        return all == 0 ? 0 : Math.max(0, all - conversionsThatAsked.sum()) / (double) all;
    }

    @Override
    public long getRequests() {
        return requests.sum();
    }

    @Override
    public long getRetries() {
        return retries.sum();
    }

    @Override
    public long getUnanswered() {
        return unanswered.sum();
    }

    @Override
    public long getThrottled() {
        return throttled.sum();
    }

    @Override
    public long getServerErrors() {
        return serverErrors.sum();
    }

    @Override
    public long getRefusals() {
        return refusals.sum();
    }

    @Override
    public long getRequestTimeTotal() {
        return Math.round(requestNanos.sum() / NANOS_PER_MILLI);
    }

    @Override
    public double getRequestTimeAverage() {
        long count = requests.sum();
        return count == 0 ? 0 : requestNanos.sum() / NANOS_PER_MILLI / count;
    }

    @Override
    public long getRequestTimeMax() {
        return Math.round(longestNanos.get() / NANOS_PER_MILLI);
    }

    @Override
    public long getWaitTimeTotal() {
        return waitMillis.sum();
    }
}
