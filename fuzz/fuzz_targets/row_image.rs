//! Any bytes as a schema and an image: reading never panics, and what is read is written back as an image that reads as
//! the same value.
#![no_main]

use connect_data::row_image::tree;
use connect_data::schema_codec;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: (&[u8], &[u8], &[u8])| {
    let (schema, image, input) = data;
    let schema = schema_codec::from_bytes(schema).ok();
    let Ok(value) = tree::read(schema.as_ref(), image, input) else { return };
    let mut again = Vec::new();
    if tree::write(schema.as_ref(), &value, &mut again).is_ok() {
        assert_eq!(tree::read(schema.as_ref(), &again, &[]).unwrap(), value);
    }
});
