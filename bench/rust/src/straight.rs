//! The same batches to the same results by a program for this table alone, in the host's engine: as a component, and as a module
//! whose memory the host writes to and reads itself. What it takes is what WebAssembly takes under these settings.

use crate::guest::Settings;
use wasmtime::component::{Component, Linker, TypedFunc};
use wasmtime::{Instance, Memory, Module, Store};

const WIT: &str = "package bench:floor; world floor { export images: func(batch: list<u8>) -> list<u8>; }";

/// A program without allocation, called through the canonical ABI.
pub struct StraightComponent {
    store: Store<()>,
    images: TypedFunc<(&'static [u8],), (Vec<u8>,)>,
}

impl StraightComponent {
    pub fn new(module: &[u8], settings: Settings) -> Self {
        let engine = settings.engine();
        let component = component_build::with_world(module, WIT, "floor").unwrap();
        let component = Component::from_binary(&engine, &component).unwrap();
        let mut store = Store::new(&engine, ());
        store.set_epoch_deadline(1 << 40);
        let instance = Linker::new(&engine).instantiate(&mut store, &component).unwrap();
        let images = instance.get_typed_func(&mut store, "images").unwrap();
        Self { store, images }
    }

    pub fn run(&mut self, batch: &'static [u8]) -> Vec<u8> {
        self.images.call(&mut self.store, (batch,)).unwrap().0
    }
}

/// The same module without the component model.
pub struct StraightModule {
    store: Store<()>,
    memory: Memory,
    convert: wasmtime::TypedFunc<u32, u32>,
    input: usize,
    output: usize,
}

impl StraightModule {
    pub fn new(module: &[u8], settings: Settings) -> Self {
        let engine = settings.engine();
        let module = Module::from_binary(&engine, module).unwrap();
        let mut store = Store::new(&engine, ());
        store.set_epoch_deadline(1 << 40);
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let memory = instance.get_memory(&mut store, "memory").unwrap();
        let place = instance.get_typed_func::<(u32, u32, u32, u32), u32>(&mut store, "cabi_realloc").unwrap();
        let input = place.call(&mut store, (0, 0, 1, 1)).unwrap() as usize;
        let output = instance.get_typed_func::<(), u32>(&mut store, "output").unwrap();
        let output = output.call(&mut store, ()).unwrap() as usize;
        let convert = instance.get_typed_func(&mut store, "convert").unwrap();
        Self { store, memory, convert, input, output }
    }

    /// What lies in the module's memory afterwards.
    pub fn run(&mut self, batch: &[u8]) -> &[u8] {
        self.memory.data_mut(&mut self.store)[self.input..][..batch.len()].copy_from_slice(batch);
        let written = self.convert.call(&mut self.store, batch.len() as u32).unwrap() as usize;
        &self.memory.data(&self.store)[self.output..][..written]
    }
}

/// The module with a memory that never grows, so that the bound of every access is a constant.
pub fn with_fixed_memory(module: &[u8]) -> Vec<u8> {
    const MEMORY: u8 = 5;
    let (magic, mut rest) = module.split_at(8);
    let mut fixed = magic.to_vec();
    while let [id, after @ ..] = rest {
        let (len, content) = leb(after);
        let (content, after) = content.split_at(len);
        fixed.push(*id);
        let replaced = if *id == MEMORY {
            let (pages, _) = leb(&content[2..]);
            let pages = [pages as u8 | 0x80, (pages >> 7) as u8];
            [&[1, 1][..], &pages, &pages].concat()
        } else {
            content.to_vec()
        };
        fixed.extend([0, 7, 14, 21].map(|shift| (replaced.len() >> shift) as u8 & 0x7F | 0x80));
        fixed.push(0);
        fixed.extend(replaced);
        rest = after;
    }
    fixed
}

fn leb(bytes: &[u8]) -> (usize, &[u8]) {
    let end = bytes.iter().position(|byte| *byte < 0x80).unwrap() + 1;
    let value = bytes[..end].iter().rev().fold(0, |value, byte| value << 7 | usize::from(byte & 0x7F));
    (value, &bytes[end..])
}
