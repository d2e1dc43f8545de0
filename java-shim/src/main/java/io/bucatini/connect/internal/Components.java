package io.bucatini.connect.internal;

import io.bucatini.connect.BucatiniError;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The components in the jar. */
final class Components {
    private static final Logger LOG = LoggerFactory.getLogger(Components.class);

    private Components() {}

    /**
     * Appends digest and bytes of a plug-in's component to the message of {@link Library#open}.
     *
     * @throws BucatiniError if it is missing or damaged
     */
    static void append(PluginKind kind, WireWriter out) {
        Artifact component = Artifact.of("components/" + kind.component() + ".wasm");
        LOG.info("{} runs the component {} (SHA-256 {})", kind.className(), kind.component(), component.digest());
        out.str(component.digest());
        out.bytes(component.bytes());
    }
}
