package io.bucatini.connect.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;

import java.lang.management.ManagementFactory;
import java.lang.reflect.AccessibleObject;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.HashSet;
import java.util.Set;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.junit.jupiter.api.Test;

class EnvelopeMetricsTest {
    private static final MBeanServer SERVER = ManagementFactory.getPlatformMBeanServer();
    private static final Schema ENVELOPE = SchemaBuilder.struct().name("shop.Envelope").field("op", Schema.STRING_SCHEMA).build();
    private static final byte[] NO_INPUT = {};

    private static Set<ObjectName> names() throws Exception {
        return new HashSet<>(SERVER.queryNames(new ObjectName("io.bucatini:type=envelopes,*"), null));
    }

    private static byte[] image() {
        WireWriter out = new WireWriter(64);
        new RowImageWriter(StructAccess.BEST).write(RowImagePlan.of(ENVELOPE), new Struct(ENVELOPE).put("op", "u"), out);
        return out.toBytes();
    }

    private static <T extends AccessibleObject> T open(T member) {
        member.setAccessible(true);
        return member;
    }

    /** As a second plug-in folder would make it. */
    private static Object ofAnotherLoader() throws Exception {
        URL classes = LazyStruct.class.getProtectionDomain().getCodeSource().getLocation();
        ClassLoader other = new URLClassLoader(new URL[] {classes}, LazyStruct.class.getClassLoader()) {
            @Override
            protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
                if (!name.startsWith("io.bucatini.")) {
                    return super.loadClass(name, resolve);
                }
                synchronized (getClassLoadingLock(name)) {
                    Class<?> known = findLoadedClass(name);
                    return known != null ? known : findClass(name);
                }
            }
        };
        String prefix = LazyStruct.class.getPackageName() + ".";
        Class<?> access = other.loadClass(prefix + "StructAccess");
        Class<?> plan = other.loadClass(prefix + "RowImagePlan");
        Field best = open(access.getDeclaredField("BEST"));
        Constructor<?> reader = open(other.loadClass(prefix + "RowImageReader").getDeclaredConstructor(access));
        Method of = open(plan.getDeclaredMethod("of", Schema.class));
        Method readLazily = open(reader.getDeclaringClass().getDeclaredMethod("readLazily", plan, byte[].class, byte[].class));
        return readLazily.invoke(reader.newInstance(best.get(null)), of.invoke(null, ENVELOPE), image(), NO_INPUT);
    }

    @Test
    void jmxTellsHowEnvelopesCome() throws Exception {
        Set<ObjectName> before = names();
        EnvelopeMetrics metrics = new EnvelopeMetrics("Test");
        metrics.sees(null);
        metrics.sees("no envelope");
        assertEquals(before, names(), "nothing to be said yet");
        RowImageReader reader = new RowImageReader(StructAccess.BEST);
        Struct lazy = (Struct) reader.readLazily(RowImagePlan.of(ENVELOPE), image(), NO_INPUT);
        metrics.sees(lazy);
        assertEquals("u", lazy.get("op"));
        metrics.sees(lazy);
        metrics.sees(new Struct(ENVELOPE));
        Object foreign = ofAnotherLoader();
        assertEquals(LazyStruct.class.getName(), foreign.getClass().getName());
        assertNotSame(LazyStruct.class, foreign.getClass());
        metrics.sees(foreign);

        Set<ObjectName> now = names();
        now.removeAll(before);
        assertEquals(1, now.size());
        ObjectName name = now.iterator().next();
        assertEquals("Test", name.getKeyProperty("plugin"));
        assertEquals(1L, SERVER.getAttribute(name, "Unread"));
        assertEquals(3L, SERVER.getAttribute(name, "Read"));
        assertEquals(1L, SERVER.getAttribute(name, "OfAnotherLoader"));
        metrics.end();
        assertEquals(before, names());
    }
}
