//! Gives converters what they need from a Schema Registry: the loop of needs, exchanges and answers around every
//! conversion.

pub mod http;

use crate::cli::stop::{Level, Stop};
use connect_data::frame::{Answer, Exchange};
use connect_data::{Converter, Decoded, Encoded, Error, NeedId, Result, SchemaId, TopicId};
use http::HttpClient;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;

/// A conversion that asks for more than this without getting anywhere is broken.
const MAX_NEEDS: u32 = 10_000;

/// What performs exchanges.
pub(crate) trait Performer: Send + Sync {
    /// Waits for `delay_ms` and then for the answer. `None`: the run ends before that.
    fn perform(&self, exchange: &Exchange) -> Option<Answer>;

    /// Milliseconds of a clock that only goes forward.
    fn now_ms(&self) -> i64;
}

/// A converter that gets its answers.
pub(crate) struct Registered {
    converter: Box<dyn Converter>,
    performer: Box<dyn Performer>,
}

impl Registered {
    pub(crate) fn new(converter: Box<dyn Converter>, performer: Box<dyn Performer>) -> Self {
        Self { converter, performer }
    }

    /// See [`Converter::topic`].
    ///
    /// # Errors
    /// As there.
    pub(crate) fn topic(&self, name: &str) -> Result<TopicId> {
        self.converter.topic(name)
    }

