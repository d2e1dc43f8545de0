//! Any answers of a registry: the client never panics, asks only registries it was told of (or was redirected to), and
//! ends every need within its retries and budget.
#![no_main]

use bucatini_fuzz::split;
use connect_data::frame::Answer;
use connect_data::Properties;
use libfuzzer_sys::fuzz_target;
use schema_registry::{Fact, Lookup, Need, References, RegistryClient, RegistryConfig};

const STATUSES: [u16; 12] = [200, 0, 404, 401, 407, 408, 409, 429, 500, 503, 307, 422];

fuzz_target!(|data: &[u8]| {
    let Some([choices, location, data]) = split(data) else { return };
    let choice = |i: usize| choices.get(i).copied().unwrap_or(0);
    let lookup = ["lenient", "strict", "off"][usize::from(choice(0)) % 3];
    let properties = Properties::from_iter([
        ("schema.registry.url", "http://one,https://two/sr"),
        ("max.retries", "3"),
        ("schema.version.lookup", lookup),
        ("missing.id.cache.ttl.sec", "1"),
    ]);
    let client = RegistryClient::new(RegistryConfig::new(&properties).unwrap());
    let subject = || "s".to_owned();
    let schema = || "\"int\"".into();
    let need = match choice(1) % 6 {
        0 => Need::Schema { id: 7, subject: subject() },
        1 => Need::Guid("ab".into()),
        2 => Need::Id { subject: subject(), schema: schema(), register: true, normalize: false },
        3 => Need::Version { subject: subject(), schema: schema(), references: Vec::new() },
        4 => Need::Latest { subject: subject() },
        _ => Need::SubjectVersion { subject: subject(), version: 1 },
    };
    let (mut now, mut rest) = (0_i64, data);
    let mut next = || {
        let Some([answer, more]) = split::<2>(rest) else { return (200, Vec::new()) };
        rest = more;
        let (status, body) = answer.split_first().unwrap_or((&0, &[]));
        (STATUSES[usize::from(*status) % STATUSES.len()], body.to_vec())
    };
    let mut settle = |need: Need| -> Option<Fact> {
        let number = match client.lookup(need.clone()) {
            Lookup::Fact(fact) => return Some(fact),
            Lookup::Need(number) => number,
        };
        // Two registries, four rounds, five redirects each.
        for _ in 0..=2 * 4 * 6 {
            match client.exchange(number, now) {
                Err(_) => return None,
                Ok(None) => match client.lookup(need) {
                    Lookup::Fact(fact) => return Some(fact),
                    Lookup::Need(_) => panic!("neither a fact nor anything to ask"),
                },
                Ok(Some(exchange)) => {
                    now += i64::from(exchange.delay_ms);
                    let (status, body) = next();
                    let headers = match std::str::from_utf8(location) {
                        Ok(location) if status == 307 => vec![("location".to_owned(), location.to_owned())],
                        Ok(after) if status == 429 => vec![("retry-after".to_owned(), after.to_owned())],
                        _ => Vec::new(),
                    };
                    client.answer(&Answer { id: exchange.id, status, headers, body }, now);
                    now += 1;
                }
            }
        }
        panic!("the registry is asked without end");
    };
    let Some(Fact::Schema(schema)) = settle(need) else { return };
    for _ in 0..20 {
        let Ok(References::Need(_)) = client.references(&schema) else { return };
        let Some(reference) = schema.references.first() else { return };
        let need = Need::SubjectVersion { subject: reference.subject.clone(), version: reference.version };
        if settle(need).is_none() {
            return;
        }
    }
});
