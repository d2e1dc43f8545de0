//! Writes the corpus's Avro vectors as seeds of the fuzz targets: `seeds CORPUS FOLDER`.

use bucatini_fuzz::{SETTINGS, join};
use connect_data::row_image::tree;
use connect_data::schema_codec;
use serde_json::Value as Json;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(corpus), Some(folder)) = (arguments.next(), arguments.next()) else {
        return Err("usage: seeds CORPUS FOLDER".into());
    };
    let mut written = 0;
    for entry in std::fs::read_dir(corpus)? {
        for line in std::fs::read_to_string(entry?.path())?.lines() {
            let vector: Json = serde_json::from_str(line)?;
            written += vector_seeds(&vector, &folder)?;
        }
    }
    println!("{written} seeds");
    Ok(())
}

fn vector_seeds(vector: &Json, folder: &Path) -> Result<u32, Box<dyn std::error::Error>> {
    let id = vector["id"].as_str().ok_or("a vector without id")?;
    let bits = SETTINGS.iter().enumerate().fold(0_u8, |bits, (i, (name, value))| {
        bits | u8::from(vector["config"][name].as_str() == Some(value)) << i
    });
    let mut written = 0;
    let mut write = |target: &str, parts: &[&[u8]]| -> std::io::Result<()> {
        if let Some(seed) = join(parts) {
            std::fs::create_dir_all(folder.join(target))?;
            std::fs::write(folder.join(target).join(id), seed)?;
            written += 1;
        }
        Ok(())
    };
    match vector["kind"].as_str() {
        Some("a2c") => {
            let schemas: Vec<String> = vector["schemas"].as_array().into_iter().flatten().map(Json::to_string).collect();
            let writer = vector["writer_version"].as_u64().unwrap_or(1) as usize - 1;
            let evolves = vector["config"]["use.latest.version"].as_str() == Some("true");
            let reader = schemas.last().filter(|_| evolves).map_or("", String::as_str);
            let writer = schemas.get(writer).ok_or("a vector without schema")?;
            let payload = hex(vector["bytes"].as_str().unwrap_or_default());
            write("avro_decode", &[&[bits], writer.as_bytes(), reader.as_bytes(), &payload])?;
            write("avro_schema", &[&[bits], &[], writer.as_bytes()])?;
        }
        Some("c2a") => {
            let Ok((schema, value)) = connect_json::read(&vector["input"]) else { return Ok(0) };
            let mut image = Vec::new();
            if tree::write(schema.as_ref(), &value, &mut image).is_err() {
                return Ok(0);
            }
            let schema = schema.map(|schema| schema_codec::to_bytes(&schema)).transpose()?;
            write("avro_encode", &[&[bits], &schema.unwrap_or_default(), &image])?;
        }
        Some("wire") => {
            let mut answers = Vec::new();
            for request in vector["steps"].as_array().into_iter().flatten().flat_map(|step| step["requests"].as_array()).flatten()
            {
                let body = [&[0][..], request["response"].to_string().as_bytes()].concat();
                let Some(answer) = join(&[&body, &[]]) else { continue };
                answers.extend(answer);
            }
            write("registry", &[&[0, 0], b"/there", &answers])?;
        }
        _ => {}
    }
    Ok(written)
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).filter_map(|i| u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok()).collect()
}
