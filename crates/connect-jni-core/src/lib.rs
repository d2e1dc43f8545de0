//! `libbucatini.so`: the cores behind the JNI boundary, for `io.bucatini.connect.internal.CoreLibrary`. No WebAssembly
//! engine, no TLS, no I/O.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

use connect_data::{Error, Result};
use connect_jni::{Boundary, Factory, Open, Plugin, PluginKind};
use extract_new_record_state::ExtractNewRecordState;
use wal2json::Wal2JsonConverter;

/// Opens the cores.
struct Cores;

impl Factory for Cores {
    fn open(&self, open: Open<'_>) -> Result<Plugin> {
        let Open { plugin, is_key, settings, schemas, rest: _ } = open;
        Ok(match plugin {
            PluginKind::AvroConverter => return Err(Error::config("jni.plugin", "this build has no such core")),
            PluginKind::ExtractNewRecordState => {
                Plugin::Transformation(Box::new(ExtractNewRecordState::new(&settings, schemas)?))
            }
            PluginKind::Wal2JsonConverter => {
                Plugin::Converter(Box::new(Wal2JsonConverter::new(&settings, is_key, schemas)?))
            }
        })
    }
}

static BOUNDARY: Boundary<Cores> = Boundary::new(Cores);

connect_jni::export_library!("CoreLibrary", super::BOUNDARY);
