package io.bucatini.connect.internal;

import java.io.IOException;
import java.lang.ref.WeakReference;
import java.net.InetSocketAddress;
import java.net.ProxySelector;
import java.net.http.HttpClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Executor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;

/**
 * The JDK's HTTP clients for one plug-in's settings. Plug-ins of the same settings share a client, and with it its connections
 * and threads; the JDK stops the threads of one that nobody refers to.
 *
 * <p>HTTP/1.1 only: the attempt to upgrade to HTTP/2 confuses proxies. Without {@code proxy.host} the JVM's proxies apply,
 * without {@code schema.registry.ssl.*} its trust.
 */
final class HttpClients {
    /** What stands before Kafka's {@code ssl.*} in Confluent's settings. */
    private static final String PREFIX = "schema.registry.";
    private static final String PROXY_HOST = "proxy.host";
    private static final String PROXY_PORT = "proxy.port";

    /**
     * Of all clients, and gone a few seconds after the last exchange. A pool of its own for each client, the JDK's default,
     * outlives the client by a minute.
     */
    private static final Executor WORKERS = new ThreadPoolExecutor(
            0, Integer.MAX_VALUE, 5, TimeUnit.SECONDS, new SynchronousQueue<>(), HttpClients::worker);

    /** By all that a client depends on. */
    private static final Map<List<Object>, WeakReference<HttpClient>> CLIENTS = new HashMap<>();

    private final Map<String, String> settings;
    private final SSLContext context;
    private final SSLParameters parameters;
    private final ProxySelector proxy;
    private final List<Object> identity;
    /** Keeps the last client alive between exchanges. */
    private volatile HttpClient lastUsed;

    /**
     * Reads trust store and key store.
     *
     * @param settings all of the plug-in's; the core has accepted them
     * @throws org.apache.kafka.common.config.ConfigException if a store cannot be read
     */
    HttpClients(Map<String, String> settings) {
        this.settings = new TreeMap<>();
        settings.forEach((name, value) -> {
            if (name.startsWith(PREFIX + "ssl.") || name.equals(PROXY_HOST) || name.equals(PROXY_PORT)) {
                this.settings.put(name, value);
            }
        });
        identity = new ArrayList<>(List.of(this.settings));
        this.settings.values().forEach(value -> identity.addAll(changed(value)));
        Tls tls = new Tls(this.settings, PREFIX);
        context = tls.context();
        parameters = tls.parameters();
        String host = this.settings.getOrDefault(PROXY_HOST, "").trim();
        proxy = host.isEmpty() ? null : ProxySelector.of(
                InetSocketAddress.createUnresolved(host, Integer.parseInt(this.settings.get(PROXY_PORT).trim())));
    }

    /**
     * A client with this connect time-out.
     *
     * @param millis unsigned; 0 = none of its own
     */
    HttpClient get(int millis) {
        List<Object> key = new ArrayList<>(identity);
        key.add(millis);
        HttpClient client;
        synchronized (CLIENTS) {
            WeakReference<HttpClient> known = CLIENTS.get(key);
            client = known == null ? null : known.get();
            if (client == null) {
                CLIENTS.values().removeIf(reference -> reference.get() == null);
                client = made(millis);
                CLIENTS.put(key, new WeakReference<>(client));
            }
        }
        lastUsed = client;
        return client;
    }

    private HttpClient made(int millis) {
        HttpClient.Builder builder = HttpClient.newBuilder()
                .executor(WORKERS)
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NEVER);
        if (millis != 0) {
            builder.connectTimeout(Duration.ofMillis(Integer.toUnsignedLong(millis)));
        }
        if (context != null) {
            builder.sslContext(context);
        }
        if (parameters != null) {
            builder.sslParameters(parameters);
        }
        if (proxy != null) {
            builder.proxy(proxy);
        }
        return builder.build();
    }

    private static Thread worker(Runnable task) {
        Thread thread = new Thread(task, "bucatini-registry-http");
        thread.setDaemon(true);
        return thread;
    }

    /** When a file was changed and how long it is: a plug-in that is configured after a store was renewed reads the new one. */
    private static List<Object> changed(String value) {
        try {
            Path file = Path.of(value.trim());
            return value.isBlank() ? List.of() : List.of(Files.getLastModifiedTime(file), Files.size(file));
        } catch (IOException | IllegalArgumentException e) {
            return List.of();
        }
    }
}
