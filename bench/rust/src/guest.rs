//! The component with other settings of the engine than the host has, to see what each of them takes. No limits, no
//! replacement after a trap: the call alone.

use crate::input::{Input, TOPIC};
use component_host::ALLOWED_FEATURES;
use connect_data::batch::{BatchWriter, Items, ToConnect, status};
use connect_data::frame::{Answer, Exchange};
use wasmtime::component::{Component, Func, Instance, Linker, Val};
use wasmtime::{Config, Engine, Store, WasmFeatures};

/// Settings of the engine.
#[derive(Clone, Copy)]
pub struct Settings {
    pub name: &'static str,
    /// Bounds by the processor's signals instead of in code.
    signals: bool,
    /// Whether guests look at the clock.
    epoch: bool,
    /// Whether a memory that grows may go elsewhere.
    moving: bool,
}

impl Settings {
    pub const ALL: [Self; 5] = [
        Self { name: "as the host has it, the call alone", ..Self::HOST },
        Self { name: "with memory that may move", moving: true, ..Self::HOST },
        Self { name: "without epochs", epoch: false, ..Self::HOST },
        Self { name: "with signals", signals: true, ..Self::HOST },
        Self { name: "with signals, without epochs", signals: true, epoch: false, ..Self::HOST },
    ];
    /// What the host has.
    pub const HOST: Self = Self { name: "", signals: false, epoch: true, moving: false };

    pub fn engine(self) -> Engine {
        let mut config = Config::new();
        config.wasm_features(WasmFeatures::all(), false).wasm_features(ALLOWED_FEATURES, true);
        config.epoch_interruption(self.epoch).signals_based_traps(self.signals);
        if !self.signals {
            config.memory_reservation(64 << 20).memory_reservation_for_growth(0).memory_guard_size(0);
            config.memory_may_move(self.moving);
        }
        Engine::new(&config).unwrap()
    }
}

const CONVERTER: &str = "bucatini:connect/converter@0.1.0";

pub struct Guest {
    store: Store<()>,
    to_connect: Func,
    batches: Vec<(usize, Vec<u8>)>,
    payloads: Vec<Vec<u8>>,
    topic: u32,
}

impl Guest {
    pub fn new(bytes: &[u8], settings: Settings, input: &Input) -> Self {
        let engine = settings.engine();
        let component = Component::from_binary(&engine, bytes).unwrap();
        let mut linker = Linker::<()>::new(&engine);
        let mut schemas = linker.instance("bucatini:connect/schema-store@0.1.0").unwrap();
        schemas
            .func_new("intern", |_, _, _, results| {
                results[0] = Val::Result(Ok(Some(Box::new(Val::U32(1)))));
                Ok(())
            })
            .unwrap();
        linker.define_unknown_imports_as_traps(&component).unwrap();
        let mut store = Store::new(&engine, ());
        store.set_epoch_deadline(1 << 40);
        let instance = linker.instantiate(&mut store, &component).unwrap();
        let setting = [("name", "schema.registry.url"), ("value", "http://registry")];
        let setting = setting.map(|(key, value)| (key.to_owned(), Val::String(value.to_owned())));
        let configure = func(&instance, &mut store, "bucatini:connect/plugin@0.1.0", "configure");
        let configured =
            call(configure, &mut store, &[Val::List(vec![Val::Record(setting.to_vec())]), Val::Bool(false)]);
        assert!(matches!(configured, Val::Result(Ok(_))));
        let topic = func(&instance, &mut store, CONVERTER, "topic");
        let Val::Result(Ok(Some(topic))) = call(topic, &mut store, &[Val::String(TOPIC.to_owned())]) else { panic!() };
        let Val::U32(topic) = *topic else { panic!() };
        let to_connect = func(&instance, &mut store, CONVERTER, "to-connect");
        let mut guest = Self { store, to_connect, batches: Vec::new(), payloads: input.payloads.clone(), topic };
        guest.satisfy(&instance, input);
        guest
    }

    /// Answers what it needs for the first record.
    fn satisfy(&mut self, instance: &Instance, input: &Input) {
        loop {
            let result = self.run(1);
            let item = Items::only(&result).unwrap();
            if item[0] == status::DONE {
                return;
            }
            assert_eq!(item[0], status::NEED);
            let need = Val::U32(u32::from_le_bytes(item[1..5].try_into().unwrap()));
            let exchange = func(instance, &mut self.store, CONVERTER, "exchange");
            while let Val::Result(Ok(Some(exchange))) = call(exchange, &mut self.store, &[need.clone(), Val::S64(0)])
                && let Val::Option(Some(exchange)) = *exchange
            {
                let exchange = Exchange::read(&octets(&exchange)).unwrap();
                let body = format!("{{\"id\":1,\"version\":1,\"subject\":\"s\",\"schema\":{}}}", input.schema);
                let mut answer = Vec::new();
                Answer { id: exchange.id, status: 200, headers: Vec::new(), body: body.into_bytes() }
                    .write(&mut answer);
                let answer = Val::List(answer.into_iter().map(Val::U8).collect());
                let take = func(instance, &mut self.store, CONVERTER, "answer");
                call(take, &mut self.store, &[answer, Val::S64(0)]);
            }
        }
    }

    /// A batch of so many records.
    pub fn run(&mut self, count: usize) -> Vec<u8> {
        let at = self.batches.iter().position(|(of, _)| *of == count).unwrap_or_else(|| {
            let mut call = Vec::new();
            let mut batch = BatchWriter::new(&mut call);
            for payload in self.payloads.iter().cycle().take(count) {
                batch.item(|item| ToConnect { topic: self.topic, headers: &[], payload }.write(item));
            }
            self.batches.push((count, call));
            self.batches.len() - 1
        });
        let to_connect = self.to_connect.typed::<(&[u8],), (Vec<u8>,)>(&self.store).unwrap();
        to_connect.call(&mut self.store, (&self.batches[at].1,)).unwrap().0
    }
}

fn func(instance: &Instance, store: &mut Store<()>, interface: &str, name: &str) -> Func {
    let (_, interface) = instance.get_export(&mut *store, None, interface).unwrap();
    let (_, index) = instance.get_export(&mut *store, Some(&interface), name).unwrap();
    instance.get_func(store, index).unwrap()
}

fn call(func: Func, store: &mut Store<()>, parameters: &[Val]) -> Val {
    let mut results = [Val::Bool(false)];
    func.call(store, parameters, &mut results).unwrap();
    let [result] = results;
    result
}

fn octets(list: &Val) -> Vec<u8> {
    let Val::List(items) = list else { panic!("expected a list") };
    items.iter().map(|item| if let Val::U8(octet) = item { *octet } else { panic!("expected octets") }).collect()
}
