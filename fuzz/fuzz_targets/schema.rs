//! Any bytes as a schema: reading never panics, and what is read is written back as bytes that read as the same schema.
#![no_main]

use connect_data::schema_codec;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(schema) = schema_codec::from_bytes(data) else { return };
    let bytes = schema_codec::to_bytes(&schema).unwrap();
    assert_eq!(schema_codec::from_bytes(&bytes).unwrap(), schema);
});
