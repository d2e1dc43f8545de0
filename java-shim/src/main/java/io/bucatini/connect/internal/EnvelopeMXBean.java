package io.bucatini.connect.internal;

/**
 * What a transformation finds when it gets a record: {@code io.bucatini:type=envelopes,plugin=BucatiniExtractNewRecordState,id=1},
 * from the first Struct on until the transformation is closed or collected. A transformation has one thread; if it is given more,
 * these numbers may fall short.
 */
public interface EnvelopeMXBean {
    /** Envelopes that nobody had looked into: the row was made straight from what our converter had decoded. */
    long getUnread();

    /** Structs that were complete: of another converter, or somebody had looked into them. */
    long getRead();

    /** Envelopes of our converter in another class loader: complete Structs to us. Once nobody takes them it makes few of them. */
    long getOfAnotherLoader();
}
