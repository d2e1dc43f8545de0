//! Components: checked, compiled once, kept.

use crate::bindings::base::Base;
use crate::cache::Cache;
use crate::digest::Digest;
use crate::engine::engine;
use crate::state::State;
use connect_data::{Error, Result};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use wasmparser::{Encoding, Parser, Payload};
use wasmtime::component::{HasSelf, InstancePre, Linker};

/// Largest component.
pub const MAX_COMPONENT: usize = 32 << 20;
/// Compiling takes time in the number of functions and cannot be interrupted. The largest guest known, a JavaScript engine,
/// has 20,000.
const MAX_FUNCTIONS: u32 = 50_000;
/// Compiled components that are kept in memory: more than a worker has plug-ins.
const KEPT: usize = 8;

/// A compiled component. Cheap to clone.
#[derive(Clone)]
pub struct Component(Arc<Compiled>);

pub(crate) struct Compiled {
    pub(crate) digest: Digest,
    pub(crate) pre: InstancePre<State>,
}

type Slot = Arc<Mutex<Option<Component>>>;

/// Most recently used last.
static LOADED: Mutex<Vec<(Digest, Slot)>> = Mutex::new(Vec::new());

impl Component {
    /// Checks and compiles a component, or finds it compiled: in memory, or in `cache`.
    ///
    /// # Errors
    /// Config: too large, not a component, wants imports that no plug-in gets. Internal: wasmtime does not start.
    pub fn load(bytes: &[u8], cache: Option<&Cache>) -> Result<Self> {
        if bytes.len() > MAX_COMPONENT {
            return Err(refused("component.size", format!("at most {MAX_COMPONENT} bytes, found {}", bytes.len())));
        }
        let digest = Digest::of(&[bytes]);
        let slot = slot(digest);
        // One thread compiles, others that want the same wait for it.
        let mut loaded = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(component) = &*loaded {
            return Ok(component.clone());
        }
        let component = compile(bytes, digest, cache)?;
        *loaded = Some(component.clone());
        Ok(component)
    }

    /// SHA-256 of its bytes.
    pub fn digest(&self) -> Digest {
        self.0.digest
    }

    pub(crate) fn compiled(&self) -> &Compiled {
        &self.0
    }
}

fn slot(digest: Digest) -> Slot {
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    let known = loaded.iter().position(|(other, _)| *other == digest).map(|at| loaded.remove(at).1);
    let slot = known.unwrap_or_default();
    if loaded.len() >= KEPT {
        loaded.remove(0);
    }
    loaded.push((digest, slot.clone()));
    slot
}

fn compile(bytes: &[u8], digest: Digest, cache: Option<&Cache>) -> Result<Component> {
    check(bytes)?;
    let engine = engine()?;
    let component = match cache.and_then(|cache| cache.load(engine, &digest)) {
        Some(component) => component,
        None => {
            let component = wasmtime::component::Component::from_binary(engine, bytes)
                .map_err(|e| refused("component.invalid", format!("a valid component, found: {e:#}")))?;
            if let (Some(cache), Ok(artefact)) = (cache, component.serialize()) {
                cache.store(engine, &digest, &artefact);
            }
            component
        }
    };
    let pre = linker()?
        .instantiate_pre(&component)
        .map_err(|e| refused("component.imports", format!("imports of bucatini:connect@0.1.0 only, found: {e:#}")))?;
    Ok(Component(Arc::new(Compiled { digest, pre })))
}

/// Everything that plug-ins may import.
fn linker() -> Result<&'static Linker<State>> {
    static LINKER: OnceLock<std::result::Result<Linker<State>, String>> = OnceLock::new();
    let engine = engine()?;
    LINKER
        .get_or_init(|| {
            let mut linker = Linker::new(engine);
            Base::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state).map_err(|e| format!("{e:#}"))?;
            Ok(linker)
        })
        .as_ref()
        .map_err(|message| Error::internal("wasm.linker", message.clone()))
}

/// What can be known before compiling.
fn check(bytes: &[u8]) -> Result<()> {
    let mut functions = 0u32;
    for (at, payload) in Parser::new(0).parse_all(bytes).enumerate() {
        match payload.map_err(|e| refused("component.invalid", format!("a component, found: {e}")))? {
            Payload::Version { encoding, .. } if at == 0 && encoding != Encoding::Component => {
                return Err(refused("component.invalid", "a component, found a core module".to_owned())
                    .hint("wrap it with component-build or `wasm-tools component new`"));
            }
            Payload::CodeSectionStart { count, .. } => functions = functions.saturating_add(count),
            _ => {}
        }
    }
    if functions > MAX_FUNCTIONS {
        return Err(refused("component.functions", format!("at most {MAX_FUNCTIONS} functions, found {functions}")));
    }
    Ok(())
}

fn refused(code: &'static str, expected: String) -> Error {
    Error::config(code, format!("component: expected {expected}"))
}
