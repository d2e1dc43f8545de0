package io.bucatini.connect.internal;

import java.lang.management.ManagementFactory;
import java.util.concurrent.atomic.AtomicLong;
import javax.management.InstanceAlreadyExistsException;
import javax.management.JMException;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Under which name something shows itself to JMX, from {@link #show} to {@link #end}. */
final class JmxName {
    private static final Logger LOG = LoggerFactory.getLogger(JmxName.class);
    private static final AtomicLong NUMBERS = new AtomicLong();

    private final String properties;
    /** Null until it is shown and after the end. */
    private ObjectName name;
    private boolean ended;

    /** @param properties {@code type=...,plugin=...}; an id is added */
    JmxName(String properties) {
        this.properties = properties;
    }

    /** Once; nothing after the end. */
    synchronized void show(Object bean) {
        if (name != null || ended) {
            return;
        }
        MBeanServer server = ManagementFactory.getPlatformMBeanServer();
        while (name == null) {
            try {
                ObjectName free = new ObjectName("io.bucatini:" + properties + ",id=" + NUMBERS.incrementAndGet());
                server.registerMBean(bean, free);
                name = free;
            } catch (InstanceAlreadyExistsException e) {
                // Another class loader counts too.
            } catch (JMException | SecurityException e) {
                LOG.warn("No metrics in JMX: {}", properties, e);
                ended = true;
                return;
            }
        }
    }

    synchronized void end() {
        ended = true;
        if (name == null) {
            return;
        }
        try {
            ManagementFactory.getPlatformMBeanServer().unregisterMBean(name);
        } catch (JMException | SecurityException e) {
            LOG.debug("{} was not in JMX", name, e);
        }
        name = null;
    }
}
