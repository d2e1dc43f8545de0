package io.bucatini.connect.internal;

import io.bucatini.connect.BucatiniError;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.net.URL;
import java.net.URLClassLoader;
import java.net.URLConnection;
import java.nio.charset.StandardCharsets;
import java.util.Properties;

/** What is packed into the jar beside the classes. */
final class Resources {
    private Resources() {}

    /** @throws BucatiniError if there is no such resource or it cannot be read */
    static byte[] bytes(String path) {
        try (InputStream in = open(path)) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw unreadable(path, e);
        }
    }

    /** @throws BucatiniError as {@link #bytes} */
    static Properties properties(String path) {
        Properties properties = new Properties();
        try (Reader in = new InputStreamReader(open(path), StandardCharsets.UTF_8)) {
            properties.load(in);
        } catch (IOException e) {
            throw unreadable(path, e);
        }
        return properties;
    }

    private static InputStream open(String path) throws IOException {
        ClassLoader loader = Resources.class.getClassLoader();
        // From the jar of these classes: getResource would ask Connect's class path first, where another version may be.
        URL url = loader instanceof URLClassLoader
                ? ((URLClassLoader) loader).findResource(path) : loader.getResource(path);
        if (url == null) {
            throw new BucatiniError("resource.missing", "the plug-in's jar lacks " + path
                    + ": it was built without native libraries and components, or repacked; use the released zip");
        }
        URLConnection connection = url.openConnection();
        connection.setUseCaches(false);
        return connection.getInputStream();
    }

    private static BucatiniError unreadable(String path, IOException e) {
        return new BucatiniError("resource.unreadable", "cannot read " + path + " from the plug-in's jar: " + e, e);
    }
}
