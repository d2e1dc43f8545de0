package io.bucatini.connect.internal;

import java.io.IOException;
import java.lang.ref.WeakReference;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Performs one HTTP exchange that a core asks for (frame.rs: Exchange, Answer) with the JDK's client, so that the JVM's trust
 * store and proxies apply and an interruption ends it. Which exchange, what its answer means, retries and budgets are the
 * core's affair: here a redirect is an answer like any other, and a failure is an answer with status 0 and the reason.
 */
final class Exchanges {
    /** One client for each connect time-out; the JDK stops the threads of one that nobody refers to. */
    private static final Map<Integer, WeakReference<HttpClient>> CLIENTS = new ConcurrentHashMap<>();

    /** Keeps the last client alive between exchanges. */
    private volatile HttpClient lastUsed;

    /**
     * Reads an exchange and answers what came of it, in the form of {@link Library#answer}.
     *
     * @throws InterruptedException if the thread was interrupted before the answer was there; the exchange was given up
     */
    byte[] perform(WireReader in) throws InterruptedException {
        int id = in.u32();
        String method = in.str();
        String url = in.str();
        int headers = in.count(8);
        String[] namesAndValues = new String[2 * headers];
        for (int i = 0; i < namesAndValues.length; i++) {
            namesAndValues[i] = in.str();
        }
        byte[] body = in.u8() == 0 ? null : in.bytes();
        long delay = Integer.toUnsignedLong(in.u32());
        int connectTimeout = in.u32();
        long timeout = Integer.toUnsignedLong(in.u32());
        long limit = Integer.toUnsignedLong(in.u32());
        in.finish("exchange");

        Thread.sleep(delay);
        HttpRequest request;
        try {
            HttpRequest.Builder builder = HttpRequest.newBuilder(URI.create(url))
                    .timeout(Duration.ofMillis(Math.max(1, timeout)))
                    .method(method, body == null
                            ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofByteArray(body));
            for (int i = 0; i < namesAndValues.length; i += 2) {
                builder.header(namesAndValues[i], namesAndValues[i + 1]);
            }
            request = builder.build();
        } catch (IllegalArgumentException e) {
            return failed(id, "the JDK's HTTP client refuses the request");
        }
        return send(id, client(connectTimeout), request, timeout, limit);
    }

    private static byte[] send(int id, HttpClient client, HttpRequest request, long timeout, long limit)
            throws InterruptedException {
        LimitedBody body = new LimitedBody(limit);
        CompletableFuture<HttpResponse<byte[]>> exchange = client.sendAsync(request, head -> body);
        boolean ended = false;
        try {
            HttpResponse<byte[]> response = exchange.get(timeout, TimeUnit.MILLISECONDS);
            ended = true;
            return answered(id, response);
        } catch (TimeoutException e) {
            return failed(id, "no whole answer within " + timeout + " ms");
        } catch (ExecutionException e) {
            ended = true;
            return failed(id, reason(e.getCause()));
        } finally {
            if (!ended) {
                exchange.cancel(true);
                body.cancel();
            }
        }
    }

    private HttpClient client(int connectTimeout) {
        WeakReference<HttpClient> known = CLIENTS.get(connectTimeout);
        HttpClient client = known == null ? null : known.get();
        if (client == null) {
            client = HttpClient.newBuilder()
                    .version(HttpClient.Version.HTTP_1_1)
                    .followRedirects(HttpClient.Redirect.NEVER)
                    .connectTimeout(Duration.ofMillis(Math.max(1, Integer.toUnsignedLong(connectTimeout))))
                    .build();
            CLIENTS.put(connectTimeout, new WeakReference<>(client));
        }
        lastUsed = client;
        return client;
    }

    private static byte[] answered(int id, HttpResponse<byte[]> response) {
        WireWriter out = new WireWriter(1024);
        out.u32(id);
        out.u32(response.statusCode());
        int at = out.length();
        out.u32(0);
        int count = 0;
        for (Map.Entry<String, List<String>> header : response.headers().map().entrySet()) {
            for (String value : header.getValue()) {
                out.str(header.getKey().toLowerCase(Locale.ROOT));
                out.str(value);
                count++;
            }
        }
        out.setInt(at, count);
        out.bytes(response.body());
        return out.toBytes();
    }

    private static byte[] failed(int id, String reason) {
        WireWriter out = new WireWriter(256);
        out.u32(id);
        out.u32(0);
        out.u32(0);
        out.bytes(reason.getBytes(StandardCharsets.UTF_8));
        return out.toBytes();
    }

    /** Kinds and messages down to the root cause: "Connection refused" is often only there. */
    private static String reason(Throwable failure) {
        StringBuilder text = new StringBuilder();
        int depth = 0;
        for (Throwable cause = failure; cause != null && depth < 4; cause = cause.getCause(), depth++) {
            String message = cause.getMessage();
            text.append(depth == 0 ? "" : ", because of ").append(cause.getClass().getSimpleName());
            if (message != null && !message.isEmpty()) {
                text.append(": ").append(message);
            }
        }
        return text.toString();
    }

    /** Collects a body and gives up when it grows beyond the limit. */
    private static final class LimitedBody implements HttpResponse.BodySubscriber<byte[]> {
        private final long limit;
        private final WireWriter collected = new WireWriter(4096);
        private final CompletableFuture<byte[]> body = new CompletableFuture<>();
        private volatile Flow.Subscription subscription;
        private volatile boolean cancelled;

        LimitedBody(long limit) {
            this.limit = limit;
        }

        void cancel() {
            cancelled = true;
            Flow.Subscription running = subscription;
            if (running != null) {
                running.cancel();
            }
        }

        @Override
        public CompletionStage<byte[]> getBody() {
            return body;
        }

        @Override
        public void onSubscribe(Flow.Subscription begun) {
            subscription = begun;
            if (cancelled) {
                begun.cancel();
            } else {
                begun.request(Long.MAX_VALUE);
            }
        }

        @Override
        public void onNext(List<ByteBuffer> parts) {
            for (ByteBuffer part : parts) {
                if (cancelled) {
                    return;
                }
                if (collected.length() + (long) part.remaining() > limit) {
                    cancel();
                    body.completeExceptionally(new IOException("the answer is larger than " + limit + " bytes"));
                    return;
                }
                RowImageWriter.append(part, collected);
            }
        }

        @Override
        public void onError(Throwable failure) {
            body.completeExceptionally(failure);
        }

        @Override
        public void onComplete() {
            body.complete(collected.toBytes());
        }
    }
}
