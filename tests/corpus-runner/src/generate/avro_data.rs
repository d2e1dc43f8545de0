//! Random Avro data of a schema.

use super::avro_types::{Kind, Schema, Type};
use super::random::Random;
use serde_json::{Map, Value as Json, json};

impl Schema {
    /// Bytes of a value of the schema.
    pub fn datum(&self, random: &mut Random) -> Vec<u8> {
        let mut out = Vec::new();
        match &self.root {
            // AvroConverter writes bytes at the top as they are.
            Type::Primitive("bytes", _) => out.extend((0..random.below(6)).map(|_| random.bits() as u8)),
            root => self.write(root, random, 0, &mut out),
        }
        out
    }

    fn write(&self, kind: &Type, random: &mut Random, depth: usize, out: &mut Vec<u8>) {
        match kind {
            Type::Primitive(name, rest) => write_primitive(name, rest, random, out),
            Type::Array(item, _) => {
                self.blocks(random, depth, out, |random, out| self.write(item, random, depth + 1, out))
            }
            Type::Map(item, _) => {
                let mut number = 0;
                self.blocks(random, depth, out, |random, out| {
                    write_bytes(format!("k{number}").as_bytes(), out);
                    number += 1;
                    self.write(item, random, depth + 1, out);
                });
            }
            Type::Union(branches) => {
                let null = branches.iter().position(|branch| matches!(branch, Type::Primitive("null", _)));
                let at = match null {
                    Some(null) if depth > 8 || random.chance(25) => null,
                    _ => random.below(branches.len()),
                };
                write_long(at as i64, out);
                branches.get(at).into_iter().for_each(|branch| self.write(branch, random, depth + 1, out));
            }
            Type::Named(name) => match self.named.get(name).map(|definition| &definition.kind) {
                Some(Kind::Enum(symbols)) => write_long(random.below(symbols.len()) as i64, out),
                Some(Kind::Fixed(size)) => out.extend((0..*size).map(|_| random.bits() as u8)),
                // A record that needs itself has no finite value: the data end early.
                Some(Kind::Record(fields)) if depth < 24 => {
                    fields.iter().for_each(|field| self.write(&field.kind, random, depth + 1, out));
                }
                _ => {}
            },
        }
    }

    /// Items in one block, in several, or in blocks that give their size.
    fn blocks(
        &self,
        random: &mut Random,
        depth: usize,
        out: &mut Vec<u8>,
        mut item: impl FnMut(&mut Random, &mut Vec<u8>),
    ) {
        let count = if depth > 8 { 0 } else { random.below(4) };
        let mut left = count;
        while left > 0 {
            let now = 1 + random.below(left);
            let mut block = Vec::new();
            (0..now).for_each(|_| item(random, &mut block));
            if random.chance(20) {
                write_long(-(now as i64), out);
                write_long(block.len() as i64, out);
            } else {
                write_long(now as i64, out);
            }
            out.extend(block);
            left -= now;
        }
        out.push(0);
    }
}

fn write_primitive(name: &str, rest: &Map<String, Json>, random: &mut Random, out: &mut Vec<u8>) {
    let bits = random.bits();
    let small = random.chance(60);
    match name {
        "boolean" => out.push((bits & 1) as u8),
        "int" if rest.get("logicalType") == Some(&json!("time-millis")) => write_long((bits % 86_400_000) as i64, out),
        "int" => write_long(if small { (bits % 200) as i64 - 100 } else { i64::from(bits as i32) }, out),
        "long" => write_long(if small { (bits % 200) as i64 - 100 } else { bits as i64 }, out),
        "float" => {
            out.extend(random.pick(&[0.0_f32, -0.0, 1.5, f32::NAN, f32::NEG_INFINITY, 3.4e38, 0.1]).to_le_bytes())
        }
        "double" => out.extend(random.pick(&[0.0_f64, -0.0, 2.5, f64::NAN, f64::INFINITY, 1e300, 0.1]).to_le_bytes()),
        "bytes" => {
            let bytes: Vec<u8> = (0..1 + random.below(5)).map(|_| random.bits() as u8).collect();
            write_bytes(&bytes, out);
        }
        "string" => write_bytes(random.text(&["", "a", "Größe", "日本", "\u{1F9C0}", "A", "x,y"]).as_bytes(), out),
        _ => {}
    }
}

fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    write_long(bytes.len() as i64, out);
    out.extend_from_slice(bytes);
}

fn write_long(value: i64, out: &mut Vec<u8>) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}
