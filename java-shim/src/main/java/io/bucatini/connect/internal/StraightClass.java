package io.bucatini.connect.internal;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.ref.WeakReference;
import java.lang.reflect.Array;
import java.lang.reflect.Method;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The file of a class that does the work of a plan in a straight line: one line a field, each the call of a method of its
 * parent, kinds and slots of the fields constants. It has no branches, thus needs no stack maps. The class is hidden and goes
 * with the last plan of its shape. JDK 15 and later; before that loops do the work.
 */
final class StraightClass {
    static final int ALOAD = 0x19;
    static final int ILOAD = 0x15;
    static final int LLOAD = 0x16;
    static final int ISTORE = 0x36;
    static final int LSTORE = 0x37;
    static final int IADD = 0x60;
    static final int AALOAD = 0x32;
    static final int AASTORE = 0x53;
    static final String PACKAGE = "io/bucatini/connect/internal/";

    private static final Logger LOG = LoggerFactory.getLogger(StraightClass.class);
    /** A larger method would not be compiled (HugeMethodLimit). */
    private static final int MAX_CODE = 8_000;
    private static final int MAX_SLOTS = Short.MAX_VALUE;
    private static final int MAX_STACK = 12;
    /** Structs nest through three frames a level here. */
    private static final int MAX_HEIGHT = 8;
    private static final int CLASS_VERSION = 55;
    /** So many at a time: a class takes a few KB outside the heap. */
    private static final int MAX_CLASSES = 2_000;
    private static final AtomicInteger CLASSES = new AtomicInteger();
    /** By shape: many tables are alike, and one class is compiled sooner and stays in the processor's caches. */
    private static final Map<String, WeakReference<?>> MADE = new ConcurrentHashMap<>();

    private static final int ALOAD_0 = 0x2A;
    private static final int BIPUSH = 0x10;
    private static final int SIPUSH = 0x11;
    private static final int INVOKESTATIC = 0xB8;
    private static final int INVOKESPECIAL = 0xB7;
    private static final int RETURN = 0xB1;

    private static final Method DEFINE = define();
    private static final Object NO_OPTIONS = noOptions();

    private final String parent;
    private final ByteArrayOutputStream pool = new ByteArrayOutputStream();
    private final DataOutputStream constants = new DataOutputStream(pool);
    private final Map<String, Integer> known = new LinkedHashMap<>();
    private DataOutputStream code;

    private StraightClass(String parent) {
        this.parent = parent;
    }

    /** The line of one field. */
    interface Line {
        void write(StraightClass out, int field) throws IOException;
    }

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

    /**
     * An object of such a class for the plan of a struct; null if this JDK or this plan allows none.
     *
     * @param method what it implements, the only abstract method of {@code parent}
     * @param line knows of the plan no more than kinds and slots of its fields: plans of one shape share a class
     */
    static <T> T of(RowImagePlan plan, Class<T> parent, String method, String descriptor, int locals, Line line) {
        return plan.width > MAX_SLOTS || height(plan, 0) > MAX_HEIGHT ? null
                : of(shape(plan), parent, method, descriptor, locals, Collections.nCopies(plan.fields.length, line));
    }

