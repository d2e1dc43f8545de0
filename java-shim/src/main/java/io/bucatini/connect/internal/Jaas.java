package io.bucatini.connect.internal;

import java.util.Map;
import javax.security.auth.login.AppConfigurationEntry;
import javax.security.auth.login.Configuration;
import org.apache.kafka.common.config.SaslConfigs;

/**
 * The JVM's login configuration as Kafka's {@code sasl.jaas.config}, for settings that have none of their own: credentials that
 * a registry client inherits from Kafka's ({@code SASL_INHERIT}) are there when {@code java.security.auth.login.config} is set.
 */
final class Jaas {
    /** Section of clients. */
    private static final String SECTION = "KafkaClient";

    private Jaas() {}

    /** Adds the first login module of the JVM's section for Kafka clients, unless there is a setting or no such section. */
    static void inherit(Map<String, String> settings) {
        if (settings.containsKey(SaslConfigs.SASL_JAAS_CONFIG)) {
            return;
        }
        AppConfigurationEntry[] entries;
        try {
            entries = Configuration.getConfiguration().getAppConfigurationEntry(SECTION);
        } catch (SecurityException e) {
            // There is no login configuration.
            return;
        }
        if (entries != null && entries.length > 0) {
            settings.put(SaslConfigs.SASL_JAAS_CONFIG, line(entries[0]));
        }
    }

    private static String line(AppConfigurationEntry entry) {
        StringBuilder line = new StringBuilder(entry.getLoginModuleName()).append(" required");
        entry.getOptions().forEach((name, value) -> {
            String text = String.valueOf(value).replace("\\", "\\\\").replace("\"", "\\\"");
            line.append(' ').append(name).append("=\"").append(text).append('"');
        });
        return line.append(';').toString();
    }
}
