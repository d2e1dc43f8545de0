package io.bucatini.connect.internal;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.reflect.Array;
import java.lang.reflect.Method;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes a {@link RowFiller} for a plan: one line a field, everything that the plan knows a constant. It has no branches, thus
 * needs no stack maps. The class is hidden and goes with its plan. JDK 15 and later; before that the reader's loop does the work.
 */
final class RowFillers {
    private static final Logger LOG = LoggerFactory.getLogger(RowFillers.class);
    /** A larger method would not be compiled (HugeMethodLimit, 8,000 bytes). */
    private static final int MAX_FIELDS = 330;
    private static final int MAX_SLOTS = Short.MAX_VALUE;
    /** Structs nest through three frames a level here. */
    private static final int MAX_HEIGHT = 8;
    private static final int CLASS_VERSION = 55;
    /** So many at a time: a class takes a few KB outside the heap. */
    private static final int MAX_CLASSES = 2_000;
    private static final AtomicInteger CLASSES = new AtomicInteger();

    private static final String PACKAGE = "io/bucatini/connect/internal/";
    private static final String SUPER = PACKAGE + "RowFiller";
    private static final String FIXED = "(L" + PACKAGE + "RowImage;I)Ljava/lang/Object;";
    private static final String PLANNED = "(L" + PACKAGE + "RowImageReader;L" + PACKAGE + "RowImagePlan;L" + PACKAGE
            + "RowImage;II)Ljava/lang/Object;";
    private static final String FILL = "(L" + PACKAGE + "RowImageReader;[L" + PACKAGE + "RowImagePlan;L" + PACKAGE
            + "RowImage;II[Ljava/lang/Object;)V";

    private static final int ALOAD = 0x19;
    private static final int ILOAD = 0x15;
    private static final int SIPUSH = 0x11;
    private static final int IADD = 0x60;
    private static final int AALOAD = 0x32;
    private static final int AASTORE = 0x53;
    private static final int INVOKESTATIC = 0xB8;
    private static final int INVOKESPECIAL = 0xB7;
    private static final int RETURN = 0xB1;
    private static final int READER = 1;
    private static final int CHILDREN = 2;
    private static final int IMAGE = 3;
    private static final int SLOT = 4;
    private static final int DEPTH = 5;
    private static final int VALUES = 6;

    private static final Method DEFINE = define();
    private static final Object NO_OPTIONS = noOptions();

    private RowFillers() {}

    /** {@code Lookup.defineHiddenClass}, null before JDK 15. */
    private static Method define() {
        for (Method method : MethodHandles.Lookup.class.getMethods()) {
            if (method.getName().equals("defineHiddenClass")) {
                return method;
            }
        }
        return null;
    }

    private static Object noOptions() {
        return DEFINE == null ? null : Array.newInstance(DEFINE.getParameterTypes()[2].getComponentType(), 0);
    }

    /** A filler for the plan of a struct; null if this JDK or this plan allows none. */
    static RowFiller of(RowImagePlan plan) {
        if (DEFINE == null || plan.fields.length > MAX_FIELDS || plan.width > MAX_SLOTS || height(plan, 0) > MAX_HEIGHT
                || CLASSES.get() >= MAX_CLASSES) {
            return null;
        }
        try {
            MethodHandles.Lookup hidden =
                    (MethodHandles.Lookup) DEFINE.invoke(MethodHandles.lookup(), new Writer().write(plan), true, NO_OPTIONS);
            RowFiller filler = (RowFiller) hidden.lookupClass().getDeclaredConstructor().newInstance();
            CLASSES.incrementAndGet();
            PluginHandle.CLEANER.register(filler, CLASSES::decrementAndGet);
            return filler;
        } catch (ReflectiveOperationException | IOException | RuntimeException | LinkageError e) {
            LOG.debug("No class for {}", plan.schema.name(), e);
            return null;
        }
    }

    /** Levels of structs; too many where a struct refers back to an enclosing one. */
    private static int height(RowImagePlan plan, int above) {
        int height = above + 1;
        for (RowImagePlan child : plan.children) {
            if (child.kind == RowImagePlan.REFERENCE) {
                return MAX_HEIGHT + 1;
            }
            height = Math.max(height, child.kind == RowImagePlan.STRUCT ? height(child, above + 1) : 0);
        }
        return height;
    }

    /** The class file. */
    private static final class Writer {
        private final ByteArrayOutputStream pool = new ByteArrayOutputStream();
        private final DataOutputStream constants = new DataOutputStream(pool);
        private final Map<String, Integer> known = new LinkedHashMap<>();

