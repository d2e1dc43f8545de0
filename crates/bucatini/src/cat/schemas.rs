//! The schemas of a topic's messages, from the registry.

use crate::registry::http::HttpClient;
use crate::registry::{OverHttp, Performer, stopped};
use avro_converter::avro_json::{Printer, Style};
use avro_converter::avro_schema::AvroSchema;
use avro_converter::converter::{SchemaRef, read_header};
use connect_data::{Error, NeedId, Properties, Result};
use schema_registry::{Fact, Lookup, Need, References, RegisteredSchema, RegistryClient, RegistryConfig, Transport};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::runtime::Handle;

/// Printers for the schemas seen so far; a topic has few.
pub(crate) struct Schemas {
    registry: RegistryClient,
    performer: Box<dyn Performer>,
    style: Style,
    printers: BTreeMap<SchemaRef, Known>,
}

struct Known {
    printer: Printer,
    id: Option<i32>,
}

impl Schemas {
    /// # Errors
    /// Config: settings of the registry that are wrong.
    pub(super) fn over_http(
        settings: &Properties,
        style: Style,
        runtime: Handle,
        stop: crate::cli::Stop,
    ) -> Result<Self> {
        let client = HttpClient::new(&Transport::new(settings)?)?;
        let performer = OverHttp::new(client, runtime, stop);
        Ok(Self::new(RegistryClient::new(RegistryConfig::new(settings)?), Box::new(performer), style))
    }

    pub(crate) fn new(registry: RegistryClient, performer: Box<dyn Performer>, style: Style) -> Self {
        Self { registry, performer, style, printers: BTreeMap::new() }
    }

    /// Appends the JSON of a payload whose schema it names itself, or a record header does. Returns the schema's id. Blocks
    /// while the registry is asked.
    ///
    /// # Errors
    /// Data: no wire header, no such schema, bytes that are not of the schema. Outage, Config: the registry does not
    /// answer, or not to us.
    pub(crate) fn print(&mut self, payload: &[u8], header: Option<&[u8]>, out: &mut String) -> Result<Option<i32>> {
        let (name, start) = match header {
            Some(header) => (read_header(header)?.0, 0),
            None => read_header(payload)?,
        };
        if !self.printers.contains_key(&name) {
            let (registered, schema) = self.fetch(name)?;
            let id = match name {
                SchemaRef::Id(id) => Some(id),
                SchemaRef::Guid(_) => registered.id,
            };
            self.printers.insert(name, Known { printer: Printer::new(&schema, self.style), id });
        }
        let unknown = || Error::internal("cat.schema", "Avro: expected a known schema, found none");
        let known = self.printers.get(&name).ok_or_else(unknown)?;
        known.printer.print(payload, start, out)?;
        Ok(known.id)
    }

    /// A schema and what the registry says about it.
    ///
    /// # Errors
    /// As [`Self::print`].
    pub(crate) fn fetch(&self, name: SchemaRef) -> Result<(Arc<RegisteredSchema>, AvroSchema)> {
        let need = match name {
            SchemaRef::Id(id) => Need::Schema { id, subject: String::new() },
            SchemaRef::Guid(guid) => Need::Guid(SchemaRef::guid_text(&guid)),
        };
        let registered = loop {
            match self.registry.lookup(need.clone()) {
                Lookup::Fact(Fact::Schema(schema)) => break schema,
                Lookup::Fact(_) => {
                    return Err(Error::internal("cat.fact", "registry: expected a schema, found another fact"));
                }
                Lookup::Need(need) => self.satisfy(need)?,
            }
        };
        let references = loop {
            match self.registry.references(&registered)? {
                References::All(all) => break all,
                References::Need(need) => self.satisfy(need)?,
            }
        };
        let texts: Vec<&str> = references.iter().map(|schema| &*schema.text).collect();
        let schema = AvroSchema::parse(&registered.text, &texts)?;
        Ok((registered, schema))
    }

    /// The id of a schema under a subject, to which it is added if it is not there.
    ///
    /// # Errors
    /// Data: the registry refuses it. Outage, Config: as [`Self::print`].
    pub(crate) fn register(&self, subject: String, schema: &str) -> Result<i32> {
        let need = Need::Id { subject, schema: schema.into(), register: true, normalize: false };
        loop {
            match self.registry.lookup(need.clone()) {
                Lookup::Fact(Fact::Id(id)) => return Ok(id.id),
                Lookup::Fact(_) => {
                    return Err(Error::internal("cat.fact", "registry: expected an id, found another fact"));
                }
                Lookup::Need(need) => self.satisfy(need)?,
            }
        }
    }

    fn satisfy(&self, need: NeedId) -> Result<()> {
        while let Some(exchange) = self.registry.exchange(need, self.performer.now_ms())? {
            let answer = self.performer.perform(&exchange).ok_or_else(stopped)?;
            self.registry.answer(&answer, self.performer.now_ms());
        }
        Ok(())
    }
}
