//! Any bytes as a payload of any schema, read as another one or not: decoding never panics, and what it makes is an image
//! that can be read, and written as Avro again or refused.
#![no_main]

use avro_converter::avro_schema::AvroSchema;
use avro_converter::from_connect::EncodePlan;
use avro_converter::to_connect::DecodePlan;
use bucatini_fuzz::{config, split};
use connect_data::row_image::{Image, tree};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some([bits, writer, reader, payload]) = split(data) else { return };
    let parse = |text: &[u8]| AvroSchema::parse(std::str::from_utf8(text).ok()?, &[]).ok();
    let Some(writer) = parse(writer) else { return };
    let config = config(bits);
    let plan = DecodePlan::compile(&writer, parse(reader).as_ref(), None, &config);
    let _ = plan.check(payload, 0);
    let mut image = Vec::new();
    if !plan.decode(payload, 0, &mut image).unwrap_or(false) {
        assert!(image.is_empty(), "nothing stays of a failed record");
        return;
    }
    let schema = plan.schema().map(|schema| schema.as_ref());
    let value = tree::read(schema, &image, payload).unwrap();
    let Ok(back) = EncodePlan::compile(schema, &config) else { return };
    let mut own = Vec::new();
    // An image that grew beyond its limit by taking in what it referred to.
    if tree::write(schema, &value, &mut own).is_ok() {
        let _ = back.encode(&Image::new(&own, &[]).unwrap(), &mut Vec::new());
    }
});
