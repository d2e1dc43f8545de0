package io.bucatini.connect.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.bucatini.connect.BucatiniError;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.config.types.Password;
import org.junit.jupiter.api.Test;

class ConfigDefsTest {
    private final ConfigDef def = ConfigDefs.read(Resources.properties("io/bucatini/connect/test.configdef.properties"));

    private Map<String, Object> parse(String... namesAndValues) {
        Map<String, String> settings = new HashMap<>(Map.of("needed", "x"));
        for (int i = 0; i < namesAndValues.length; i += 2) {
            settings.put(namesAndValues[i], namesAndValues[i + 1]);
        }
        return def.parse(settings);
    }

    @Test
    void attributesArriveInConnect() {
        ConfigDef.ConfigKey key = def.configKeys().get("mode");
        assertEquals(ConfigDef.Type.STRING, key.type());
        assertEquals(ConfigDef.Importance.MEDIUM, key.importance);
        assertEquals("Wählt, was \\ geschieht.\nZweite Zeile.", key.documentation);
        assertEquals("Deletes", key.group);
        assertEquals("Mode", key.displayName);
        assertEquals(List.of("needed", "mode", "exact", "count", "names", "secret", "flag", "prefix", "clazz", "big", "filled"),
                List.copyOf(def.configKeys().values()).stream().sorted((a, b) -> a.orderInGroup - b.orderInGroup)
                        .map(k -> k.name).toList());
    }

    @Test
    void defaultsAreParsedAndMayBeNull() {
        Map<String, Object> parsed = parse();
        assertEquals("drop", parsed.get("mode"));
        assertNull(parsed.get("exact"));
        assertEquals(3, parsed.get("count"));
        assertEquals(List.of(), parsed.get("names"));
        assertEquals(new Password("p"), parsed.get("secret"));
        assertEquals(true, parsed.get("flag"));
        assertEquals("", parsed.get("prefix"));
        assertEquals(ConfigDefsTest.class, parse("clazz", ConfigDefsTest.class.getName()).get("clazz"));
        assertEquals(5_000_000_000L, parsed.get("big"));
    }

    @Test
    void aRequiredKeyMustBeThere() {
        assertTrue(assertThrows(ConfigException.class, () -> def.parse(Map.of())).getMessage().contains("needed"));
    }

    @Test
    void validatorsDoAsTheCoreDoes() {
        assertEquals(" Rewrite ".trim(), parse("mode", " Rewrite ").get("mode"));
        refused("mode", "other", "one of drop,rewrite, in any case");
        assertEquals("A", parse("exact", "A").get("exact"));
        refused("exact", "a", "one of A,B");
        assertEquals(1, parse("count", "1").get("count"));
        refused("count", "0", "at least 1");
        refused("filled", "  ", "not empty");
        assertThrows(ConfigException.class, () -> parse("flag", "perhaps"));
    }

    private void refused(String name, String value, String expected) {
        String message = assertThrows(ConfigException.class, () -> parse(name, value)).getMessage();
        assertTrue(message.contains(name) && message.contains(expected), message);
    }

    @Test
    void theDocumentationCanBePrinted() {
        String table = def.toHtml();
        assertTrue(table.contains("one of A,B") && table.contains("at least 1"));
    }

    @Test
    void theGeneratedDeclarationsAreWhatConnectWants() {
        for (PluginKind kind : PluginKind.values()) {
            ConfigDef generated = ConfigDefs.of(kind);
            assertTrue(generated.names().size() > 3, kind + ": " + generated.names());
            ConfigDef.ConfigKey engine = generated.configKeys().get("engine");
            assertEquals(Engine.NATIVE, Engine.of(Map.of("engine", engine.defaultValue.toString())));
            engine.validator.ensureValid("engine", "wasm");
            assertThrows(ConfigException.class, () -> engine.validator.ensureValid("engine", "java"));
            // As Connect validates a connector: every error is in a value, none is thrown.
            generated.validate(Map.of()).forEach(value -> assertTrue(
                    value.errorMessages().isEmpty() || generated.configKeys().get(value.name()).defaultValue
                            == ConfigDef.NO_DEFAULT_VALUE, value.name() + ": " + value.errorMessages()));
            // Connect's own names for a transformation.
            for (String reserved : List.of("type", "predicate", "negate")) {
                assertTrue(!generated.names().contains(reserved), reserved);
            }
        }
    }

    @Test
    void aMalformedDeclarationIsNoSettingsFault() {
        Properties broken = new Properties();
        broken.setProperty("0.name", "x");
        assertThrows(BucatiniError.class, () -> ConfigDefs.read(broken));
    }

    @Test
    void settingsBecomeTheTextThatAUserWouldWrite() {
        Map<String, Object> configs = new HashMap<>();
        configs.put("a", "text");
        configs.put("b", 5);
        configs.put("c", new Password("secret"));
        configs.put("d", List.of("x", "y"));
        configs.put("e", String.class);
        configs.put("f", null);
        assertEquals(Map.of("a", "text", "b", "5", "c", "secret", "d", "x,y", "e", "java.lang.String"), Settings.of(configs));
    }

    @Test
    void whatASettingLeavesOpenIsSaid() {
        String said = ConfigDefs.notice(PluginKind.EXTRACT_NEW_RECORD_STATE, Map.of("add.fields", "op"));
        assertTrue(said.contains("tombstones"), said);
        assertNull(ConfigDefs.notice(PluginKind.EXTRACT_NEW_RECORD_STATE, Map.of("generation", "auto")));
        assertNull(ConfigDefs.notice(PluginKind.EXTRACT_NEW_RECORD_STATE, Map.of("drop.tombstones", false)));
        assertNull(ConfigDefs.notice(PluginKind.AVRO_CONVERTER, Map.of()));
    }

    @Test
    void theEngineIsSelectedByTheSettings() {
        assertEquals(Engine.NATIVE, Engine.of(Map.of()));
        assertEquals(Engine.NATIVE, Engine.of(Map.of("engine", " native ")));
        assertEquals(Engine.WASM, Engine.of(Map.of("engine", "wasm")));
        assertThrows(ConfigException.class, () -> Engine.of(Map.of("engine", "java")));
    }
}
