//! Any text as an Avro schema: parsing never panics, and what is printed is parsed as the same schema.
#![no_main]

use avro_converter::avro_schema::AvroSchema;
use avro_converter::to_connect::to_connect_schema;
use bucatini_fuzz::{config, split};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some([bits, referred, text]) = split(data) else { return };
    let (Ok(referred), Ok(text)) = (std::str::from_utf8(referred), std::str::from_utf8(text)) else { return };
    let referred: Vec<&str> = if referred.is_empty() { Vec::new() } else { vec![referred] };
    let Ok(schema) = AvroSchema::parse(text, &referred) else { return };
    let printed = AvroSchema::parse(&schema.to_string(), &[]).unwrap();
    assert_eq!(printed, schema);
    let canonical = schema.canonical_form();
    assert_eq!(printed.canonical_form(), canonical);
    // Not the same schema: a name without namespace takes the enclosing one when it is parsed again, as in Java.
    let _ = AvroSchema::parse(&canonical, &[]);
    let _ = schema.incompatibility(&printed);
    let _ = to_connect_schema(&schema, Some(1), &config(bits));
});
