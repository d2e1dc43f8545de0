package io.bucatini.connect.internal;

import org.apache.kafka.connect.data.Struct;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Counts how the envelopes came. Refers to no plug-in. */
final class EnvelopeMetrics implements EnvelopeMXBean {
    private static final Logger LOG = LoggerFactory.getLogger(EnvelopeMetrics.class);

    private final JmxName name;
    private long unread;
    private long read;
    private long ofAnotherLoader;

    EnvelopeMetrics(String plugin) {
        name = new JmxName("type=envelopes,plugin=" + plugin);
    }

    /** Whether it is an envelope of ours that nobody had looked into. */
    boolean sees(Object value) {
        // Most often asked of these, and the answer is known to what follows.
        if (value != null && value.getClass() == Struct.class) {
            counted();
        } else if (value instanceof LazyStruct && ((LazyStruct) value).pending() != null) {
            if (unread++ == 0) {
                name.show(this);
            }
            return true;
        } else if (value instanceof Struct) {
            complete(value);
        }
        return false;
    }

    private void counted() {
        if (read++ == 0) {
            name.show(this);
        }
    }

    private void complete(Object value) {
        counted();
        Class<?> type = value.getClass();
        if (type != LazyStruct.class && type.getName().equals(LazyStruct.class.getName())
                && ofAnotherLoader++ == 0) {
            LOG.warn("The converter is of {}, this transformation of {}: its rows take the longer way. They meet when both are "
                    + "of one folder and of one level, worker or connector",
                    type.getClassLoader(), LazyStruct.class.getClassLoader());
        }
    }

    /** Takes the metrics out of JMX. */
    void end() {
        name.end();
    }

    @Override
    public long getUnread() {
        return unread;
    }

    @Override
    public long getRead() {
        return read;
    }

    @Override
    public long getOfAnotherLoader() {
        return ofAnotherLoader;
    }
}
