package io.bucatini.connect.internal;

import io.bucatini.connect.BucatiniError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Loads the native libraries out of the jar, each once per class loader. The JVM refuses one file in two class loaders, and
 * nobody else may be able to change what is loaded: so each is copied to a new file in a new folder of our own, checked,
 * loaded and deleted.
 *
 * <p>A library that cannot be loaded is no wrong setting and no bad record: {@link BucatiniError}.
 */
final class NativeLibraries {
    /** Where to copy to, instead of {@code java.io.tmpdir}. */
    static final String DIRECTORY_PROPERTY = "bucatini.native.dir";

    private static final Logger LOG = LoggerFactory.getLogger(NativeLibraries.class);
    private static final String PLATFORM = "linux-x86-64";
    private static final FileAttribute<Set<PosixFilePermission>> OWNER_ONLY =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

    private static final Map<Engine, Library> LOADED = new EnumMap<>(Engine.class);

    private NativeLibraries() {}

    /** The library of an engine, loaded by the first call. */
    static Library get(Engine engine) {
        synchronized (LOADED) {
            Library library = LOADED.get(engine);
            if (library == null) {
                load(engine.libraryFile());
                library = engine.newLibrary();
                LOADED.put(engine, library);
            }
            return library;
        }
    }

    private static void load(String file) {
        checkPlatform(System.getProperty("os.name"), System.getProperty("os.arch"));
        Artifact artifact = Artifact.of("native/" + PLATFORM + "/" + file);
        load(artifact, file, Path.of(System.getProperty(DIRECTORY_PROPERTY, System.getProperty("java.io.tmpdir"))));
        LOG.info("Loaded {} (SHA-256 {})", file, artifact.digest());
    }

    static void checkPlatform(String os, String architecture) {
        boolean supported = os.toLowerCase(Locale.ROOT).startsWith("linux")
                && (architecture.equals("amd64") || architecture.equals("x86_64"));
        if (!supported) {
            throw new BucatiniError("native.platform", "there is no native library for " + os + " on " + architecture
                    + ": this plug-in runs on Linux x86-64");
        }
    }

    static void load(Artifact artifact, String file, Path parent) {
        Path folder = null;
        Path copy = null;
        try {
            folder = Files.createTempDirectory(parent, "bucatini-", OWNER_ONLY);
            copy = folder.resolve(file);
            Files.createFile(copy, OWNER_ONLY);
            Files.write(copy, artifact.bytes(), StandardOpenOption.WRITE);
            if (!Artifact.digest(Files.readAllBytes(copy)).equals(artifact.digest())) {
                throw new BucatiniError("native.copy", "what was written to " + copy + " reads differently; is the disk full?");
            }
            System.load(copy.toAbsolutePath().toString());
        } catch (IOException | UnsupportedOperationException e) {
            throw new BucatiniError("native.copy", "cannot copy the native library " + file + " to " + parent + ": " + e
                    + "; name a writable folder with -D" + DIRECTORY_PROPERTY + "=...", e);
        } catch (UnsatisfiedLinkError e) {
            throw new BucatiniError("native.load", "cannot load the native library " + file + " from " + copy.getParent()
                    + ": " + e.getMessage() + "; " + remedy(e.getMessage(), Path.of("/lib")), e);
        } finally {
            delete(copy);
            delete(folder);
        }
    }

    /** What to do about a refusal of the dynamic linker, whose words it goes by. */
    static String remedy(String message, Path lib) {
        String text = message == null ? "" : message;
        if (Files.exists(lib.resolve("ld-musl-x86_64.so.1"))) {
            return "this system has musl (Alpine), the library needs glibc: use an image with glibc";
        }
        if (text.contains("failed to map segment") || text.contains("Operation not permitted")) {
            return "the folder seems to be mounted noexec: name another one with -D" + DIRECTORY_PROPERTY + "=...";
        }
        if (text.contains("GLIBC_")) {
            return "the library needs a newer glibc than this system has";
        }
        return "if the folder does not allow execution, name another one with -D" + DIRECTORY_PROPERTY + "=...";
    }

    /** On Linux a loaded file may go: its pages stay. */
    private static void delete(Path path) {
        if (path == null) {
            return;
        }
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            LOG.warn("Cannot delete {}: {}", path, e.toString());
        }
    }
}
