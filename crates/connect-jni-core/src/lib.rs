//! `libbucatini.so`: the cores behind the JNI boundary, for `io.bucatini.connect.internal.CoreLibrary`. No WebAssembly
//! engine, no TLS, no I/O.

use avro_converter::converter::AvroConverter;
use connect_data::{Converter, Result};
use connect_jni::{Boundary, Factory, Open, Plugin, PluginKind};
use extract_new_record_state::ExtractNewRecordState;
use wal2json::Wal2JsonConverter;

/// Opens the cores.
struct Cores;

impl Factory for Cores {
    fn open(&self, open: Open<'_>) -> Result<Plugin> {
        let Open { plugin, is_key, settings, schemas, rest: _ } = open;
        Ok(match plugin {
            PluginKind::AvroConverter => converter(AvroConverter::new(&settings, is_key, schemas)?),
            PluginKind::ExtractNewRecordState => {
                Plugin::Transformation(Box::new(ExtractNewRecordState::new(&settings, schemas)?))
            }
            PluginKind::Wal2JsonConverter => converter(Wal2JsonConverter::new(&settings, is_key, schemas)?),
        })
    }
}

#[cfg(not(feature = "fault-injection"))]
fn converter(core: impl Converter + 'static) -> Plugin {
    Plugin::Converter(Box::new(core))
}

/// For tests only: panics for marked topics.
#[cfg(feature = "fault-injection")]
#[allow(clippy::panic)]
fn converter(core: impl Converter + 'static) -> Plugin {
    Plugin::Converter(Box::new(fault_converter::FaultyConverter::new(core, || panic!("injected"))))
}

static BOUNDARY: Boundary<Cores> = Boundary::new(Cores);

connect_jni::export_library!("CoreLibrary", super::BOUNDARY);
