//! Against librdkafka's own broker for tests, which speaks Kafka's protocol on a port of loopback.

use super::*;
use crate::cli::stop::Level;
use clap::Parser;
use connect_data::Properties;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer as _};

#[derive(Parser)]
struct Cat {
    #[command(flatten)]
    arguments: Arguments,
}

/// A topic of two partitions: values `0` to `5`, even ones in partition 0, at times 1000, 1001 ...
struct Broker(MockCluster<'static, DefaultProducerContext>);

impl Broker {
    fn new() -> Self {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("t", 2, 1).unwrap();
        let broker = Self(cluster);
        let mut config = ClientConfig::new();
        let producer: BaseProducer = config.set("bootstrap.servers", broker.address()).create().unwrap();
        for i in 0..6 {
            let value = i.to_string();
            let record = BaseRecord::to("t").partition(i % 2).key("k").payload(&value).timestamp(1_000 + i64::from(i));
            producer.send(record).unwrap();
        }
        producer.flush(Duration::from_secs(60)).unwrap();
        broker
    }

    fn address(&self) -> String {
        self.0.bootstrap_servers()
    }

    /// What is written, and the exit code.
    fn read(&self, line: &[&str], stop: &Stop) -> Result<(String, u8)> {
        let arguments = Cat::parse_from(["cat", "-m", "60"].iter().chain(line)).arguments;
        let kafka = Properties::from_iter([("bootstrap.servers", self.address())]);
        let settings = Settings { kafka, registry: None };
        let tell = Tell { verbosity: 0 };
        let mut output = Output::new(&arguments, arguments.deserializers()?, None)?;
        let mut out = Vec::new();
        let code = Consume::new(&arguments, &settings, tell)?.read(&mut output, &mut out, stop)?;
        Ok((String::from_utf8(out).unwrap(), code))
    }

    fn text(&self, line: &[&str]) -> String {
        let (text, code) = self.read(&[&["-t", "t", "-e"], line].concat(), &Stop::new()).unwrap();
        assert_eq!(code, 0);
        text
    }
}

#[test]
fn partitions_are_read_to_their_ends() {
    let broker = Broker::new();
    let mut all: Vec<String> = broker.text(&["-f", "%p:%o=%s "]).split_whitespace().map(str::to_owned).collect();
    all.sort();
    assert_eq!(all, ["0:0=0", "0:1=2", "0:2=4", "1:0=1", "1:1=3", "1:2=5"]);
    let one = |line: &[&str]| broker.text(&[&["-p", "1", "-f", "%s"], line].concat());
    assert_eq!(one(&[]), "135");
    assert_eq!(one(&["-o", "1"]), "35");
    assert_eq!(one(&["-o", "-1"]), "5");
    assert_eq!(one(&["-o", "end"]), "");
    assert_eq!(one(&["-c", "2"]), "13");
    assert_eq!(one(&["-o", "e@1004"]), "13");
    assert_eq!(
        broker.text(&["-p", "0", "-c", "1", "-J", "-o", "2"]),
        "{\"topic\":\"t\",\"partition\":0,\"offset\":2,\"tstype\":\"create\",\"ts\":1004,\"broker\":1,\"key\":\"k\",\"payload\":\"4\"}\n"
    );
}

#[test]
fn what_is_not_there_is_refused() {
    let broker = Broker::new();
    let code = |line: &[&str]| broker.read(line, &Stop::new()).unwrap_err().code().to_owned();
    assert_eq!(code(&["-t", "t", "-p", "2"]), "cat.partition");
    assert_eq!(code(&["-t", "t", "-o", "x"]), "cat.offset");
}

#[test]
fn a_bad_message_ends_it_unless_told_otherwise() {
    let broker = Broker::new();
    let read = |line: &[&str]| {
        let all = [&["-t", "t", "-p", "0", "-e", "-s", "value=h", "-f", "%s"], line].concat();
        broker.read(&all, &Stop::new()).unwrap()
    };
    assert_eq!(read(&[]), (String::new(), FAILED));
    assert_eq!(read(&["-E"]), (String::new(), 0));
}

#[test]
fn a_request_to_end_is_followed() {
    let broker = Broker::new();
    let stop = Stop::new();
    stop.request(Level::Drain);
    assert_eq!(broker.read(&["-t", "t"], &stop).unwrap(), (String::new(), 0));
}
