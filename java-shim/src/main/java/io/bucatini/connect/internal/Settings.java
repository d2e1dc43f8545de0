package io.bucatini.connect.internal;

import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.common.config.types.Password;

/** What a user set, as text: Connect hands strings, tests and embedders sometimes parsed values. */
final class Settings {
    private Settings() {}

    static Map<String, String> of(Map<String, ?> configs) {
        Map<String, String> settings = new TreeMap<>();
        configs.forEach((name, value) -> {
            if (value != null) {
                settings.put(name, text(value));
            }
        });
        return settings;
    }

    private static String text(Object value) {
        if (value instanceof Password) {
            return ((Password) value).value();
        }
        if (value instanceof Class) {
            return ((Class<?>) value).getName();
        }
        if (value instanceof Collection) {
            StringBuilder list = new StringBuilder();
            for (Object item : (Collection<?>) value) {
                list.append(list.length() == 0 ? "" : ",").append(item);
            }
            return list.toString();
        }
        return value.toString();
    }

    /** The form in which they cross the boundary: count, names and values. */
    static void write(Map<String, String> settings, WireWriter out) {
        out.u32(settings.size());
        settings.forEach((name, value) -> {
            out.str(name);
            out.str(value);
        });
    }
}
