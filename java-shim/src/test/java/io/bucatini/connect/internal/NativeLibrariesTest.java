package io.bucatini.connect.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.bucatini.connect.BucatiniError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativeLibrariesTest {
    @TempDir
    Path folder;

    private static Artifact artifact(byte[] bytes) {
        Properties digests = new Properties();
        digests.setProperty("native/x.so", Artifact.digest(bytes));
        return Artifact.of("native/x.so", bytes, digests);
    }

    /** Any shared library will do: the JDK has some without dependencies on others of its own. */
    private static byte[] someLibrary() throws IOException {
        return Files.readAllBytes(Path.of(System.getProperty("java.home"), "lib", "libjimage.so"));
    }

    /** What the linker refuses: a library for another machine. */
    private static byte[] brokenLibrary() throws IOException {
        byte[] library = someLibrary();
        library[18] = (byte) 0xB7;
        return library;
    }

    private List<String> left() throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(file -> !file.equals(folder)).map(Path::toString).collect(Collectors.toList());
        }
    }

    @Test
    void aLibraryIsCopiedLoadedAndDeleted() throws IOException {
        Artifact artifact = artifact(someLibrary());
        NativeLibraries.load(artifact, "libx.so", folder);
        // A second copy, as another class loader would make it, is another file.
        NativeLibraries.load(artifact, "libx.so", folder);
        assertEquals(List.of(), left());
    }

    @Test
    void theCopyIsTheOwnersOnly() throws Exception {
        AtomicReference<String> seen = new AtomicReference<>("");
        byte[] broken = brokenLibrary();
        Thread watcher = new Thread(() -> {
            while (!Thread.currentThread().isInterrupted()) {
                try (Stream<Path> files = Files.walk(folder)) {
                    files.filter(file -> !file.equals(folder)).forEach(file -> {
                        try {
                            seen.set(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
                        } catch (IOException e) {
                            // It has gone already.
                        }
                    });
                } catch (IOException | java.io.UncheckedIOException e) {
                    // It has gone already.
                }
            }
        });
        watcher.start();
        for (int i = 0; i < 200 && seen.get().isEmpty(); i++) {
            assertThrows(BucatiniError.class, () -> NativeLibraries.load(artifact(broken), "libx.so", folder));
        }
        watcher.interrupt();
        watcher.join();
        assertEquals("rwx------", seen.get());
    }

    @Test
    void whatCannotBeLoadedIsNoException() throws IOException {
        byte[] broken = brokenLibrary();
        BucatiniError error =
                assertThrows(BucatiniError.class, () -> NativeLibraries.load(artifact(broken), "libx.so", folder));
        assertEquals("native.load", error.code());
        assertTrue(error.getMessage().contains("libx.so") && error.getMessage().contains("-Dbucatini.native.dir="),
                error.getMessage());
        assertEquals(List.of(), left());
    }

    @Test
    void aFolderThatCannotBeWrittenNamesTheProperty() {
        BucatiniError error = assertThrows(BucatiniError.class,
                () -> NativeLibraries.load(artifact(someLibrary()), "libx.so", folder.resolve("missing")));
        assertEquals("native.copy", error.code());
        assertTrue(error.getMessage().contains("-Dbucatini.native.dir="), error.getMessage());
    }

    @Test
    void otherPlatformsAreNamed() {
        NativeLibraries.checkPlatform("Linux", "amd64");
        for (String[] platform : new String[][] {{"Mac OS X", "aarch64"}, {"Linux", "aarch64"}, {"Windows 11", "amd64"}}) {
            BucatiniError error =
                    assertThrows(BucatiniError.class, () -> NativeLibraries.checkPlatform(platform[0], platform[1]));
            assertEquals("native.platform", error.code());
            assertTrue(error.getMessage().contains(platform[0]) && error.getMessage().contains("Linux x86-64"));
        }
    }

    @Test
    void refusalsOfTheLinkerAreExplained() throws IOException {
        String noexec = "/tmp/x.so: failed to map segment from shared object: Operation not permitted";
        assertTrue(NativeLibraries.remedy(noexec, folder).contains("noexec"));
        assertTrue(NativeLibraries.remedy("version `GLIBC_2.34' not found", folder).contains("newer glibc"));
        assertTrue(NativeLibraries.remedy(null, folder).contains("bucatini.native.dir"));
        Files.createFile(folder.resolve("ld-musl-x86_64.so.1"));
        assertTrue(NativeLibraries.remedy("Error loading shared library ld-linux-x86-64.so.2", folder).contains("musl"));
    }

    @Test
    void damagedOrUnlistedArtifactsAreRefused() {
        byte[] bytes = {1, 2, 3};
        Properties digests = new Properties();
        BucatiniError unlisted =
                assertThrows(BucatiniError.class, () -> Artifact.of("components/x.wasm", bytes, digests));
        assertEquals("artifact.digest", unlisted.code());
        digests.setProperty("components/x.wasm", Artifact.digest(bytes));
        assertEquals("039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81",
                Artifact.of("components/x.wasm", bytes, digests).digest());
        for (int bit = 0; bit < 24; bit++) {
            byte[] flipped = bytes.clone();
            flipped[bit / 8] ^= (byte) (1 << bit % 8);
            BucatiniError damaged =
                    assertThrows(BucatiniError.class, () -> Artifact.of("components/x.wasm", flipped, digests));
            assertTrue(damaged.getMessage().contains("components/x.wasm"));
        }
    }

    @Test
    void aMissingResourceSaysWhatToDo() {
        BucatiniError error = assertThrows(BucatiniError.class, () -> Artifact.of("components/none.wasm"));
        assertEquals("resource.missing", error.code());
        assertTrue(error.getMessage().contains("components/none.wasm"));
    }
}
