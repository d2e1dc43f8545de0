//! A converter in a component.

use crate::bindings::base::exports::bucatini::connect::plugin;
use crate::bindings::converter::Converter as World;
use crate::bindings::converter::exports::bucatini::connect::converter::Guest as Exports;
use crate::component::Component;
use crate::guest::{Fault, Guest, Live, Options, Outcome, Role};
use crate::state::{State, from_wit_error};
use connect_data::batch::{self, BatchWriter, FromConnect, Items, ToConnect};
use connect_data::{Converter, Decoded, Encoded, Error, NeedId, Properties, Result, SchemaId, SchemaStore, TopicId};
use std::collections::BTreeMap;
use std::sync::Arc;
use wasmtime::Store;
use wasmtime::component::Instance;

/// [`Converter`] over a component. Calls from several threads take turns.
pub struct ComponentConverter {
    guest: Guest<ConverterRole>,
}

impl ComponentConverter {
    /// Starts and configures a converter. `is_key`: it is the key's.
    ///
    /// # Errors
    /// Config: a setting is wrong, or the component is no converter. Internal: it traps or takes too long.
    pub fn open(
        component: &Component,
        settings: &Properties,
        is_key: bool,
        schemas: Arc<dyn SchemaStore>,
        options: &Options,
    ) -> Result<Self> {
        Ok(Self { guest: Guest::open(component, settings, is_key, schemas, options)? })
    }

    /// `to_connect` of several payloads without headers, in one call. Appends a result with one item for each
    /// (`connect_data::batch`): what a call costs is shared, and a need or an error concerns only its own item. The numbers of
    /// needs in it are the instance's own; call [`Converter::to_connect`] for such a payload.
    ///
    /// # Errors
    /// Internal: the component traps, takes too long, or does not answer with as many items.
    pub fn to_connect_batch(&self, topic: TopicId, payloads: &[&[u8]], out: &mut Vec<u8>) -> Result<()> {
        self.guest.call(|live, lasting| {
            let topic = match live.topic(lasting, topic)? {
                Ok(topic) => topic,
                Err(error) => return Ok(Err(error)),
            };
            let call = lasting.batch(|batch| {
                for payload in payloads {
                    batch.item(|call| ToConnect { topic, headers: &[], payload }.write(call));
                }
            });
            let (exports, store) = live.exports();
            let result = exports.call_to_connect(store, call)?;
            let items = Items::read(&result).and_then(Items::counted).map_err(Fault::Result)?;
            if items != payloads.len() {
                let message = format!("batch: expected {} items, found {items}", payloads.len());
                return Err(Fault::Result(Error::internal("batch.count", message)));
            }
            if out.is_empty() {
                *out = result;
            } else {
                out.extend_from_slice(&result);
            }
            Ok(Ok(()))
        })
    }
}

enum ConverterRole {}

impl Role for ConverterRole {
    type Bindings = World;
    type Memory = Vec<Option<TopicId>>;
    type Lasting = Lasting;

    const ROLE: plugin::Role = plugin::Role::Converter;

    fn bind(store: &mut Store<State>, instance: &Instance) -> wasmtime::Result<World> {
        World::new(store, instance)
    }

    fn replaced(lasting: &mut Lasting) {
        lasting.needs.forget();
        lasting.exchanges.forget();
    }
}

/// What the host knows of the converter, whichever instance answers.
#[derive(Default)]
struct Lasting {
    topics: Vec<Arc<str>>,
    topic_ids: BTreeMap<Arc<str>, TopicId>,
    needs: Numbers,
    exchanges: Numbers,
    call: Vec<u8>,
}

/// A call larger than this does not keep its memory.
const RETAINED_CALL: usize = 1 << 20;

impl Converter for ComponentConverter {
    fn topic(&self, name: &str) -> Result<TopicId> {
        self.guest.call(|live, lasting| {
            if let Some(id) = lasting.topic_ids.get(name) {
                return Ok(Ok(*id));
            }
            let (exports, store) = live.exports();
            let guest = match exports.call_topic(store, name)? {
                Ok(id) => id,
                Err(error) => return Ok(Err(from_wit_error(error))),
            };
            let (id, name) = (lasting.topics.len() as TopicId, Arc::<str>::from(name));
            lasting.topics.push(name.clone());
            lasting.topic_ids.insert(name, id);
            live.remember(id, guest);
            Ok(Ok(id))
        })
    }

    fn to_connect(&self, topic: TopicId, headers: &[u8], payload: &[u8], out: &mut Vec<u8>) -> Result<Decoded> {
        self.guest.call(|live, lasting| {
            let topic = match live.topic(lasting, topic)? {
                Ok(topic) => topic,
                Err(error) => return Ok(Err(error)),
            };
            let call = lasting.call(|call| ToConnect { topic, headers, payload }.write(call));
            let (exports, store) = live.exports();
            let result = exports.call_to_connect(store, call)?;
            let decoded = batch::read_decoded(Items::only(&result).map_err(Fault::Result)?, out);
            Ok(decoded.map(|decoded| match decoded {
                Decoded::Need(need) => Decoded::Need(lasting.needs.ours(need)),
                other => other,
            }))
        })
    }

