//! A transformation in a component.

use crate::bindings::base::exports::bucatini::connect::plugin;
use crate::bindings::transformation::Transformation as World;
use crate::component::Component;
use crate::guest::{Fault, Guest, Options, Role};
use crate::state::{State, from_wit_error};
use connect_data::batch::{self, BatchWriter, Items};
use connect_data::{Properties, Result, SchemaStore, Transformation};
use std::sync::Arc;
use wasmtime::Store;
use wasmtime::component::Instance;

/// [`Transformation`] over a component. Calls from several threads take turns.
pub struct ComponentTransformation {
    guest: Guest<TransformationRole>,
}

impl ComponentTransformation {
    /// Starts and configures a transformation.
    ///
    /// # Errors
    /// Config: a setting is wrong, or the component is no transformation. Internal: it traps or takes too long.
    pub fn open(
        component: &Component,
        settings: &Properties,
        schemas: Arc<dyn SchemaStore>,
        options: &Options,
    ) -> Result<Self> {
        Ok(Self { guest: Guest::open(component, settings, false, schemas, options)? })
    }
}

enum TransformationRole {}

impl Role for TransformationRole {
    type Bindings = World;
    type Memory = ();
    type Lasting = Vec<u8>;

    const ROLE: plugin::Role = plugin::Role::Transformation;

    fn bind(store: &mut Store<State>, instance: &Instance) -> wasmtime::Result<World> {
        World::new(store, instance)
    }
}

impl Transformation for ComponentTransformation {
    fn apply(&self, record: &[u8], out: &mut Vec<u8>) -> Result<()> {
        self.guest.call(|live, call| {
            let call = single(call, record);
            let exports = live.bindings.bucatini_connect_transformation();
            let result = exports.call_apply(&mut live.store, call)?;
            let outcome = batch::read_done(Items::only(&result).map_err(Fault::Result)?);
            Ok(outcome.map(|outcome| out.extend_from_slice(outcome)))
        })
    }

    fn plan(&self, request: &[u8], out: &mut Vec<u8>) -> Result<bool> {
        self.guest.call(|live, _| {
            let exports = live.bindings.bucatini_connect_transformation();
            Ok(match exports.call_plan(&mut live.store, request)? {
                Ok(None) => Ok(false),
                Ok(Some(plan)) => {
                    out.extend_from_slice(&plan);
                    Ok(true)
                }
                Err(error) => Err(from_wit_error(error)),
            })
        })
    }
}

/// A batch of one record, in a buffer that is kept unless it is large.
pub(crate) fn single<'a>(call: &'a mut Vec<u8>, record: &[u8]) -> &'a [u8] {
    if call.capacity() > 1 << 20 {
        *call = Vec::new();
    }
    call.clear();
    BatchWriter::new(call).item(|item| item.extend_from_slice(record));
    call
}
