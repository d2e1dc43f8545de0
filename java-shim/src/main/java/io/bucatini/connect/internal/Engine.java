package io.bucatini.connect.internal;

import java.util.Map;
import java.util.function.Supplier;
import org.apache.kafka.common.config.ConfigException;

/**
 * Which form of a plug-in runs. This is the one setting that Java itself must know, because it selects the library; its
 * declaration is in the generated ConfigDef like that of any other.
 */
public enum Engine {
    /** The core, compiled to machine code. */
    NATIVE("native", "libbucatini.so", CoreLibrary::new),
    /** The component, in wasmtime. */
    WASM("wasm", "libbucatini_wasm.so", WasmLibrary::new);

    private static final String SETTING = "engine";

    private final String value;
    private final String libraryFile;
    private final Supplier<Library> constructor;

    Engine(String value, String libraryFile, Supplier<Library> constructor) {
        this.value = value;
        this.libraryFile = libraryFile;
        this.constructor = constructor;
    }

    /** The engine that the settings select; {@link #NATIVE} if they do not say. */
    static Engine of(Map<String, String> settings) {
        String text = settings.get(SETTING);
        if (text == null) {
            return NATIVE;
        }
        for (Engine engine : values()) {
            if (engine.value.equals(text.trim())) {
                return engine;
            }
        }
        throw new ConfigException(SETTING, text, "expected " + NATIVE.value + " or " + WASM.value);
    }

    String libraryFile() {
        return libraryFile;
    }

    Library newLibrary() {
        return constructor.get();
    }
}
