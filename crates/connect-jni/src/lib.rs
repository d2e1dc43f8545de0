//! The JNI boundary: bytes and addresses in, status out.
