//! A predicate in a component.

use crate::bindings::base::exports::bucatini::connect::plugin;
use crate::bindings::predicate::Predicate as World;
use crate::component::Component;
use crate::guest::{Fault, Guest, Options, Role};
use crate::state::State;
use crate::transformation::single;
use connect_data::batch::{self, Items};
use connect_data::{Error, Predicate, Properties, Result, SchemaStore};
use std::sync::Arc;
use wasmtime::Store;
use wasmtime::component::Instance;

/// [`Predicate`] over a component. Calls from several threads take turns.
pub struct ComponentPredicate {
    guest: Guest<PredicateRole>,
}

impl ComponentPredicate {
    /// Starts and configures a predicate.
    ///
    /// # Errors
    /// Config: a setting is wrong, or the component is no predicate. Internal: it traps or takes too long.
    pub fn open(
        component: &Component,
        settings: &Properties,
        schemas: Arc<dyn SchemaStore>,
        options: &Options,
    ) -> Result<Self> {
        Ok(Self { guest: Guest::open(component, settings, false, schemas, options)? })
    }
}

enum PredicateRole {}

impl Role for PredicateRole {
    type Bindings = World;
    type Memory = ();
    type Lasting = Vec<u8>;

    const ROLE: plugin::Role = plugin::Role::Predicate;

    fn bind(store: &mut Store<State>, instance: &Instance) -> wasmtime::Result<World> {
        World::new(store, instance)
    }
}

impl Predicate for ComponentPredicate {
    fn test(&self, record: &[u8]) -> Result<bool> {
        self.guest.call(|live, call| {
            let call = single(call, record);
            let result = live.bindings.bucatini_connect_predicate().call_test(&mut live.store, call)?;
            let satisfied = batch::read_done(Items::only(&result).map_err(Fault::Result)?);
            Ok(match satisfied {
                Ok([0]) => Ok(false),
                Ok([1]) => Ok(true),
                Ok(other) => {
                    let message = format!("expected one byte, 0 or 1, from a predicate, found {} bytes", other.len());
                    return Err(Fault::Result(Error::internal("wasm.predicate", message)));
                }
                Err(error) => Err(error),
            })
        })
    }
}
