//! `io.confluent.connect.avro.AvroConverter` 8.3.1: the wire header, the registry and the plans.

mod cache;
mod header;
mod settings;
mod topics;

use crate::avro_schema::AvroSchema;
use crate::from_connect::EncodePlan;
use crate::to_connect::{DecodePlan, Excerpt};
use cache::Cache;
use connect_data::frame::Answer;
use connect_data::row_image::Image;
use connect_data::{Converter, Decoded, Encoded, Error, NeedId, Properties, Result, SchemaId, SchemaStore, TopicId};
pub use header::{SchemaRef, read_header};
use schema_registry::{Fact, Lookup, Need, References, RegisteredSchema, RegistryClient, RegistryConfig};
use settings::{Latest, Settings, Writing};
use std::sync::Arc;
use topics::Topics;

/// The converter. Threads share it; plans and facts are cached, each bounded.
pub struct AvroConverter {
    settings: Settings,
    is_key: bool,
    registry: RegistryClient,
    schemas: Arc<dyn SchemaStore>,
    topics: Topics,
    decoders: Cache<(TopicId, SchemaRef), Decoder>,
    encoders: Cache<(TopicId, Option<SchemaId>), Encoder>,
    /// Plans that write a Connect schema as its own Avro schema; they do not depend on the topic.
    plans: Cache<Option<SchemaId>, EncodePlan>,
    cuts: Cache<(TopicId, SchemaRef), Cut>,
}

/// For payloads of one schema in one topic.
struct Decoder {
    plan: DecodePlan,
    schema: Option<SchemaId>,
}

/// For one Connect schema in one topic.
struct Encoder {
    plan: EncodePlan,
    header: [u8; 5],
}

/// For payloads of one schema in one topic that become rows.
struct Cut {
    header: [u8; 5],
    /// `None`: not the same bytes.
    excerpt: Option<Excerpt>,
}

/// Payloads that are larger than this are never cut.
const MAX_EXCERPT: usize = 1 << 20;

/// A step that may need the registry first.
enum Step<T> {
    Done(T),
    Need(NeedId),
}

/// Gives the value of a step, or returns the need.
macro_rules! done {
    ($step:expr) => {
        match $step? {
            Step::Done(value) => value,
            Step::Need(need) => return Ok(Step::Need(need)),
        }
    };
}

impl AvroConverter {
    /// Sets a converter up. `is_key` as in `Converter.configure`.
    ///
    /// # Errors
    /// Config: the first setting that is missing, wrong or not supported.
    pub fn new(properties: &Properties, is_key: bool, schemas: Arc<dyn SchemaStore>) -> Result<Self> {
        let settings = Settings::new(properties, is_key)?;
        let registry = RegistryClient::new(RegistryConfig::new(properties)?);
        let capacity = settings.data.schemas_cache;
        Ok(Self {
            settings,
            is_key,
            registry,
            schemas,
            topics: Topics::default(),
            decoders: Cache::new(capacity),
            encoders: Cache::new(capacity),
            plans: Cache::new(capacity),
            cuts: Cache::new(capacity),
        })
    }

    /// Takes a struct out of a payload and makes a payload of it: what `to_connect`, taking the struct and `from_connect`
    /// come to, where both hold the same bytes. The payload is checked whole. `false`: nothing was appended; the three steps
    /// have to be taken, be it that there is an error to be found, or that something is not known before they were.
    ///
    /// `of` says for a schema of this converter in which slot the struct is and which schema it gets; it is asked until it
    /// does, and then no more.
    pub fn excerpt(
        &self,
        topic: TopicId,
        headers: &[u8],
        payload: &[u8],
        of: impl FnOnce(SchemaId) -> Option<(u32, SchemaId)>,
        out: &mut Vec<u8>,
    ) -> bool {
        // Large ones have limits on the way.
        let (schema, start) = match header::read(headers, self.settings.id_in_header, self.is_key, payload) {
            Ok(found) if payload.len() <= MAX_EXCERPT => found,
            _ => return false,
        };
        let cut = |cut: &Cut, out: &mut Vec<u8>| {
            let found = cut.excerpt.as_ref().and_then(|excerpt| payload.get(excerpt.find(payload, start)?));
            if let Some(found) = found {
                out.extend_from_slice(&cut.header);
                out.extend_from_slice(found);
            }
            found.is_some()
        };
        if let Some(done) = self.cuts.with((topic, schema), |known| cut(known, out)) {
            return done;
        }
        let made = || {
            let decoder = self.decoders.get((topic, schema))?;
            let (slot, row) = of(decoder.schema?)?;
            let encoder = self.encoders.get((topic, Some(row)))?;
            Some(Cut { header: encoder.header, excerpt: decoder.plan.excerpt(slot, &encoder.plan) })
        };
        let Some(made) = made().map(Arc::new) else { return false };
        self.cuts.insert((topic, schema), made.clone());
        cut(&made, out)
    }

