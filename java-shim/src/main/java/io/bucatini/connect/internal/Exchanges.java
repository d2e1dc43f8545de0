package io.bucatini.connect.internal;

import java.io.IOException;
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
    private final HttpClients clients;
    private final RegistryMetrics metrics;

    Exchanges(HttpClients clients, RegistryMetrics metrics) {
        this.clients = clients;
        this.metrics = metrics;
    }

    /** What came of an exchange. */
    static final class Performed {
        /** Method and URL; a core puts no user info into it. */
        final String request;
        /** 0 if there is no answer. */
        final int status;
        /** In the form of {@link Library#answer}. */
        final byte[] answer;

        private Performed(String request, int status, byte[] answer) {
            this.request = request;
            this.status = status;
            this.answer = answer;
        }

        /** Whether another try may succeed. */
        boolean isFailure() {
            return status == 0 || status == 408 || status == 429 || status >= 500;
        }
    }

    /**
     * Reads an exchange and performs it.
     *
     * @throws InterruptedException if the thread was interrupted before the answer was there; the exchange was given up
     */
    Performed perform(WireReader in) throws InterruptedException {
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
        metrics.waited(delay);
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
            return new Performed(method + ' ' + url, 0, failed(id, "the JDK's HTTP client refuses the request"));
        }
        // The whole exchange is bounded anyway, and a client of its own for what is left of a budget would be wasteful.
        int ownTimeout = Integer.toUnsignedLong(connectTimeout) < timeout ? Math.max(1, connectTimeout) : 0;
        long begun = System.nanoTime();
        int status = 0;
        try {
            HttpResponse<byte[]> response = send(clients.get(ownTimeout), request, timeout, limit);
            status = response.statusCode();
            return new Performed(method + ' ' + url, status, answered(id, response));
        } catch (Failed e) {
            return new Performed(method + ' ' + url, 0, failed(id, e.getMessage()));
        } finally {
            metrics.answered(request.uri(), status, System.nanoTime() - begun);
        }
    }

    /** There is no answer; the message says why. */
    private static final class Failed extends Exception {
        private static final long serialVersionUID = 1L;

        Failed(String reason) {
            super(reason, null, false, false);
        }
    }

    private static HttpResponse<byte[]> send(HttpClient client, HttpRequest request, long timeout, long limit)
            throws InterruptedException, Failed {
        LimitedBody body = new LimitedBody(limit);
        CompletableFuture<HttpResponse<byte[]>> exchange = client.sendAsync(request, head -> body);
        boolean ended = false;
        try {
            HttpResponse<byte[]> response = exchange.get(timeout, TimeUnit.MILLISECONDS);
            ended = true;
            return response;
        } catch (TimeoutException e) {
            throw new Failed("no whole answer within " + timeout + " ms");
        } catch (ExecutionException e) {
            ended = true;
            throw new Failed(reason(e.getCause()));
        } finally {
            if (!ended) {
                exchange.cancel(true);
                body.cancel();
            }
        }
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