    /**
     * An object of such a class, null if this JDK allows none or the class would be too large.
     *
     * @param shape says all that the lines know: classes are shared by it
     * @param lines each gets its index
     */
    static <T> T of(String shape, Class<T> parent, String method, String descriptor, int locals, List<Line> lines) {
        if (DEFINE == null) {
            return null;
        }
        String key = parent.getSimpleName() + shape;
        WeakReference<?> known = MADE.get(key);
        Object alike = known == null ? null : known.get();
        if (alike != null) {
            return parent.cast(alike);
        }
        if (CLASSES.get() >= MAX_CLASSES) {
            return null;
        }
        try {
            StraightClass file = new StraightClass(PACKAGE + parent.getSimpleName());
            byte[] body = file.lines(lines);
            if (body.length >= MAX_CODE) {
                return null;
            }
            MethodHandles.Lookup hidden = (MethodHandles.Lookup) DEFINE.invoke(
                    MethodHandles.lookup(), file.bytes(method, descriptor, locals, body), true, NO_OPTIONS);
            T made = parent.cast(hidden.lookupClass().getDeclaredConstructor().newInstance());
            WeakReference<T> reference = new WeakReference<>(made);
            CLASSES.incrementAndGet();
            MADE.put(key, reference);
            PluginHandle.CLEANER.register(made, () -> {
                CLASSES.decrementAndGet();
                MADE.remove(key, reference);
            });
            return made;
        } catch (ReflectiveOperationException | IOException | RuntimeException | LinkageError e) {
            LOG.debug("No {} in a straight line", parent.getSimpleName(), e);
            return null;
        }
    }

    private static String shape(RowImagePlan plan) {
        StringBuilder shape = new StringBuilder();
        for (int i = 0; i < plan.kinds.length; i++) {
            shape.append((char) plan.kinds[i]).append((char) plan.offsets[i]);
        }
        return shape.toString();
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

    /** Whether a value of this kind needs no plan, but only its slot. */
    static boolean isFixed(int kind) {
        return kind == RowImagePlan.BOOLEAN || kind == RowImagePlan.INT32 || kind == RowImagePlan.INT64
                || kind == RowImagePlan.FLOAT64 || kind == RowImagePlan.TIMESTAMP;
    }

    /** The parent's method for fields of this kind. */
    static String name(int kind) {
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

    private byte[] lines(List<Line> lines) throws IOException {
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        code = new DataOutputStream(body);
        for (int i = 0; i < lines.size(); i++) {
            lines.get(i).write(this, i);
        }
        code.writeByte(RETURN);
        return body.toByteArray();
    }

    private byte[] bytes(String method, String descriptor, int locals, byte[] lines) throws IOException {
        int self = type(parent + "OfPlan");
        int above = type(parent);
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(body);
        out.writeShort(0x1030); // final, super, synthetic
        out.writeShort(self);
        out.writeShort(above);
        out.writeShort(0);
        out.writeShort(0);
        out.writeShort(2);
        method(out, 0, "<init>", "()V", 1, 1, constructor());
        method(out, 0x10, method, descriptor, MAX_STACK, locals, lines);
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
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        code = new DataOutputStream(body);
        variable(ALOAD, 0);
        call(INVOKESPECIAL, "<init>", "()V");
        code.writeByte(RETURN);
        return body.toByteArray();
    }

    void instruction(int instruction) throws IOException {
        code.writeByte(instruction);
    }

    /** Loads or stores a variable. */
    void variable(int instruction, int variable) throws IOException {
        if (instruction == ALOAD && variable <= 3) {
            code.writeByte(ALOAD_0 + variable);
        } else {
            code.writeByte(instruction);
            code.writeByte(variable);
        }
    }

    void push(int value) throws IOException {
        if (value > MAX_SLOTS) {
            throw new IOException("there is no such field or slot: " + value);
        }
        if (value <= Byte.MAX_VALUE) {
            code.writeByte(BIPUSH);
            code.writeByte(value);
        } else {
            code.writeByte(SIPUSH);
            code.writeShort(value);
        }
    }

    /** The element of an array in a variable. */
    void element(int variable, int index) throws IOException {
        variable(ALOAD, variable);
        push(index);
        code.writeByte(AALOAD);
    }

    /** Calls a static method of the parent. */
    void call(String name, String descriptor) throws IOException {
        call(INVOKESTATIC, name, descriptor);
    }

    private void call(int instruction, String name, String descriptor) throws IOException {
        int method = constant("m " + name + descriptor, 10, type(parent),
                constant("n " + name + descriptor, 12, text(name), text(descriptor)));
        code.writeByte(instruction);
        code.writeShort(method);
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