    fn from_connect(
        &self,
        topic: TopicId,
        schema: Option<SchemaId>,
        image: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Encoded> {
        self.guest.call(|live, lasting| {
            let topic = match live.topic(lasting, topic)? {
                Ok(topic) => topic,
                Err(error) => return Ok(Err(error)),
            };
            let call = lasting.call(|call| FromConnect { topic, schema, image }.write(call));
            let (exports, store) = live.exports();
            let result = exports.call_from_connect(store, call)?;
            let encoded = batch::read_encoded(Items::only(&result).map_err(Fault::Result)?, out);
            Ok(encoded.map(|encoded| match encoded {
                Encoded::Need(need) => Encoded::Need(lasting.needs.ours(need)),
                other => other,
            }))
        })
    }

    fn exchange(&self, need: NeedId, now_ms: i64, out: &mut Vec<u8>) -> Result<bool> {
        self.guest.call(|live, lasting| {
            // The need of an instance that is gone: the conversion, called again, says what the new one lacks.
            let Some(need) = lasting.needs.theirs(need) else {
                return Ok(Ok(false));
            };
            let (exports, store) = live.exports();
            let exchange = match exports.call_exchange(store, need, now_ms)? {
                Ok(Some(exchange)) => exchange,
                Ok(None) => return Ok(Ok(false)),
                Err(error) => return Ok(Err(from_wit_error(error))),
            };
            let (id, rest) = number(&exchange).map_err(Fault::Result)?;
            out.extend_from_slice(&lasting.exchanges.ours(id).to_le_bytes());
            out.extend_from_slice(rest);
            Ok(Ok(true))
        })
    }

    fn answer(&self, answer: &[u8], now_ms: i64) -> Result<()> {
        let (id, rest) = number(answer)?;
        self.guest.call(|live, lasting| {
            // Asked for by an instance that is gone.
            let Some(id) = lasting.exchanges.theirs(id) else {
                return Ok(Ok(()));
            };
            let call = [&id.to_le_bytes(), rest].concat();
            let (exports, store) = live.exports();
            Ok(exports.call_answer(store, &call, now_ms)?.map_err(from_wit_error))
        })
    }
}

/// The number that an exchange or answer begins with.
fn number(frame: &[u8]) -> Result<(u32, &[u8])> {
    let (id, rest) = frame.split_first_chunk().ok_or_else(|| {
        Error::internal("wasm.exchange", format!("expected an exchange or answer, found {} bytes", frame.len()))
    })?;
    Ok((u32::from_le_bytes(*id), rest))
}

impl Lasting {
    fn call(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> &[u8] {
        self.batch(|batch| batch.item(write))
    }

    fn batch(&mut self, write: impl FnOnce(&mut BatchWriter<'_>)) -> &[u8] {
        if self.call.capacity() > RETAINED_CALL {
            self.call = Vec::new();
        }
        self.call.clear();
        write(&mut BatchWriter::new(&mut self.call));
        &self.call
    }
}

impl Live<ConverterRole> {
    fn exports(&mut self) -> (&Exports, &mut Store<State>) {
        (self.bindings.bucatini_connect_converter(), &mut self.store)
    }

    /// This instance's number of a topic; a new instance is told of topics as they come up again.
    fn topic(&mut self, lasting: &Lasting, topic: TopicId) -> Outcome<TopicId> {
        if let Some(Some(guest)) = self.memory.get(topic as usize) {
            return Ok(Ok(*guest));
        }
        let Some(name) = lasting.topics.get(topic as usize) else {
            let message = format!("expected the number of an interned topic, found {topic}");
            return Ok(Err(Error::internal("wasm.topic", message)));
        };
        Ok(match self.bindings.bucatini_connect_converter().call_topic(&mut self.store, name)? {
            Ok(guest) => {
                self.remember(topic, guest);
                Ok(guest)
            }
            Err(error) => Err(from_wit_error(error)),
        })
    }

    fn remember(&mut self, topic: TopicId, guest: TopicId) {
        let at = topic as usize;
        if self.memory.len() <= at {
            self.memory.resize(at + 1, None);
        }
        if let Some(place) = self.memory.get_mut(at) {
            *place = Some(guest);
        }
    }
}

/// Ours for theirs: a number that an instance gave out must not be taken for one of its successor's.
#[derive(Default)]
struct Numbers {
    last: u32,
    ours: BTreeMap<u32, u32>,
    theirs: BTreeMap<u32, u32>,
}

/// Beyond it the oldest is forgotten, which costs a conversion that is called once more.
const MAX_NUMBERS: usize = 10_000;

impl Numbers {
    fn ours(&mut self, theirs: u32) -> u32 {
        if let Some(ours) = self.ours.get(&theirs) {
            return *ours;
        }
        if self.theirs.len() >= MAX_NUMBERS
            && let Some((_, oldest)) = self.theirs.pop_first()
        {
            self.ours.remove(&oldest);
        }
        self.last = self.last.wrapping_add(1);
        self.ours.insert(theirs, self.last);
        self.theirs.insert(self.last, theirs);
        self.last
    }

    fn theirs(&self, ours: u32) -> Option<u32> {
        self.theirs.get(&ours).copied()
    }

    fn forget(&mut self) {
        self.ours.clear();
        self.theirs.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_an_instance_that_is_gone_are_unknown() {
        let mut numbers = Numbers::default();
        let first = numbers.ours(7);
        assert_eq!((numbers.ours(7), numbers.theirs(first)), (first, Some(7)));
        numbers.forget();
        assert_eq!(numbers.theirs(first), None);
        let second = numbers.ours(7);
        assert_ne!(first, second);
        for theirs in 0..20_000 {
            numbers.ours(theirs);
        }
        assert_eq!((numbers.theirs.len(), numbers.ours.len()), (MAX_NUMBERS, MAX_NUMBERS));
        assert_eq!(numbers.theirs(second), None);
    }
}
