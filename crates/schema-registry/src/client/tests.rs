use super::*;
use connect_data::{ErrorKind, Properties};

struct Fake {
    client: RegistryClient,
    now: i64,
}

const URL: (&str, &str) = ("schema.registry.url", "http://one");

fn fake(settings: &[(&str, &str)]) -> Fake {
    let properties = Properties::from_iter([URL].iter().chain(settings).copied());
    Fake { client: RegistryClient::new(RegistryConfig::new(&properties).unwrap()), now: 1_000_000 }
}

fn schema(id: i32) -> Need {
    Need::Schema { id, subject: "s".into() }
}

fn reply(id: u32, status: u16, body: &str) -> Answer {
    Answer { id, status, headers: Vec::new(), body: body.as_bytes().to_vec() }
}

impl Fake {
    fn need(&self, need: Need) -> NeedId {
        match self.client.lookup(need) {
            Lookup::Need(id) => id,
            Lookup::Fact(fact) => panic!("{fact:?}"),
        }
    }

    /// Waits as told and gives the exchange.
    fn next(&mut self, need: NeedId) -> Result<Option<Exchange>> {
        let exchange = self.client.exchange(need, self.now)?;
        self.now += exchange.as_ref().map_or(0, |e| i64::from(e.delay_ms));
        Ok(exchange)
    }

    /// Plays answers until the need is settled; gives the URLs that were asked.
    fn play(&mut self, need: Need, answers: &[(u16, &str)]) -> (Vec<String>, Result<()>) {
        let need = self.need(need);
        let mut asked = Vec::new();
        let mut answers = answers.iter();
        loop {
            match self.next(need) {
                Err(error) => return (asked, Err(error)),
                Ok(None) => return (asked, Ok(())),
                Ok(Some(exchange)) => {
                    let (status, body) = answers.next().unwrap_or_else(|| panic!("one request too many: {asked:?}"));
                    asked.push(exchange.url.clone());
                    self.client.answer(&reply(exchange.id, *status, body), self.now);
                }
            }
        }
    }
}

