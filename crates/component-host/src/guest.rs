//! A configured component instance behind a lock, replaced whenever it has trapped or run out of time: what a trap leaves
//! in its memory is not to be trusted.

use crate::bindings::base::Base;
use crate::bindings::base::bucatini::connect::configs::Setting;
use crate::bindings::base::exports::bucatini::connect::plugin;
use crate::component::Component;
use crate::engine::{MAX_WASM_STACK, TICK, Ticking, engine};
use crate::limits::Limits;
use crate::logging::{Level, Log, printable};
use crate::state::{Schemas, State, from_wit_error};
use connect_data::{Error, ErrorKind, Properties, Result, SchemaStore, row_image};
use std::sync::{Arc, Mutex, PoisonError};
use wasmtime::component::Instance;
use wasmtime::{Store, Trap};

/// How components are run.
#[derive(Clone)]
pub struct Options {
    /// What an instance may use.
    pub limits: Limits,
    /// Where messages go.
    pub log: Arc<dyn Log>,
}

impl Default for Options {
    fn default() -> Self {
        Self { limits: Limits::default(), log: Arc::new(crate::logging::StandardError) }
    }
}

/// What distinguishes converters, transformations and predicates.
pub(crate) trait Role {
    /// Typed functions of the role's export.
    type Bindings: Send;
    /// What is known of an instance and goes with it.
    type Memory: Default + Send;
    /// What outlives the replacement of an instance.
    type Lasting: Default + Send;

    const ROLE: plugin::Role;

    fn bind(store: &mut Store<State>, instance: &Instance) -> wasmtime::Result<Self::Bindings>;

    /// A new instance knows nothing of what the old one was asked.
    fn replaced(lasting: &mut Self::Lasting) {
        let _ = lasting;
    }
}

/// A running instance.
pub(crate) struct Live<R: Role> {
    pub(crate) store: Store<State>,
    pub(crate) bindings: R::Bindings,
    pub(crate) memory: R::Memory,
}

/// Why an instance cannot go on.
pub(crate) enum Fault {
    /// A trap, a time-out, a value that the canonical ABI refuses.
    Call(wasmtime::Error),
    /// A result that is not what was asked for.
    Result(Error),
}

impl From<wasmtime::Error> for Fault {
    fn from(error: wasmtime::Error) -> Self {
        Self::Call(error)
    }
}

/// A plug-in's own answer, or why there is none.
pub(crate) type Outcome<T> = std::result::Result<Result<T>, Fault>;

/// A plug-in in a component.
pub(crate) struct Guest<R: Role> {
    component: Component,
    settings: Vec<Setting>,
    is_key: bool,
    schemas: Arc<Schemas>,
    options: Options,
    inner: Mutex<Inner<R>>,
    _ticking: Ticking,
}

struct Inner<R: Role> {
    live: Option<Live<R>>,
    lasting: R::Lasting,
    plugin: Arc<str>,
}

impl<R: Role> Guest<R> {
    /// Starts and configures an instance. This is not tried twice: there was nothing before that could have spoilt it.
    pub(crate) fn open(
        component: &Component,
        settings: &Properties,
        is_key: bool,
        schemas: Arc<dyn SchemaStore>,
        options: &Options,
    ) -> Result<Self> {
        let settings = settings.iter().map(|(name, value)| Setting { name: name.to_owned(), value: value.to_owned() });
        let guest = Self {
            component: component.clone(),
            settings: settings.collect(),
            is_key,
            schemas: Arc::new(Schemas::new(schemas, &options.limits)),
            options: options.clone(),
            inner: Mutex::new(Inner { live: None, lasting: R::Lasting::default(), plugin: "component".into() }),
            _ticking: Ticking::start(engine()?)?,
        };
        let mut inner = guest.inner.lock().unwrap_or_else(PoisonError::into_inner);
        guest.start(&mut inner).map_err(|cause| cause.into_error(&inner.plugin, component))??;
        drop(inner);
        Ok(guest)
    }

