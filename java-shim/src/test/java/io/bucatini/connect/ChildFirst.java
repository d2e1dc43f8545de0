package io.bucatini.connect;

import java.net.URL;
import java.net.URLClassLoader;

/** As Connect's loader of a plug-in: its own classes before those of the worker. */
public final class ChildFirst extends URLClassLoader {
    public ChildFirst(URL... urls) {
        super(urls, ChildFirst.class.getClassLoader());
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
        synchronized (getClassLoadingLock(name)) {
            if (name.startsWith("io.bucatini.")) {
                Class<?> loaded = findLoadedClass(name);
                return loaded != null ? loaded : findClass(name);
            }
            return super.loadClass(name, resolve);
        }
    }
}
