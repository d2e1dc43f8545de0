package io.bucatini.bench;

import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** A plug-in's own classes first, as in Connect: several generations of one class live in one JVM. */
final class PluginLoader extends URLClassLoader {
    private static final List<String> SHARED = List.of(
            "java.", "javax.", "jdk.", "sun.", "com.sun.", "org.slf4j.", "org.apache.kafka.common.",
            "org.apache.kafka.connect.data.", "org.apache.kafka.connect.header.", "org.apache.kafka.connect.errors.",
            "org.apache.kafka.connect.storage.", "org.apache.kafka.connect.transforms.Transformation",
            "org.apache.kafka.connect.transforms.predicates.Predicate", "org.apache.kafka.connect.components.",
            "org.apache.kafka.connect.connector.", "org.apache.kafka.connect.sink.", "org.apache.kafka.connect.source.");

    static {
        registerAsParallelCapable();
    }

    PluginLoader(List<Path> places) throws Exception {
        super(urls(places), PluginLoader.class.getClassLoader());
    }

    private static URL[] urls(List<Path> places) throws Exception {
        List<URL> urls = new ArrayList<>();
        for (Path place : places) {
            if (Files.isDirectory(place)) {
                try (Stream<Path> files = Files.list(place)) {
                    for (Path jar : files.filter(f -> f.toString().endsWith(".jar")).sorted().toList()) {
                        urls.add(url(jar));
                    }
                }
            } else {
                urls.add(url(place));
            }
        }
        return urls.toArray(new URL[0]);
    }

    private static URL url(Path path) throws MalformedURLException {
        return path.toUri().toURL();
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
        if (SHARED.stream().anyMatch(name::startsWith) || name.startsWith("io.bucatini.bench.") && !name.contains(".peer.")) {
            return super.loadClass(name, resolve);
        }
        synchronized (getClassLoadingLock(name)) {
            Class<?> found = findLoadedClass(name);
            if (found == null) {
                try {
                    found = findClass(name);
                } catch (ClassNotFoundException e) {
                    return super.loadClass(name, resolve);
                }
            }
            return found;
        }
    }

    <T> T make(String className, Class<T> as) throws Exception {
        return as.cast(loadClass(className).getDeclaredConstructor().newInstance());
    }
}