        byte[] write(RowImagePlan plan) throws IOException {
            int self = type(PACKAGE + "RowFillerOfPlan");
            int parent = type(SUPER);
            ByteArrayOutputStream body = new ByteArrayOutputStream();
            DataOutputStream out = new DataOutputStream(body);
            out.writeShort(0x1030); // final, super, synthetic
            out.writeShort(self);
            out.writeShort(parent);
            out.writeShort(0);
            out.writeShort(0);
            out.writeShort(2);
            method(out, 0, "<init>", "()V", 1, 1, constructor());
            method(out, 0x10, "fill", FILL, 7, 7, fill(plan));
            out.writeShort(0);

            ByteArrayOutputStream file = new ByteArrayOutputStream();
            DataOutputStream whole = new DataOutputStream(file);
            whole.writeInt(0xCAFEBABE);
            whole.writeShort(0);
            whole.writeShort(CLASS_VERSION);
            whole.writeShort(known.size() + 1);
            pool.writeTo(whole);
            body.writeTo(whole);
            return file.toByteArray();
        }

        private byte[] constructor() throws IOException {
            ByteArrayOutputStream code = new ByteArrayOutputStream();
            DataOutputStream out = new DataOutputStream(code);
            load(out, ALOAD, 0);
            call(out, INVOKESPECIAL, "<init>", "()V");
            out.writeByte(RETURN);
            return code.toByteArray();
        }

        private byte[] fill(RowImagePlan plan) throws IOException {
            ByteArrayOutputStream code = new ByteArrayOutputStream();
            DataOutputStream out = new DataOutputStream(code);
            for (int i = 0; i < plan.children.length; i++) {
                String name = name(plan.kinds[i]);
                boolean fixed = isFixed(plan.kinds[i]);
                load(out, ALOAD, VALUES);
                push(out, i);
                if (!fixed) {
                    load(out, ALOAD, READER);
                    load(out, ALOAD, CHILDREN);
                    push(out, i);
                    out.writeByte(AALOAD);
                }
                load(out, ALOAD, IMAGE);
                load(out, ILOAD, SLOT);
                push(out, plan.offsets[i]);
                out.writeByte(IADD);
                if (!fixed) {
                    load(out, ILOAD, DEPTH);
                }
                call(out, INVOKESTATIC, name, fixed ? FIXED : PLANNED);
                out.writeByte(AASTORE);
            }
            out.writeByte(RETURN);
            return code.toByteArray();
        }

        private static boolean isFixed(int kind) {
            return kind == RowImagePlan.BOOLEAN || kind == RowImagePlan.INT32 || kind == RowImagePlan.INT64
                    || kind == RowImagePlan.FLOAT64 || kind == RowImagePlan.TIMESTAMP;
        }

        private static String name(int kind) {
            switch (kind) {
                case RowImagePlan.BOOLEAN:
                    return "bool";
                case RowImagePlan.INT32:
                    return "int32";
                case RowImagePlan.INT64:
                    return "int64";
                case RowImagePlan.FLOAT64:
                    return "float64";
                case RowImagePlan.TIMESTAMP:
                    return "timestamp";
                case RowImagePlan.STRING:
                    return "utf8";
                case RowImagePlan.DECIMAL:
                    return "decimal";
                case RowImagePlan.STRUCT:
                    return "struct";
                default:
                    return "other";
            }
        }

        private static void load(DataOutputStream out, int instruction, int variable) throws IOException {
            out.writeByte(instruction);
            out.writeByte(variable);
        }

        private static void push(DataOutputStream out, int value) throws IOException {
            out.writeByte(SIPUSH);
            out.writeShort(value);
        }

        private void call(DataOutputStream out, int instruction, String name, String descriptor) throws IOException {
            int method = constant("m " + name + descriptor, 10, type(SUPER),
                    constant("n " + name + descriptor, 12, text(name), text(descriptor)));
            out.writeByte(instruction);
            out.writeShort(method);
        }

        private void method(DataOutputStream out, int access, String name, String descriptor, int stack, int locals, byte[] code)
                throws IOException {
            out.writeShort(access);
            out.writeShort(text(name));
            out.writeShort(text(descriptor));
            out.writeShort(1);
            out.writeShort(text("Code"));
            out.writeInt(12 + code.length);
            out.writeShort(stack);
            out.writeShort(locals);
            out.writeInt(code.length);
            out.write(code);
            out.writeShort(0);
            out.writeShort(0);
        }

        private int type(String name) throws IOException {
            return constant("c " + name, 7, text(name));
        }

        private int text(String text) throws IOException {
            Integer index = known.get(text);
            if (index == null) {
                index = number(text);
                constants.writeByte(1);
                constants.writeUTF(text);
            }
            return index;
        }

        private int constant(String key, int tag, int... parts) throws IOException {
            Integer index = known.get(key);
            if (index == null) {
                index = number(key);
                constants.writeByte(tag);
                for (int part : parts) {
                    constants.writeShort(part);
                }
            }
            return index;
        }

        private int number(String key) {
            int index = known.size() + 1;
            known.put(key, index);
            return index;
        }
    }
}
