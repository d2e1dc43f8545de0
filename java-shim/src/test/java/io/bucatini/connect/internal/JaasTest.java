package io.bucatini.connect.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.bucatini.connect.BucatiniAvroConverter;
import io.bucatini.connect.BucatiniError;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import javax.security.auth.login.AppConfigurationEntry;
import javax.security.auth.login.Configuration;
import org.apache.kafka.common.config.ConfigException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Credentials that the registry's client inherits from Kafka's. */
class JaasTest {
    private Configuration before;

    @BeforeEach
    void remember() {
        try {
            before = Configuration.getConfiguration();
        } catch (SecurityException e) {
            before = null;
        }
    }

    @AfterEach
    void restore() {
        Configuration.setConfiguration(before);
    }

    private static void login(Map<String, String> options) {
        Configuration.setConfiguration(new Configuration() {
            @Override
            public AppConfigurationEntry[] getAppConfigurationEntry(String section) {
                return !section.equals("KafkaClient") || options == null ? null : new AppConfigurationEntry[] {
                    new AppConfigurationEntry("org.apache.kafka.common.security.plain.PlainLoginModule",
                            AppConfigurationEntry.LoginModuleControlFlag.REQUIRED, options)};
            }
        });
    }

    /** The Authorization header of a converter that inherits. */
    private static String sent(Map<String, String> more) throws Exception {
        assumeFalse(Boolean.getBoolean("bucatini.artifacts.absent"), "built without native libraries");
        AtomicReference<String> seen = new AtomicReference<>();
        try (TestRegistry registry = new TestRegistry()) {
            registry.fault = exchange -> {
                seen.set(exchange.getRequestHeaders().getFirst("Authorization"));
                exchange.sendResponseHeaders(401, -1);
                exchange.close();
            };
            Map<String, String> config = new HashMap<>(more);
            config.put("schema.registry.url", registry.url());
            config.put("basic.auth.credentials.source", "SASL_INHERIT");
            BucatiniAvroConverter converter = new BucatiniAvroConverter();
            converter.configure(config, false);
            assertThrows(BucatiniError.class, () -> converter.toConnectData("t", new byte[] {0, 0, 0, 0, 1}));
        }
        return new String(Base64.getDecoder().decode(seen.get().substring("Basic ".length())), StandardCharsets.UTF_8);
    }

    @Test
    void theJvmsLoginIsInherited() throws Exception {
        login(Map.of("username", "al dente", "password", "p\"a\\s:s;"));
        assertEquals("al dente:p\"a\\s:s;", sent(Map.of()));
    }

    @Test
    void theConvertersOwnSettingGoesFirst() throws Exception {
        login(Map.of("username", "other", "password", "other"));
        assertEquals("u:p", sent(Map.of("sasl.jaas.config", "x.PlainLoginModule required username=\"u\" password=\"p\";")));
    }

    @Test
    void withoutLoginThereIsNothingToInherit() {
        login(null);
        ConfigException refused = assertThrows(ConfigException.class, () -> sent(Map.of()));
        assertTrue(refused.getMessage().contains("sasl.jaas.config"), refused.getMessage());
    }
}
