//! The `native` methods as symbols.

use jni_sys::{JNIEnv, jlong, jobject};

/// `long address(ByteBuffer)`: the address of a direct buffer, 0 if it has none. The only use of the JNI environment,
/// when the shim makes its scratch.
///
/// # Safety
/// `env` is this thread's JNI environment or null, `buffer` a reference to a `java.nio.Buffer` or null.
pub unsafe fn address(env: *mut JNIEnv, buffer: jobject) -> jlong {
    if env.is_null() || buffer.is_null() {
        return 0;
    }
    // SAFETY: the caller passes what the JVM gave it; the function has been there since JNI 1.4.
    unsafe { ((**env).v1_4.GetDirectBufferAddress)(env, buffer).expose_provenance() as jlong }
}

/// Exports the `native` methods of `io.bucatini.connect.internal.$class` over a `static` [`Boundary`](crate::Boundary).
/// The second argument is the Java object, which nobody looks at.
#[macro_export]
macro_rules! export_library {
    ($class:literal, $boundary:path) => {
        /// The methods of `docs/jni-boundary.md`.
        ///
        /// # Safety
        /// Of all of them: `input` and `out` are what [`Input`](connect_jni::Input) and [`Output`](connect_jni::Output)
        /// want of an address and a length.
        #[allow(missing_docs, clippy::missing_safety_doc, clippy::too_many_arguments)]
        pub mod native {
            use $crate::{Input, Output, native_method};

            native_method!($class, "open", open(plugin: i32, input: i64, len: i32, out: i64, cap: i32) {
                $boundary.open(plugin, Input::new(input, len.into()), Output::new(out, cap))
            });
            native_method!($class, "topic", topic(handle: i64, input: i64, len: i32, out: i64, cap: i32) {
                $boundary.topic(handle, Input::new(input, len.into()), Output::new(out, cap))
            });
            native_method!($class, "intern", intern(handle: i64, input: i64, len: i32, out: i64, cap: i32) {
                $boundary.intern(handle, Input::new(input, len.into()), Output::new(out, cap))
            });
            native_method!($class, "schema", schema(handle: i64, schema: i32, out: i64, cap: i32) {
                $boundary.schema(handle, schema, Output::new(out, cap))
            });
            native_method!($class, "toConnect", to_connect(
                handle: i64, topic: i32, input: i64, payload_len: i32, headers_len: i32, out: i64, cap: i32
            ) {
                let input = Input::new(input, i64::from(payload_len) + i64::from(headers_len));
                $boundary.to_connect(handle, topic as u32, input, headers_len, Output::new(out, cap))
            });
            native_method!($class, "fromConnect", from_connect(
                handle: i64, topic: i32, schema: i32, input: i64, len: i32, out: i64, cap: i32
            ) {
                let input = Input::new(input, len.into());
                $boundary.from_connect(handle, topic as u32, schema, input, Output::new(out, cap))
            });
            native_method!($class, "apply", apply(handle: i64, input: i64, len: i32, out: i64, cap: i32) {
                $boundary.apply(handle, Input::new(input, len.into()), Output::new(out, cap))
            });
            native_method!($class, "plan", plan(handle: i64, input: i64, len: i32, out: i64, cap: i32) {
                $boundary.plan(handle, Input::new(input, len.into()), Output::new(out, cap))
            });
            native_method!($class, "exchange", exchange(handle: i64, need: i32, now_ms: i64, out: i64, cap: i32) {
                $boundary.exchange(handle, need as u32, now_ms, Output::new(out, cap))
            });
            native_method!($class, "answer", answer(
                handle: i64, input: i64, len: i32, now_ms: i64, out: i64, cap: i32
            ) {
                $boundary.answer(handle, Input::new(input, len.into()), now_ms, Output::new(out, cap))
            });

            #[unsafe(export_name = concat!("Java_io_bucatini_connect_internal_", $class, "_close"))]
            pub extern "system" fn close(_: *mut $crate::jni_sys::JNIEnv, _: $crate::jni_sys::jclass, handle: i64) {
                $boundary.close(handle);
            }

            #[unsafe(export_name = concat!("Java_io_bucatini_connect_internal_", $class, "_address"))]
            pub unsafe extern "system" fn address(
                env: *mut $crate::jni_sys::JNIEnv,
                _: $crate::jni_sys::jclass,
                buffer: $crate::jni_sys::jobject,
            ) -> i64 {
                // SAFETY: the caller's promise.
                unsafe { $crate::export::address(env, buffer) }
            }

            /// The class loader is gone: no thread of ours may outlive the code it runs.
            #[unsafe(export_name = "JNI_OnUnload")]
            pub extern "system" fn unload(_: *mut $crate::jni_sys::JavaVM, _: *mut std::ffi::c_void) {
                $boundary.unload();
            }
        }
    };
}

/// One `native` method that gives a `long`.
#[doc(hidden)]
#[macro_export]
macro_rules! native_method {
    ($class:literal, $java:literal, $name:ident($($arg:ident: $kind:ty),*) $body:block) => {
        #[unsafe(export_name = concat!("Java_io_bucatini_connect_internal_", $class, "_", $java))]
        pub unsafe extern "system" fn $name(
            _: *mut $crate::jni_sys::JNIEnv,
            _: $crate::jni_sys::jclass,
            $($arg: $kind),*
        ) -> i64 {
            // SAFETY: the caller's promise.
            unsafe { $body }
        }
    };
}
