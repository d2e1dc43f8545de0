//! Configuration: the files that people post to Connect, the worker's settings and the command line, read, checked key by
//! key, and turned into a [`Pipeline`].

mod kafka;
mod pipeline;

pub use kafka::KafkaClientSettings;
pub use pipeline::{
    ComponentSource, ConverterClass, ConverterConfig, DeadLetterQueue, Engine, ErrorPolicy, HeaderConverter, Pipeline,
    PredicateConfig, PredicateKind, RunOptions, SinkConfig, SourceConfig, TopicCreation, Topics, TransformConfig,
    TransformKind, Until,
};
