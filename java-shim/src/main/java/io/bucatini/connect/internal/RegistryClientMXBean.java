package io.bucatini.connect.internal;

/**
 * How a converter gets on with its registry:
 * {@code io.bucatini:type=registry-client,plugin=BucatiniAvroConverter,side=value,id=1}, from the first request on until the
 * converter is closed or collected. Times are in milliseconds.
 */
public interface RegistryClientMXBean {
    /** Host and port of the registry that was asked last. */
    String getLastHost();

    /** Name of the thread that asked last; in Connect it names the task. */
    String getLastThread();

    /** Records converted, in both directions, failed ones included. */
    long getConversions();

    /** Records for which the registry had to be asked. */
    long getConversionsThatAsked();

    /** Part of the records that needed no registry, 0 to 1; 0 before the first record. */
    double getCacheHitRatio();

    /** Requests, answered or not. */
    long getRequests();

    /** Requests that repeat one that failed, at the same or another registry. */
    long getRetries();

    /** Requests without an answer: refused, time-out, TLS, too large. */
    long getUnanswered();

    /** Answers with status 429. */
    long getThrottled();

    /** Answers with a status of 500 and more. */
    long getServerErrors();

    /** Answers with any other status of 400 and more. */
    long getRefusals();

    /** Time that all requests took together. */
    long getRequestTimeTotal();

    /** Time that a request took on average. */
    double getRequestTimeAverage();

    /** Time that the longest request took. */
    long getRequestTimeMax();

    /** Time spent waiting before repetitions. */
    long getWaitTimeTotal();
}
