//! Any bytes as a Connect schema and an image of it: encoding never panics, and the schema that is registered can be parsed.
#![no_main]

use avro_converter::avro_schema::AvroSchema;
use avro_converter::from_connect::EncodePlan;
use bucatini_fuzz::{config, split};
use connect_data::row_image::Image;
use connect_data::schema_codec;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some([bits, schema, image]) = split(data) else { return };
    let schema = schema_codec::from_bytes(schema).ok();
    let Ok(plan) = EncodePlan::compile(schema.as_ref(), &config(bits)) else { return };
    let text = plan.avro_schema().to_string();
    // Connect's names may be none in Avro, and then this schema is refused when it is registered.
    let _ = AvroSchema::parse(&text, &[]);
    let Ok(image) = Image::new(image, &[]) else { return };
    let mut bytes = vec![7];
    if plan.encode(&image, &mut bytes).is_err() {
        bytes.truncate(1);
    }
    assert_eq!(bytes[0], 7, "encoding appends");
});
