package io.bucatini.connect.internal;

import io.bucatini.connect.BucatiniError;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.function.Predicate;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigException;

/**
 * ConfigDefs out of the resources that are generated from the cores' declarations ({@code ConfigDef::to_java_properties}):
 * {@code N.attribute=value}, N counting from 0.
 */
final class ConfigDefs {
    private ConfigDefs() {}

    /** The ConfigDef of a plug-in. */
    static ConfigDef of(PluginKind kind) {
        return read(declaration(kind));
    }

    /** What is to be said about a configuration that leaves something open; null for nothing. */
    static String notice(PluginKind kind, Map<String, ?> configs) {
        Properties declaration = declaration(kind);
        String unless = declaration.getProperty("notice.unless");
        return unless == null || Arrays.stream(unless.split(",")).anyMatch(key -> configs.get(key) != null)
                ? null : declaration.getProperty("notice.text");
    }

    private static Properties declaration(PluginKind kind) {
        return Resources.properties("io/bucatini/connect/" + kind.config() + ".configdef.properties");
    }

    static ConfigDef read(Properties declaration) {
        ConfigDef def = new ConfigDef();
        for (int n = 0; declaration.containsKey(n + ".name"); n++) {
            Key key = new Key(declaration, n);
            ConfigDef.Type type = ConfigDef.Type.valueOf(key.get("type"));
            ConfigDef.Importance importance = ConfigDef.Importance.valueOf(key.get("importance"));
            def.define(key.get("name"), type, key.defaultValue(), key.validator(), importance, key.get("doc"),
                    key.get("group"), n, ConfigDef.Width.MEDIUM, key.get("display"), key.recommender());
        }
        return def;
    }

    private static final class Key {
        private final Properties declaration;
        private final String prefix;

        Key(Properties declaration, int n) {
            this.declaration = declaration;
            this.prefix = n + ".";
        }

        private String find(String attribute) {
            return declaration.getProperty(prefix + attribute);
        }

        String get(String attribute) {
            String value = find(attribute);
            if (value == null) {
                throw new BucatiniError("config-def.malformed", "generated ConfigDef: key " + prefix + "name="
                        + find("name") + " has no " + attribute);
            }
            return value;
        }

        /** Null if there is neither a default nor a demand for a value. */
        Object defaultValue() {
            return "true".equals(find("required")) ? ConfigDef.NO_DEFAULT_VALUE : find("default");
        }

        /** Gives Connect's validation the valid values, so that a form can offer them; null if any value goes. */
        ConfigDef.Recommender recommender() {
            String values = find("one-of") != null ? find("one-of") : find("one-of-ignoring-case");
            return values == null ? null : new Choice(Arrays.asList((Object[]) values.split(",")));
        }

        ConfigDef.Validator validator() {
            if ("non-empty".equals(find("validator"))) {
                return new Check("not empty", value -> !value.trim().isEmpty());
            }
            String values = find("one-of");
            if (values != null) {
                List<String> allowed = Arrays.asList(values.split(","));
                return new Check("one of " + values, value -> allowed.contains(value.trim()));
            }
            values = find("one-of-ignoring-case");
            if (values != null) {
                List<String> allowed = Arrays.asList(values.toLowerCase(Locale.ROOT).split(","));
                return new Check("one of " + values + ", in any case",
                        value -> allowed.contains(value.trim().toLowerCase(Locale.ROOT)));
            }
            String least = find("at-least");
            if (least != null) {
                long bound = Long.parseLong(least);
                return new Check("at least " + least, value -> Long.parseLong(value) >= bound);
            }
            return null;
        }
    }

    private static final class Choice implements ConfigDef.Recommender {
        private final List<Object> values;

        Choice(List<Object> values) {
            this.values = values;
        }

        @Override
        public List<Object> validValues(String name, Map<String, Object> parsed) {
            return values;
        }

        @Override
        public boolean visible(String name, Map<String, Object> parsed) {
            return true;
        }
    }

    /** A null is what was not set: whether it must be is the default's affair. */
    private static final class Check implements ConfigDef.Validator {
        private final String expected;
        private final Predicate<String> valid;

        Check(String expected, Predicate<String> valid) {
            this.expected = expected;
            this.valid = valid;
        }

        @Override
        public void ensureValid(String name, Object value) {
            if (value != null && !valid.test(value.toString())) {
                throw new ConfigException(name, value, "expected " + expected);
            }
        }

        @Override
        public String toString() {
            return expected;
        }
    }
}