const GOOD: (u16, &str) = (200, r#"{"schema":"\"int\""}"#);
const DOWN: (u16, &str) = (0, "connection refused");
const MISSING: (u16, &str) = (404, r#"{"error_code":40403,"message":"Schema not found"}"#);
const HTML: (u16, &str) = (200, "<html>sign in</html>");

#[test]
fn a_fact_is_asked_for_once() {
    let mut fake = fake(&[]);
    let (asked, result) = fake.play(schema(7), &[GOOD]);
    assert_eq!(asked, ["http://one/schemas/ids/7?fetchMaxId=false&subject=s"]);
    result.unwrap();
    let Lookup::Fact(Fact::Schema(found)) = fake.client.lookup(schema(7)) else { panic!() };
    assert_eq!((found.id, &*found.text), (Some(7), "\"int\""));
}

#[test]
fn two_threads_share_an_exchange_and_the_second_answer_is_harmless() {
    let mut fake = fake(&[]);
    let first = fake.need(schema(7));
    let second = fake.need(schema(7));
    assert_eq!(first, second);
    let a = fake.next(first).unwrap().unwrap();
    let b = fake.next(second).unwrap().unwrap();
    assert_eq!(a, b);
    fake.client.answer(&reply(a.id, 200, GOOD.1), fake.now);
    fake.client.answer(&reply(b.id, 500, "{}"), fake.now);
    assert!(matches!(fake.client.lookup(schema(7)), Lookup::Fact(_)));
    assert_eq!(fake.next(second).unwrap(), None);
}

#[test]
fn the_next_registry_is_asked_at_once_and_remembered() {
    let mut fake = fake(&[("schema.registry.url", "http://one,http://two/sr"), ("max.retries", "0")]);
    let start = fake.now;
    let (asked, result) = fake.play(schema(7), &[DOWN, GOOD]);
    assert_eq!(asked.len(), 2);
    assert!(asked[1].starts_with("http://two/sr/schemas/"), "{asked:?}");
    result.unwrap();
    assert_eq!(fake.now, start);
    let (asked, _) = fake.play(schema(8), &[GOOD]);
    assert!(asked[0].starts_with("http://two/sr/"), "{asked:?}");
    let (asked, result) = fake.play(schema(9), &[(503, "{}"), DOWN]);
    assert!(asked[1].starts_with("http://one/"), "{asked:?}");
    assert_eq!(result.unwrap_err().kind(), ErrorKind::Outage);
}

#[test]
fn waits_double_with_jitter_and_end_with_an_outage() {
    let mut fake = fake(&[]);
    let need = fake.need(schema(7));
    let mut waits = Vec::new();
    let error = loop {
        match fake.client.exchange(need, fake.now) {
            Err(error) => break error,
            Ok(exchange) => {
                let exchange = exchange.unwrap();
                waits.push(exchange.delay_ms);
                fake.now += i64::from(exchange.delay_ms);
                fake.client.answer(&reply(exchange.id, 503, "{}"), fake.now);
            }
        }
    };
    assert_eq!((waits.len(), waits[0]), (4, 0));
    for (wait, full) in waits[1..].iter().zip([1_000, 2_000, 4_000]) {
        assert!((full / 2..=full).contains(wait), "{waits:?}");
    }
    assert_eq!((error.kind(), error.code()), (ErrorKind::Outage, "registry.unavailable"));
    assert!(error.hint_text().unwrap().contains("http://one"));
}

#[test]
fn the_budget_bounds_retries_and_time_outs() {
    let mut fake = fake(&[("max.retries", "1000"), ("retries.budget.ms", "30000"), ("http.read.timeout.ms", "5000")]);
    let start = fake.now;
    let need = fake.need(schema(7));
    let error = loop {
        match fake.next(need) {
            Err(error) => break error,
            Ok(exchange) => {
                let exchange = exchange.unwrap();
                assert!(fake.now + i64::from(exchange.timeout_ms) <= start + 30_000);
                assert!(exchange.connect_timeout_ms <= exchange.timeout_ms);
                fake.now += i64::from(exchange.timeout_ms).min(6_000);
                fake.client.answer(&reply(exchange.id, 0, "timed out"), fake.now);
            }
        }
    };
    assert_eq!(error.code(), "registry.unreachable");
    assert!(fake.now - start <= 30_000, "{}", fake.now - start);
}

#[test]
fn retry_after_is_obeyed_within_the_budget() {
    let mut fake = fake(&[]);
    let need = fake.need(schema(7));
    let first = fake.next(need).unwrap().unwrap();
    let throttled = |id: u32, seconds: &str| Answer {
        headers: vec![("retry-after".into(), seconds.into())],
        ..reply(id, 429, r#"{"error_code":42901,"message":"slow down"}"#)
    };
    fake.client.answer(&throttled(first.id, "7"), fake.now);
    let second = fake.next(need).unwrap().unwrap();
    assert_eq!(second.delay_ms, 7_000);
    fake.client.answer(&throttled(second.id, "3600"), fake.now);
    let error = fake.next(need).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Outage, "registry.throttled"));
    assert!(error.message().contains("slow down"));
}

#[test]
fn a_429_without_retries_is_an_outage() {
    let (asked, result) = fake(&[("max.retries", "0")]).play(schema(7), &[(429, "{}")]);
    assert_eq!((asked.len(), result.unwrap_err().kind()), (1, ErrorKind::Outage));
}

#[test]
fn final_answers_are_not_retried_and_not_remembered() {
    let mut fake = fake(&[]);
    for _ in 0..2 {
        let (asked, result) = fake.play(schema(7), &[MISSING]);
        assert_eq!((asked.len(), result.unwrap_err().code()), (1, "registry.not-found"));
    }
    fake.play(schema(7), &[GOOD]).1.unwrap();
}

#[test]
fn from_the_third_failure_on_the_registry_is_spared() {
    let mut fake = fake(&[]);
    let (mut calls, start) = (0, fake.now);
    for _ in 0..60_000 {
        let need = fake.need(schema(7));
        match fake.client.exchange(need, fake.now) {
            Err(error) => assert_eq!(error.code(), "registry.not-found"),
            Ok(exchange) => {
                calls += 1;
                fake.client.answer(&reply(exchange.unwrap().id, 404, MISSING.1), fake.now);
            }
        }
        fake.now += 1;
    }
    assert!((8..=16).contains(&calls), "{calls} calls in {} ms", fake.now - start);
    fake.now += 10_000;
    fake.play(schema(7), &[GOOD]).1.unwrap();
}

#[test]
fn missing_schemas_are_remembered_as_long_as_told() {
    let mut fake = fake(&[("missing.id.cache.ttl.sec", "30")]);
    let first = fake.play(schema(7), &[MISSING]).1.unwrap_err();
    fake.now += 29_999;
    assert_eq!(fake.play(schema(7), &[]).1.unwrap_err(), first);
    fake.now += 1;
    fake.play(schema(7), &[GOOD]).1.unwrap();
    fake.play(schema(8), &[(422, r#"{"error_code":42201}"#)]).1.unwrap_err();
    fake.play(schema(8), &[GOOD]).1.unwrap();
}

#[test]
fn an_abandoned_exchange_starts_anew_with_a_full_budget() {
    let mut fake = fake(&[("max.retries", "0")]);
    let need = fake.need(schema(7));
    let first = fake.next(need).unwrap().unwrap();
    fake.now += 3_600_000;
    let second = fake.next(need).unwrap().unwrap();
    assert_ne!(first.id, second.id);
    assert_eq!(second.timeout_ms, first.timeout_ms);
    fake.client.answer(&reply(first.id, 404, "{}"), fake.now);
    fake.client.answer(&reply(second.id, 200, GOOD.1), fake.now);
    assert!(matches!(fake.client.lookup(schema(7)), Lookup::Fact(_)));
}

#[test]
fn an_old_failure_is_no_news() {
    let mut fake = fake(&[("max.retries", "0")]);
    let need = fake.need(schema(7));
    let exchange = fake.next(need).unwrap().unwrap();
    fake.client.answer(&reply(exchange.id, 500, "{}"), fake.now);
    fake.now += STALE_MS + 1;
    assert!(fake.next(need).unwrap().is_some());
}

#[test]
fn redirects_are_followed_without_credentials_abroad() {
    let mut fake = fake(&[
        ("basic.auth.credentials.source", "USER_INFO"),
        ("basic.auth.user.info", "u:p"),
        ("request.header.X-Key", "k"),
    ]);
    let need = fake.need(schema(7));
    let names = |exchange: &Exchange| exchange.headers.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    let first = fake.next(need).unwrap().unwrap();
    assert!(names(&first).contains(&"Authorization".to_owned()) && names(&first).contains(&"X-Key".to_owned()));
    let to = |id: u32, url: &str| Answer { headers: vec![("location".into(), url.into())], ..reply(id, 307, "") };
    fake.client.answer(&to(first.id, "/other"), fake.now);
    let second = fake.next(need).unwrap().unwrap();
    assert_eq!((second.url.as_str(), names(&second)), ("http://one/other", names(&first)));
    fake.client.answer(&to(second.id, "http://abroad/x"), fake.now);
    let third = fake.next(need).unwrap().unwrap();
    assert_eq!((third.url.as_str(), names(&third).len()), ("http://abroad/x", 2));
    let mut last = third.id;
    for _ in 0..3 {
        fake.client.answer(&to(last, "/again"), fake.now);
        last = fake.next(need).unwrap().unwrap().id;
    }
    fake.client.answer(&to(last, "/again"), fake.now);
    assert_eq!(fake.next(need).unwrap_err().code(), "registry.redirect");
}

#[test]
fn one_id_with_two_schemas_is_refused() {
    let mut fake = fake(&[]);
    fake.play(schema(7), &[GOOD]).1.unwrap();
    let other = || Need::Schema { id: 7, subject: "t".into() };
    let spaced = Need::Schema { id: 7, subject: "u".into() };
    fake.play(spaced, &[(200, r#"{"schema":" \"int\" "}"#)]).1.unwrap();
    let error = fake.play(other(), &[(200, r#"{"schema":"\"long\""}"#)]).1.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Outage, "registry.id-reused"));
    let qualified = Need::Schema { id: 7, subject: ":.ctx:t".into() };
    fake.play(qualified, &[(200, r#"{"schema":"\"long\""}"#)]).1.unwrap();
}

#[test]
fn references_come_dependencies_first() {
    let mut fake = fake(&[]);
    let referring = |to: &[(&str, i32)]| {
        let list: Vec<_> =
            to.iter().map(|(s, v)| format!(r#"{{"name":"{s}","subject":"{s}","version":{v}}}"#)).collect();
        format!(r#"{{"schema":"{}","references":[{}]}}"#, to.len(), list.join(","))
    };
    fake.play(schema(7), &[(200, &referring(&[("a", 1), ("b", 1)]))]).1.unwrap();
    let Lookup::Fact(Fact::Schema(root)) = fake.client.lookup(schema(7)) else { panic!() };
    let mut asked = Vec::new();
    let all = loop {
        match fake.client.references(&root).unwrap() {
            References::All(all) => break all,
            References::Need(need) => {
                let exchange = fake.next(need).unwrap().unwrap();
                asked.push(exchange.url.clone());
                let body = match exchange.url.contains("/a/") {
                    true => referring(&[("b", 1)]),
                    false => r#"{"schema":"leaf"}"#.to_owned(),
                };
                fake.client.answer(&reply(exchange.id, 200, &body), fake.now);
            }
        }
    };
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert_eq!(all.iter().map(|s| &*s.text).collect::<Vec<_>>(), ["leaf", "1"]);

    let looping = Need::SubjectVersion { subject: "x".into(), version: 1 };
    fake.play(looping.clone(), &[(200, &referring(&[("y", 1)]))]).1.unwrap();
    let back = Need::SubjectVersion { subject: "y".into(), version: 1 };
    fake.play(back, &[(200, &referring(&[("x", 1)]))]).1.unwrap();
    let Lookup::Fact(Fact::Schema(x)) = fake.client.lookup(looping) else { panic!() };
    assert_eq!(fake.client.references(&x).unwrap_err().code(), "registry.reference-loop");
}

#[test]
fn versions_follow_the_setting() {
    let version = || Need::Version { subject: "s".into(), schema: "\"int\"".into(), references: Vec::new() };
    let strict = fake(&[("schema.version.lookup", "strict")]).play(version(), &[MISSING]).1.unwrap_err();
    assert!(strict.hint_text().unwrap().contains("schema.version.lookup"));
    let mut lenient = fake(&[("schema.version.lookup", "lenient")]);
    lenient.play(version(), &[MISSING]).1.unwrap();
    assert_eq!(lenient.client.lookup(version()), Lookup::Fact(Fact::Version(None)));
    let off = fake(&[("schema.version.lookup", "off")]);
    assert_eq!(off.client.lookup(version()), Lookup::Fact(Fact::Version(None)));
}

#[test]
fn open_needs_are_bounded() {
    let fake = fake(&[]);
    let first = fake.need(schema(0));
    for id in 1..=MAX_NEEDS as i32 {
        fake.need(schema(id));
    }
    assert_eq!(fake.client.exchange(first, fake.now).unwrap(), None);
    assert_eq!(fake.client.state().needs.len(), MAX_NEEDS);
    assert_eq!(fake.client.state().by_need.len(), MAX_NEEDS);
}

#[test]
fn errors_and_debug_show_no_secret() {
    let mut fake = fake(&[
        ("schema.registry.url", "http://u:s3cret@one"),
        ("basic.auth.credentials.source", "URL"),
        ("max.retries", "0"),
    ]);
    let need = fake.need(schema(8));
    let exchange = fake.next(need).unwrap().unwrap();
    let authorization = exchange.headers.iter().find(|(name, _)| name == "Authorization").unwrap();
    assert_eq!(authorization.1, "Basic dTpzM2NyZXQ=");
    let (asked, result) = fake.play(schema(7), &[DOWN]);
    let text = format!("{asked:?} {:?} {:?} {exchange:?}", result.unwrap_err(), fake.client);
    assert!(!text.contains("s3cret") && !text.contains("dTpzM2NyZXQ="), "{text}");
}

#[test]
fn what_is_no_registry_is_an_outage_and_the_next_one_is_asked() {
    let other_id = (200, r#"{"schema":"\"int\"","id":8}"#);
    for nonsense in [HTML, (404, "<html>not here</html>"), (200, "{}"), other_id] {
        let mut alone = fake(&[("max.retries", "1")]);
        let (asked, result) = alone.play(schema(7), &[nonsense, nonsense]);
        assert_eq!((asked.len(), result.unwrap_err().kind()), (2, ErrorKind::Outage), "{nonsense:?}");
        alone.play(schema(7), &[GOOD]).1.unwrap();
        let mut two = fake(&[("schema.registry.url", "http://one,http://two"), ("max.retries", "0")]);
        let (asked, result) = two.play(schema(7), &[nonsense, GOOD]);
        assert!(asked[1].starts_with("http://two/"), "{asked:?}");
        result.unwrap();
    }
}

#[test]
fn what_is_known_needs_no_registry() {
    let mut fake = fake(&[("max.retries", "0")]);
    fake.play(schema(7), &[GOOD]).1.unwrap();
    for _ in 0..100 {
        assert_eq!(fake.play(schema(8), &[DOWN]).1.unwrap_err().kind(), ErrorKind::Outage);
        assert!(matches!(fake.client.lookup(schema(7)), Lookup::Fact(_)));
        fake.now += 3_600_000;
    }
    fake.play(schema(8), &[GOOD]).1.unwrap();
}
