package io.bucatini.connect;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.utils.AppInfoParser;
import org.apache.kafka.connect.runtime.isolation.Plugins;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.storage.Converter;
import org.apache.kafka.connect.transforms.Transformation;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Connect finds the plug-ins, and asks for versions, without any native library. */
class PluginScanningTest {
    @TempDir
    Path folder;

    /** The classes as a jar, with everything but libraries and components. */
    private Path pluginPath() throws IOException {
        Path plugin = Files.createDirectories(folder.resolve("plugins/bucatini-connect"));
        Path classes = Path.of("target/classes");
        try (JarOutputStream jar = new JarOutputStream(Files.newOutputStream(plugin.resolve("bucatini-connect.jar")));
                Stream<Path> files = Files.walk(classes)) {
            for (Path file : files.filter(Files::isRegularFile).collect(Collectors.toList())) {
                String name = classes.relativize(file).toString();
                if (!name.startsWith("native/") && !name.startsWith("components/")) {
                    jar.putNextEntry(new JarEntry(name));
                    Files.copy(file, jar);
                }
            }
        }
        return plugin.getParent();
    }

    @Test
    void servicesNameEveryPublicPlugin() {
        Set<String> converters = ServiceLoader.load(Converter.class).stream().map(p -> p.type().getSimpleName())
                .filter(name -> name.startsWith("Bucatini")).collect(Collectors.toSet());
        assertEquals(Set.of("BucatiniAvroConverter", "BucatiniWal2JsonConverter"), converters);
        @SuppressWarnings("rawtypes")
        Set<String> transformations = ServiceLoader.load(Transformation.class).stream().map(p -> p.type().getSimpleName())
                .filter(name -> name.startsWith("Bucatini")).collect(Collectors.toSet());
        assertEquals(Set.of("BucatiniExtractNewRecordState"), transformations);
    }

    @Test
    void connectScansThem() throws Exception {
        Map<String, String> props = new HashMap<>();
        props.put("plugin.path", pluginPath().toString());
        Plugins plugins = new Plugins(props);
        Map<String, String> versions = new HashMap<>();
        plugins.converters().forEach(plugin -> versions.put(plugin.className(), plugin.version()));
        transformations(plugins).forEach(plugin -> versions.put(plugin.className(), plugin.version()));
        versions.keySet().removeIf(name -> !name.startsWith("io.bucatini.connect.Bucatini"));
        assertEquals(Set.of("io.bucatini.connect.BucatiniAvroConverter", "io.bucatini.connect.BucatiniWal2JsonConverter",
                "io.bucatini.connect.BucatiniExtractNewRecordState"), versions.keySet());
        // Connect 2.8 asks connectors only.
        String known = AppInfoParser.getVersion().startsWith("2.") ? "undefined" : "0.1.0";
        assertEquals(Set.of(known), Set.copyOf(versions.values()));
    }

    @Test
    void versionAndSettingsNeedNoLibrary() {
        assertEquals("0.1.0", new BucatiniAvroConverter().version());
        assertEquals("0.1.0", new BucatiniWal2JsonConverter().version());
        assertEquals("0.1.0", new BucatiniExtractNewRecordState<SourceRecord>().version());
        assertTrue(new BucatiniAvroConverter().config().names().contains("engine"));
        assertTrue(new BucatiniExtractNewRecordState<SourceRecord>().config().names().contains("engine"));
    }

    /** The method has another name since Connect 3. */
    @SuppressWarnings("unchecked")
    private static java.util.Collection<? extends org.apache.kafka.connect.runtime.isolation.PluginDesc<?>> transformations(
            Plugins plugins) throws ReflectiveOperationException {
        return (java.util.Collection<? extends org.apache.kafka.connect.runtime.isolation.PluginDesc<?>>)
                Plugins.class.getMethod("transformations").invoke(plugins);
    }

    @Test
    void withoutLibrariesConfigureSaysWhatIsMissing() throws Exception {
        URL jar = pluginPath().resolve("bucatini-connect/bucatini-connect.jar").toUri().toURL();
        try (URLClassLoader loader = new ChildFirst(jar)) {
            Converter converter = (Converter) loader.loadClass("io.bucatini.connect.BucatiniAvroConverter")
                    .getConstructor().newInstance();
            Error error = assertThrows(Error.class, () -> converter.configure(Map.of(), false));
            assertEquals("io.bucatini.connect.BucatiniError", error.getClass().getName());
            assertTrue(error.getMessage().contains("native/linux-x86-64/libbucatini.so"), error.getMessage());
            assertThrows(ConfigException.class, () -> converter.configure(Map.of("engine", "none"), false));
            @SuppressWarnings("unchecked")
            Transformation<SourceRecord> transformation = (Transformation<SourceRecord>)
                    loader.loadClass("io.bucatini.connect.BucatiniExtractNewRecordState").getConstructor().newInstance();
            assertThrows(Error.class, () -> transformation.configure(Map.of()));
            transformation.close();
        }
    }
}
