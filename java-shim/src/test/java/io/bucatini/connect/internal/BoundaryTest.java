package io.bucatini.connect.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The shape of the shim: what crosses the boundary, where native methods are, and what Java must not know. */
class BoundaryTest {
    private static final Path SOURCES = Path.of("src/main/java");

    private static List<Path> sources() throws IOException {
        try (Stream<Path> files = Files.walk(SOURCES)) {
            return files.filter(file -> file.toString().endsWith(".java")).collect(Collectors.toList());
        }
    }

    @Test
    void nativeMethodsHavePrimitiveParametersOnly() {
        for (Class<?> library : List.of(CoreLibrary.class, WasmLibrary.class)) {
            int natives = 0;
            for (Method method : library.getDeclaredMethods()) {
                assertTrue(Modifier.isNative(method.getModifiers()), method + " is not native");
                natives++;
                // Called once for each buffer, never per record.
                if (method.getName().equals("address")) {
                    assertEquals(List.of(ByteBuffer.class), Arrays.asList(method.getParameterTypes()));
                    continue;
                }
                assertTrue(method.getReturnType().isPrimitive(), method.toString());
                for (Class<?> parameter : method.getParameterTypes()) {
                    assertTrue(parameter.isPrimitive(), method.toString());
                }
            }
            assertEquals(12, natives);
        }
    }

    @Test
    void onlyTheTwoLibrariesHaveNativeMethods() throws IOException {
        Set<String> found = new TreeSet<>();
        for (Path source : sources()) {
            if (Pattern.compile("\\bnative (long|int|void|byte|boolean)\\b").matcher(Files.readString(source)).find()) {
                found.add(source.getFileName().toString());
            }
        }
        assertEquals(Set.of("CoreLibrary.java", "WasmLibrary.java"), found);
    }

    @Test
    void nobodyThrowsARetriableException() throws IOException {
        for (Path source : sources()) {
            String code = Files.readString(source).replaceAll("(?s)/\\*.*?\\*/|//[^\n]*", "");
            assertTrue(!code.contains("RetriableException"), source + ": Connect 3.9 drops the record");
        }
    }
}