    fn schema(&self, need: Need) -> Result<Step<Arc<RegisteredSchema>>> {
        match self.registry.lookup(need) {
            Lookup::Need(need) => Ok(Step::Need(need)),
            Lookup::Fact(Fact::Schema(schema)) => Ok(Step::Done(schema)),
            Lookup::Fact(_) => Err(other_fact()),
        }
    }

    fn parse(&self, schema: &RegisteredSchema) -> Result<Step<AvroSchema>> {
        match self.registry.references(schema)? {
            References::Need(need) => Ok(Step::Need(need)),
            References::All(all) => {
                let texts: Vec<&str> = all.iter().map(|schema| &*schema.text).collect();
                AvroSchema::parse(&schema.text, &texts).map(Step::Done)
            }
        }
    }

    fn latest(&self, latest: &Latest, subject: &str) -> Result<Step<Arc<RegisteredSchema>>> {
        let subject = subject.to_owned();
        self.schema(match latest {
            Latest::Version => Need::Latest { subject },
            Latest::Metadata(properties) => Need::Metadata { subject, properties: properties.clone() },
        })
    }

    /// Writer's schema of a payload, and its subject.
    fn written(&self, topic: &str, schema: SchemaRef) -> Result<Step<(Arc<RegisteredSchema>, AvroSchema, String)>> {
        let fetch = |subject: &str| {
            self.schema(match schema {
                SchemaRef::Id(id) => Need::Schema { id, subject: subject.to_owned() },
                SchemaRef::Guid(guid) => Need::Guid(SchemaRef::guid_text(&guid)),
            })
        };
        let strategy = self.settings.strategy;
        let known = strategy.of_topic(topic, self.is_key);
        let found = done!(fetch(known.as_deref().unwrap_or("")));
        let parsed = done!(self.parse(&found));
        if let Some(subject) = known {
            return Ok(Step::Done((found, parsed, subject)));
        }
        // The schema has told its subject; Confluent asks for it there once more.
        let subject = strategy.subject(topic, self.is_key, &parsed)?;
        let found = done!(fetch(&subject));
        let parsed = done!(self.parse(&found));
        Ok(Step::Done((found, parsed, subject)))
    }

    fn decoder(&self, topic: TopicId, schema: SchemaRef, payload: &[u8], start: usize) -> Result<Step<Arc<Decoder>>> {
        let name = self.topics.name(topic)?;
        let (found, writer, subject) = done!(self.written(&name, schema));
        if self.settings.specific && writer.root().name().is_some() {
            let message =
                format!("setting specific.avro.reader: expected a class {}, found none", writer.root().full_name());
            return Err(Error::data("avro.specific-reader", message).hint("set it to false"));
        }
        let reader = match &self.settings.reading {
            None => None,
            Some(latest) => {
                let latest = done!(self.latest(latest, &subject));
                Some(done!(self.parse(&latest)))
            }
        };
        let compile = |version| DecodePlan::compile(&writer, reader.as_ref(), version, &self.settings.data);
        if reader.is_none() {
            // A payload that is not of its schema does not need the schema's version.
            compile(None).check(payload, start)?;
        }
        let need = Need::Version { subject, schema: found.text.clone(), references: found.references.clone() };
        let version = match self.registry.lookup(need) {
            Lookup::Need(need) => return Ok(Step::Need(need)),
            Lookup::Fact(Fact::Version(version)) => version,
            Lookup::Fact(_) => return Err(other_fact()),
        };
        let plan = compile(version);
        let id = plan.schema().map(|schema| self.schemas.intern(schema.clone())).transpose()?;
        let decoder = Arc::new(Decoder { plan, schema: id });
        self.decoders.insert((topic, schema), decoder.clone());
        Ok(Step::Done(decoder))
    }

    fn plan(&self, schema: Option<SchemaId>) -> Result<Arc<EncodePlan>> {
        if let Some(plan) = self.plans.get(schema) {
            return Ok(plan);
        }
        let definition = schema.map(|id| {
            let unknown =
                || Error::internal("avro.schema", format!("converter: expected the number of a schema, found {id}"));
            self.schemas.get(id).ok_or_else(unknown)
        });
        let definition = definition.transpose()?;
        let plan = Arc::new(EncodePlan::compile(definition.as_deref(), &self.settings.data)?);
        self.plans.insert(schema, plan.clone());
        Ok(plan)
    }