    /// Calls the instance. After a fault it is replaced and the call made once more; a second fault is an error of kind
    /// internal that names the plug-in, the component and the cause.
    pub(crate) fn call<T>(&self, mut f: impl FnMut(&mut Live<R>, &mut R::Lasting) -> Outcome<T>) -> Result<T> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let inner = &mut *inner;
        let first = match self.attempt(inner, &mut f) {
            Ok(answer) => return answer,
            Err(cause) => cause,
        };
        self.options.log.log(&inner.plugin, Level::Warn, &format!("the instance is replaced: {}", first.text));
        self.attempt(inner, &mut f).unwrap_or_else(|second| Err(second.into_error(&inner.plugin, &self.component)))
    }

    fn attempt<T>(
        &self,
        inner: &mut Inner<R>,
        f: &mut impl FnMut(&mut Live<R>, &mut R::Lasting) -> Outcome<T>,
    ) -> std::result::Result<Result<T>, Cause> {
        if inner.live.is_none()
            && let Err(error) = self.start(inner)?
        {
            return Ok(Err(error));
        }
        let Inner { live: Some(live), lasting, .. } = inner else {
            return Ok(Err(Error::internal("wasm.start", "an instance was started and is not there")));
        };
        live.store.set_epoch_deadline(self.deadline());
        match f(live, lasting) {
            Ok(Err(error)) => {
                // The component says itself that an invariant of its own is broken.
                if error.kind() == ErrorKind::Internal {
                    inner.live = None;
                }
                Ok(Err(error))
            }
            Ok(answer) => Ok(answer),
            Err(fault) => {
                let cause = Cause::of(&fault, live.store.data(), &self.options.limits);
                inner.live = None;
                Err(cause)
            }
        }
    }

    /// Starts a new instance. An error is the plug-in's own or says that the component is none for this role.
    fn start(&self, inner: &mut Inner<R>) -> std::result::Result<Result<()>, Cause> {
        R::replaced(&mut inner.lasting);
        let Ok(engine) = engine() else {
            return Ok(engine().map(|_| ()));
        };
        let limits = self.options.limits;
        let state = State::new(limits, self.schemas.clone(), self.options.log.clone(), inner.plugin.clone());
        let mut store = Store::new(engine, state);
        store.limiter(|state| &mut state.usage);
        store.set_hostcall_fuel(limits.output.saturating_add(64 << 10));
        store.set_epoch_deadline(self.deadline());
        match self.configured(&mut store, &mut inner.plugin) {
            Ok(Ok(bindings)) => {
                inner.live = Some(Live { store, bindings, memory: R::Memory::default() });
                Ok(Ok(()))
            }
            Ok(Err(error)) => Ok(Err(error)),
            Err(fault) => Err(Cause::of(&fault, store.data(), &limits)),
        }
    }

    fn configured(&self, store: &mut Store<State>, plugin: &mut Arc<str>) -> Outcome<R::Bindings> {
        let instance = self.component.compiled().pre.instantiate(&mut *store)?;
        let base = match Base::new(&mut *store, &instance) {
            Ok(base) => base,
            Err(error) => return Ok(Err(self.exports(&error))),
        };
        let described = base.bucatini_connect_plugin().call_describe(&mut *store)?;
        *plugin = printable(&format!("{} {}", described.name, described.version)).into();
        store.data_mut().plugin = plugin.clone();
        if described.role != R::ROLE {
            let message = format!("component {plugin}: expected a {:?}, found a {:?}", R::ROLE, described.role);
            return Ok(Err(Error::config("component.role", message).hint("choose another component or plug-in class")));
        }
        if described.row_format != u32::from(row_image::FORMAT) {
            let message = format!(
                "component {plugin}: expected row image format {}, found {}",
                row_image::FORMAT,
                described.row_format
            );
            return Ok(Err(Error::config("component.row-format", message)));
        }
        let bindings = match R::bind(store, &instance) {
            Ok(bindings) => bindings,
            Err(error) => return Ok(Err(self.exports(&error))),
        };
        let configured = base.bucatini_connect_plugin().call_configure(&mut *store, &self.settings, self.is_key)?;
        Ok(configured.map(|()| bindings).map_err(from_wit_error))
    }

    fn exports(&self, error: &wasmtime::Error) -> Error {
        let found = printable(&format!("{error:#}"));
        Error::config(
            "component.exports",
            format!("component {}: expected the exports of a {:?}, found: {found}", self.component.digest(), R::ROLE),
        )
        .hint("build it with bucatini-sdk for the package bucatini:connect@0.1.0")
    }

    fn deadline(&self) -> u64 {
        // The tick that is under way may end at once, so one more.
        self.options.limits.call.as_millis().div_ceil(TICK.as_millis()) as u64 + 1
    }
}

/// A fault in words.
struct Cause {
    code: &'static str,
    text: String,
}

impl Cause {
    fn of(fault: &Fault, state: &State, limits: &Limits) -> Self {
        let (mut code, mut text) = match fault {
            Fault::Result(error) => ("wasm.result", error.to_string()),
            Fault::Call(error) => match error.downcast_ref::<Trap>() {
                Some(Trap::Interrupt) => ("wasm.time-out", format!("it took longer than {:?}", limits.call)),
                Some(Trap::StackOverflow) => {
                    ("wasm.stack", format!("it recursed beyond its stack of {} KiB", MAX_WASM_STACK >> 10))
                }
                Some(trap) => ("wasm.trap", format!("trap: {trap}")),
                None => ("wasm.call", format!("{error:#}")),
            },
        };
        if let Some(refused) = &state.usage.refused {
            code = "wasm.memory";
            text = format!("{text}; {refused}");
        }
        if let Some(words) = &state.last_words {
            text = format!("{text}; it said: {words}");
        }
        Self { code, text: printable(&text) }
    }

    fn into_error(self, plugin: &str, component: &Component) -> Error {
        let digest = component.digest();
        Error::internal(self.code, format!("plug-in {plugin} (component {digest}): {}", self.text))
            .hint("this is a fault of the component: report it with its digest")
    }
}
