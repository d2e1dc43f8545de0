//! Avro to Connect: schemas once, records by a plan.

mod aggregate;
mod anything;
mod compile;
mod cursor;
mod decode;
mod default;
mod excerpt;
mod fault;
mod graph;
mod keys;
mod plan;
mod quick;
mod resolve;
mod schema;
mod shape;
mod sizes;
mod straight;
mod text;
mod union;
mod words;

use crate::avro_schema::{AvroSchema, Kind};
use crate::config::AvroDataConfig;
use crate::from_connect::{self, EncodePlan};
use connect_data::row_image::Layout;
use connect_data::{Error, Result, Schema};
pub(crate) use cursor::Cursor;
pub(crate) use excerpt::Excerpt;
pub(crate) use fault::Fault;
use plan::Code;
use std::sync::Arc;
pub(crate) use text::repair;

/// The Connect schema that `AvroData.toConnectSchema` 8.3.1 makes of an Avro schema. `version` is the registry's.
///
/// # Errors
/// Data `avro.to-connect`: Connect has nothing for it, or its `connect.*` properties contradict it; `avro.map-entry`;
/// `avro.too-large`: too many nodes or levels, also of a record that contains itself without end.
pub fn to_connect_schema(avro: &AvroSchema, version: Option<i32>, config: &AvroDataConfig) -> Result<Schema> {
    schema::to_connect_schema(avro, version, config).map(|converted| converted.schema)
}

/// Decodes payloads of one writer's schema. Immutable; share it behind an `Arc`.
#[derive(Debug)]
pub struct DecodePlan {
    body: Body,
    config: AvroDataConfig,
}

#[derive(Debug)]
enum Body {
    Schemaless,
    Compiled {
        schema: Arc<Schema>,
        slots: usize,
        code: Box<Code>,
    },
    /// Every record fails, except one that is null as a whole.
    Broken {
        error: Error,
        null: Null,
    },
}

/// Which payloads are null as a whole.
#[derive(Debug)]
enum Null {
    Never,
    Always,
    /// Those with one of these indices of the union.
    Branches(Vec<i32>),
}

impl DecodePlan {
    /// Compiles a plan for payloads of `writer`. `reader` is the schema to read them as (`use.latest.version`); without
    /// it they are read as what they were written as. `version` is the writer's in the registry.
    ///
    /// A schema that Connect cannot take does not fail here but with each record: a null needs no schema.
    pub fn compile(
        writer: &AvroSchema,
        reader: Option<&AvroSchema>,
        version: Option<i32>,
        config: &AvroDataConfig,
    ) -> Self {
        let body = Self::body(writer, reader, version, config).unwrap_or_else(|error| {
            let null = nulls(writer, reader.unwrap_or(writer));
            Body::Broken { error, null }
        });
        Self { body, config: *config }
    }

    fn body(
        writer: &AvroSchema,
        reader: Option<&AvroSchema>,
        version: Option<i32>,
        config: &AvroDataConfig,
    ) -> Result<Body> {
        let renamed = reader.map(|reader| resolve::apply_aliases(writer, reader)).transpose()?;
        let (writer, reader) = (renamed.as_ref().unwrap_or(writer), reader.unwrap_or(writer));
        if *reader == from_connect::avro_schema(None, config)? {
            return if writer.canonical_form() == reader.canonical_form() {
                Ok(Body::Schemaless)
            } else {
                let found = writer.root().full_name();
                let message = format!("schemaless data: expected the record Anything, found {found}");
                Err(Error::data("avro.type", message))
            };
        }
        let converted = schema::to_connect_schema(reader, version, config)?;
        let code = compile::compile(&compile::Input {
            resolution: resolve::Resolution::new(writer, reader),
            schema: &converted.schema,
            recursive: &converted.recursive,
            config,
        })?;
        let slots = Layout::of(&converted.schema).slots();
        Ok(Body::Compiled { schema: Arc::new(converted.schema), slots, code: Box::new(code) })
    }

    /// The Connect schema of what [`Self::decode`] appends; `None` = schemaless, or every record fails.
    pub fn schema(&self) -> Option<&Arc<Schema>> {
        match &self.body {
            Body::Compiled { schema, .. } => Some(schema),
            Body::Schemaless | Body::Broken { .. } => None,
        }
    }

    /// How the struct at `slot` of what is decoded is cut out of a payload as what `row` writes for it; `None`: it cannot be.
    pub(crate) fn excerpt(&self, slot: u32, row: &EncodePlan) -> Option<Excerpt> {
        match &self.body {
            Body::Compiled { code, .. } => Excerpt::new(code, slot, &row.flat()?),
            Body::Schemaless | Body::Broken { .. } => None,
        }
    }

    /// Whether the bytes are of the writer's schema, as far as decoding goes: what is wrong with the schema itself, or with
    /// values that Avro takes and Connect does not, is no error here.
    ///
    /// # Errors
    /// Data: the first group of [`Self::decode`].
    pub fn check(&self, payload: &[u8], start: usize) -> Result<()> {
        const PAYLOAD: [&str; 6] =
            ["avro.truncated", "avro.varint", "avro.length", "avro.branch", "avro.symbol", "avro.trailing"];
        match self.decode(payload, start, &mut Vec::new()) {
            Err(error) if PAYLOAD.contains(&error.code()) => Err(error),
            _ => Ok(()),
        }
    }

    /// Decodes the Avro bytes that begin at `start` of `payload` and appends a row image, whose slots may refer to
    /// `payload`. `false` = no value and no schema; nothing was appended.
    ///
    /// # Errors
    /// Data: the bytes are not what the schema says (`avro.truncated`, `avro.varint`, `avro.length`, `avro.branch`,
    /// `avro.symbol`, `avro.time`, `avro.decimal`, `avro.trailing`), Confluent's converter cannot read such a value either
    /// (`avro.type`, `avro.union`, those of [`to_connect_schema`]), or a limit is passed (`avro.depth`, `avro.too-large`).
    pub fn decode(&self, payload: &[u8], start: usize, out: &mut Vec<u8>) -> Result<bool> {
        match &self.body {
            Body::Compiled { schema, slots, code } => decode::run(code, schema, *slots, payload, start, out),
            Body::Schemaless => anything::run(payload, start, &self.config, out),
            Body::Broken { error, null } => {
                let index = || Cursor::new(payload, start).int();
                match null {
                    Null::Always => Ok(false),
                    Null::Branches(branches) if index().is_ok_and(|index| branches.contains(&index)) => Ok(false),
                    _ => Err(error.clone()),
                }
            }
        }
    }
}

fn nulls(writer: &AvroSchema, reader: &AvroSchema) -> Null {
    let is_null = |schema: &AvroSchema, id| matches!(schema.get(id).kind, Kind::Null);
    let takes_null = match &reader.root().kind {
        Kind::Null => true,
        Kind::Union(branches) => branches.iter().any(|branch| is_null(reader, *branch)),
        _ => false,
    };
    match &writer.root().kind {
        Kind::Null if takes_null => Null::Always,
        Kind::Union(branches) if takes_null => Null::Branches(
            (0..).zip(branches).filter(|(_, branch)| is_null(writer, **branch)).map(|(i, _)| i).collect(),
        ),
        _ => Null::Never,
    }
}