    fn encoder(&self, topic: TopicId, schema: Option<SchemaId>, plan: &EncodePlan) -> Result<Step<Arc<Encoder>>> {
        let name = self.topics.name(topic)?;
        let own = plan.avro_schema();
        let subject = self.settings.strategy.subject(&name, self.is_key, own)?;
        let (id, writer) = match &self.settings.writing {
            writing @ (Writing::Register | Writing::LookUp) => {
                let need = Need::Id {
                    subject,
                    schema: own.to_string().into(),
                    register: *writing == Writing::Register,
                    normalize: self.settings.normalize,
                };
                match self.registry.lookup(need) {
                    Lookup::Need(need) => return Ok(Step::Need(need)),
                    Lookup::Fact(Fact::Id(id)) => (id.id, None),
                    Lookup::Fact(_) => return Err(other_fact()),
                }
            }
            Writing::Id { id, strict } => {
                let found = done!(self.schema(Need::Schema { id: *id, subject }));
                let writer = done!(self.parse(&found));
                check_compatible(*strict, "id.compatibility.strict", &writer, own)?;
                (*id, Some(writer))
            }
            Writing::Latest { latest, strict } => {
                let found = done!(self.latest(latest, &subject));
                let writer = done!(self.parse(&found));
                check_compatible(*strict, "latest.compatibility.strict", &writer, own)?;
                let id = found.id.ok_or_else(|| {
                    let message = format!("latest version of subject {subject}: expected its id, found none");
                    Error::data("avro.latest-id", message)
                })?;
                (id, Some(writer))
            }
        };
        let plan = match writer {
            None => plan.clone(),
            Some(writer) => plan.with_writer_schema(Arc::new(writer))?,
        };
        let [a, b, c, d] = id.to_be_bytes();
        let encoder = Arc::new(Encoder { plan, header: [0, a, b, c, d] });
        self.encoders.insert((topic, schema), encoder.clone());
        Ok(Step::Done(encoder))
    }
}

fn other_fact() -> Error {
    Error::internal("avro.fact", "converter: expected the registry's answer to a question, found one to another")
}

fn check_compatible(strict: bool, setting: &str, writer: &AvroSchema, own: &AvroSchema) -> Result<()> {
    match writer.incompatibility(own).filter(|_| strict) {
        None => Ok(()),
        Some(reason) => {
            let message = format!("registry's schema: expected one that reads this record's, found another: {reason}");
            Err(Error::data("avro.incompatible", message).hint(format!("{setting}=false skips this check")))
        }
    }
}

impl Converter for AvroConverter {
    fn topic(&self, name: &str) -> Result<TopicId> {
        self.topics.number(name)
    }

    fn to_connect(&self, topic: TopicId, headers: &[u8], payload: &[u8], out: &mut Vec<u8>) -> Result<Decoded> {
        let (schema, start) = header::read(headers, self.settings.id_in_header, self.is_key, payload)?;
        let decode = |decoder: &Decoder, out: &mut Vec<u8>| {
            Ok(match decoder.plan.decode(payload, start, out)? {
                true => Decoded::Value(decoder.schema),
                false => Decoded::Null,
            })
        };
        if let Some(decoded) = self.decoders.with((topic, schema), |decoder| decode(decoder, out)) {
            return decoded;
        }
        match self.decoder(topic, schema, payload, start)? {
            Step::Done(decoder) => decode(&decoder, out),
            Step::Need(need) => Ok(Decoded::Need(need)),
        }
    }

    fn from_connect(
        &self,
        topic: TopicId,
        schema: Option<SchemaId>,
        image: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Encoded> {
        let image = Image::new(image, &[])?;
        let encode = |encoder: &Encoder, out: &mut Vec<u8>| {
            let before = out.len();
            out.extend_from_slice(&encoder.header);
            let encoded = encoder.plan.encode(&image, out);
            if !matches!(encoded, Ok(true)) {
                out.truncate(before);
            }
            encoded.map(|bytes| if bytes { Encoded::Bytes } else { Encoded::Null })
        };
        if let Some(encoded) = self.encoders.with((topic, schema), |encoder| encode(encoder, out)) {
            return encoded;
        }
        let plan = self.plan(schema)?;
        // Null bytes and values that cannot be written concern no registry.
        if !plan.encode(&image, &mut Vec::new())? {
            return Ok(Encoded::Null);
        }
        match self.encoder(topic, schema, &plan)? {
            Step::Done(encoder) => encode(&encoder, out),
            Step::Need(need) => Ok(Encoded::Need(need)),
        }
    }

    fn exchange(&self, need: NeedId, now_ms: i64, out: &mut Vec<u8>) -> Result<bool> {
        let exchange = self.registry.exchange(need, now_ms)?;
        if let Some(exchange) = &exchange {
            exchange.write(out);
        }
        Ok(exchange.is_some())
    }

    fn answer(&self, answer: &[u8], now_ms: i64) -> Result<()> {
        self.registry.answer(&Answer::read(answer)?, now_ms);
        Ok(())
    }
}