    /// See [`Converter::to_connect`]; never a need. `None` = no schema and no value. Blocks the thread while the registry is
    /// asked.
    ///
    /// # Errors
    /// As there. Outage `run.stopped`: the run ends at once.
    pub(crate) fn to_connect(
        &self,
        topic: TopicId,
        headers: &[u8],
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Option<Option<SchemaId>>> {
        for _ in 0..MAX_NEEDS {
            match self.converter.to_connect(topic, headers, payload, out)? {
                Decoded::Value(schema) => return Ok(Some(schema)),
                Decoded::Null => return Ok(None),
                Decoded::Need(need) => self.satisfy(need)?,
            }
        }
        Err(endless())
    }

    /// See [`Converter::from_connect`]; never a need. `false` = null bytes. Blocks the thread while the registry is asked.
    ///
    /// # Errors
    /// As there. Outage `run.stopped`: the run ends at once.
    #[allow(clippy::wrong_self_convention)] // Connect's name
    pub(crate) fn from_connect(
        &self,
        topic: TopicId,
        schema: Option<SchemaId>,
        image: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<bool> {
        for _ in 0..MAX_NEEDS {
            match self.converter.from_connect(topic, schema, image, out)? {
                Encoded::Bytes => return Ok(true),
                Encoded::Null => return Ok(false),
                Encoded::Need(need) => self.satisfy(need)?,
            }
        }
        Err(endless())
    }

    fn satisfy(&self, need: NeedId) -> Result<()> {
        let mut bytes = Vec::new();
        while self.converter.exchange(need, self.performer.now_ms(), &mut bytes)? {
            let exchange = Exchange::read(&bytes)?;
            let answer = self.performer.perform(&exchange).ok_or_else(stopped)?;
            bytes.clear();
            answer.write(&mut bytes);
            self.converter.answer(&bytes, self.performer.now_ms())?;
            bytes.clear();
        }
        Ok(())
    }
}

/// What a part of a run returns that was told to end at once.
pub(crate) fn stopped() -> Error {
    Error::outage(STOPPED, "the run was told to end at once")
}

/// Code of [`stopped`].
pub(crate) const STOPPED: &str = "run.stopped";

fn endless() -> Error {
    Error::internal("registry.endless", "converter: expected an end of its needs, found more and more of them")
}

/// Exchanges over HTTP. Its thread must be one that may block.
pub(crate) struct OverHttp {
    client: Arc<HttpClient>,
    handle: Handle,
    stop: Stop,
    started: Instant,
}

impl OverHttp {
    /// Performs through `client` on the runtime of `handle`.
    pub(crate) fn new(client: impl Into<Arc<HttpClient>>, handle: Handle, stop: Stop) -> Self {
        Self { client: client.into(), handle, stop, started: Instant::now() }
    }
}

impl Performer for OverHttp {
    fn perform(&self, exchange: &Exchange) -> Option<Answer> {
        if exchange.delay_ms > 0 {
            tracing::info!("the registry is asked again in {} ms", exchange.delay_ms);
        }
        self.handle.block_on(async {
            let exchanged = async {
                tokio::time::sleep(Duration::from_millis(u64::from(exchange.delay_ms))).await;
                self.client.perform(exchange).await
            };
            tokio::select! {
                answer = exchanged => {
                    if answer.status == 0 {
                        tracing::warn!("the registry does not answer: {}", String::from_utf8_lossy(&answer.body));
                    }
                    Some(answer)
                }
                () = self.stop.reached(Level::Now) => None,
            }
        })
    }

    fn now_ms(&self) -> i64 {
        self.started.elapsed().as_millis() as i64
    }
}

/// For converters that ask nobody.
pub(crate) struct NoRegistry;

impl Performer for NoRegistry {
    fn perform(&self, exchange: &Exchange) -> Option<Answer> {
        let body = b"this converter has no setting schema.registry.url".to_vec();
        Some(Answer { id: exchange.id, status: 0, headers: Vec::new(), body })
    }

    fn now_ms(&self) -> i64 {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use avro_converter::converter::AvroConverter;
    use connect_data::row_image::{Image, tree};
    use connect_data::schema::{Node, Schema};
    use connect_data::{InternedSchemas, Properties, SchemaStore, Type, Value};
    use std::sync::Mutex;

    /// Answers from a list, and writes down what was asked.
    struct Script {
        answers: Mutex<Vec<(u16, &'static str)>>,
        asked: Arc<Mutex<Vec<String>>>,
        clock: Mutex<i64>,
    }

    impl Performer for Script {
        fn perform(&self, exchange: &Exchange) -> Option<Answer> {
            *self.clock.lock().unwrap() += i64::from(exchange.delay_ms) + 1;
            self.asked.lock().unwrap().push(format!("{} {}", exchange.method, exchange.url));
            let (status, body) = self.answers.lock().unwrap().pop()?;
            Some(Answer { id: exchange.id, status, headers: Vec::new(), body: body.as_bytes().to_vec() })
        }

        fn now_ms(&self) -> i64 {
            *self.clock.lock().unwrap()
        }
    }

    fn converter(answers: &[(u16, &'static str)]) -> (Registered, Arc<Mutex<Vec<String>>>, Arc<dyn SchemaStore>) {
        let asked = Arc::new(Mutex::default());
        let schemas: Arc<dyn SchemaStore> = Arc::new(InternedSchemas::new());
        let settings = Properties::from_iter([("schema.registry.url", "http://registry"), ("max.retries", "2")]);
        let answers = Mutex::new(answers.iter().rev().copied().collect());
        let script = Script { answers, asked: asked.clone(), clock: Mutex::new(0) };
        let converter = AvroConverter::new(&settings, false, schemas.clone()).unwrap();
        (Registered::new(Box::new(converter), Box::new(script)), asked, schemas)
    }

    fn text(schemas: &Arc<dyn SchemaStore>) -> (SchemaId, Vec<u8>) {
        let schema = Arc::new(Schema::primitive(Node::new(Type::String)));
        let mut image = Vec::new();
        tree::write(Some(&schema), &Value::String("spaghetti".into()), &mut image).unwrap();
        (schemas.intern(schema).unwrap(), image)
    }

    #[test]
    fn a_conversion_asks_once_and_then_knows() {
        let (converter, asked, schemas) = converter(&[(200, r#"{"id":7}"#)]);
        let (schema, image) = text(&schemas);
        let topic = converter.topic("t").unwrap();
        for _ in 0..3 {
            let mut out = Vec::new();
            assert!(converter.from_connect(topic, Some(schema), &image, &mut out).unwrap());
            assert_eq!(out, b"\0\0\0\0\x07\x12spaghetti");
        }
        assert_eq!(*asked.lock().unwrap(), ["POST http://registry/subjects/t-value/versions?normalize=false"]);
    }

    #[test]
    fn both_questions_of_a_reader_are_answered() {
        let (converter, asked, _) = converter(&[(200, r#"{"schema":"\"string\""}"#), (200, r#"{"version":3}"#)]);
        let topic = converter.topic("t").unwrap();
        let payload = b"\0\0\0\0\x07\x12spaghetti";
        let mut out = Vec::new();
        converter.to_connect(topic, &[], payload, &mut out).unwrap().unwrap();
        assert_eq!(Image::new(&out, payload).unwrap().text(0).unwrap(), "spaghetti");
        assert_eq!(asked.lock().unwrap().len(), 2);
    }

    #[test]
    fn an_outage_is_told_after_its_retries_and_an_end_at_once() {
        let (converter, asked, schemas) = converter(&[(503, ""), (503, ""), (503, "")]);
        let (schema, image) = text(&schemas);
        let topic = converter.topic("t").unwrap();
        let error = converter.from_connect(topic, Some(schema), &image, &mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), connect_data::ErrorKind::Outage);
        assert_eq!(asked.lock().unwrap().len(), 3);
        // The script has no further answer, as a run that ends has none.
        let error = converter.from_connect(topic, Some(schema), &image, &mut Vec::new()).unwrap_err();
        assert_eq!(error.code(), STOPPED);
    }
}
