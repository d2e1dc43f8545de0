//! Configuration: the files that people post to Connect, the worker's settings and the command line, read, checked key by
//! key, and turned into a [`Pipeline`].

mod audit;
mod connector;
mod converters;
mod document;
mod framework;
mod kafka;
mod load;
mod pipeline;
mod properties_file;
mod providers;
pub mod secrets;
mod suggest;
mod transforms;
mod worker;

pub use audit::{Audit, Fate, KeyReport};
pub use connector::Connector;
pub use kafka::{Client, KafkaClientSettings, Translation, check, translate};
pub use load::{Loaded, Request, load};
pub use pipeline::{
    ComponentSource, ConverterClass, ConverterConfig, DeadLetterQueue, Engine, ErrorPolicy, HeaderConverter, Pipeline,
    PredicateConfig, PredicateKind, RunOptions, SinkConfig, SourceConfig, TopicCreation, Topics, TransformConfig,
    TransformKind, Until,
};
pub use providers::Environment;
