//! The state machine: which exchange comes next for a need, and what its answer changes.

use crate::config::{MAX_RESPONSE_BYTES, RegistryConfig, VersionLookup};
use crate::facts::Facts;
use crate::needs::{Fact, Lookup, Need, RegisteredSchema};
use crate::request::{MEDIA_TYPE, Request};
use crate::response::{Verdict, judge};
use crate::url::Redirect;
use connect_data::frame::{Answer, Exchange};
use connect_data::{Error, NeedId, Result};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// Needs that are open or failed recently; the oldest are forgotten beyond this.
const MAX_NEEDS: usize = 1_000;
/// Redirects that one request follows.
const MAX_HOPS: u32 = 5;
/// Referenced schemas of one schema, all levels together.
const MAX_REFERENCED: usize = 1_000;
/// Failures in a row before a need is asked less often.
const FREE_FAILURES: u32 = 2;
/// First and longest such pause.
const PAUSE_MS: (i64, i64) = (100, 10_000);
/// A failure that nobody fetched within this time is not news any more.
const STALE_MS: i64 = 5_000;
/// An exchange that is this much overdue was abandoned by its host.
const ABANDONED_MS: i64 = 10_000;

/// Client of one converter instance. All methods take `&self`; threads share needs, facts and failures.
///
/// The way of a call: [`Self::lookup`] gives a fact or the number of a need; while it is a need, the host calls
/// [`Self::exchange`], waits `delay_ms`, performs the exchange **without following redirects**, and hands the outcome to
/// [`Self::answer`]; `Ok(None)` from [`Self::exchange`] means: look up again. An answer of status 0 says in its body why
/// there is none: refused, time-out, TLS, more than `max_response_bytes`.
///
/// Two threads with one need get the same exchange and may both perform it: the second answer finds nothing to do.
pub struct RegistryClient {
    config: RegistryConfig,
    facts: RwLock<Facts>,
    state: Mutex<State>,
}

impl std::fmt::Debug for RegistryClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RegistryClient").field("config", &self.config).finish_non_exhaustive()
    }
}

/// What [`RegistryClient::references`] finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum References {
    /// All schemas that are referred to, directly or not, each once, dependencies first.
    All(Vec<Arc<RegisteredSchema>>),
    /// One of them is not known yet: hand this number to the host.
    Need(NeedId),
}

#[derive(Default)]
struct State {
    needs: BTreeMap<NeedId, Pending>,
    by_need: BTreeMap<Arc<Need>, NeedId>,
    last_need: NeedId,
    last_exchange: u32,
    /// Index of the registry that answered last.
    url: usize,
}

struct Pending {
    need: Arc<Need>,
    /// In a row.
    failures: u32,
    phase: Phase,
}

enum Phase {
    Idle,
    Asking(Box<Attempt>),
    Failed {
        error: Error,
        at: i64,
        /// Until then the failure is repeated without asking.
        until: i64,
        told: bool,
    },
}

struct Attempt {
    /// `delay_ms` is computed anew each time it is handed out.
    exchange: Exchange,
    send_at: i64,
    deadline: i64,
    retries: u32,
    /// Registries asked since the last wait.
    asked: usize,
    url: usize,
    hops: u32,
}

impl RegistryClient {
    /// A client that knows nothing yet.
    pub fn new(config: RegistryConfig) -> Self {
        let facts = RwLock::new(Facts::new(config.max_facts));
        Self { config, facts, state: Mutex::default() }
    }

    /// The setting that decides about [`Need::Version`].
    pub fn version_lookup(&self) -> VersionLookup {
        self.config.version_lookup
    }

    /// The fact, or the number of the need. With `schema.version.lookup=off` a [`Need::Version`] is answered at once.
    pub fn lookup(&self, need: Need) -> Lookup {
        if matches!(need, Need::Version { .. }) && self.config.version_lookup == VersionLookup::Off {
            return Lookup::Fact(Fact::Version(None));
        }
        if let Some(fact) = self.facts.read().unwrap_or_else(PoisonError::into_inner).get(&need) {
            return Lookup::Fact(fact);
        }
        Lookup::Need(self.state().number(need))
    }

    /// The schemas that `schema` refers to.
    ///
    /// # Errors
    /// Data: references that form a loop, or more than 1,000 of them.
    pub fn references(&self, schema: &RegisteredSchema) -> Result<References> {
        let mut found = Found { order: Vec::new(), done: BTreeMap::new() };
        match self.collect(schema, &mut found)? {
            Some(need) => Ok(References::Need(need)),
            None => Ok(References::All(found.order)),
        }
    }

    /// Depth first, with a stack of its own: the chain may be as long as the limit.
    fn collect(&self, schema: &RegisteredSchema, found: &mut Found) -> Result<Option<NeedId>> {
        let root = Arc::new(schema.clone());
        let mut open: Vec<(Arc<RegisteredSchema>, usize, (String, i32))> = vec![(root, 0, (String::new(), 0))];
        while let Some((schema, next, key)) = open.last_mut() {
            let Some(reference) = schema.references.get(*next) else {
                if let Some((schema, _, key)) = open.pop().filter(|_| !open.is_empty()) {
                    found.done.insert(key, true);
                    found.order.push(schema);
                }
                continue;
            };
            *next += 1;
            let wanted = (reference.subject.clone(), reference.version);
            let describe = || format!("version {} of subject {:?}", wanted.1, wanted.0);
            match found.done.get(&wanted) {
                Some(true) => continue,
                Some(false) => {
                    return Err(Error::data(
                        "registry.reference-loop",
                        format!("Schema Registry: {} refers to itself through {:?}", describe(), key.0),
                    ));
                }
                None => {}
            }
            if found.done.len() >= MAX_REFERENCED {
                return Err(Error::data(
                    "registry.references",
                    format!("Schema Registry: expected at most {MAX_REFERENCED} referenced schemas, found more"),
                ));
            }
            match self.lookup(Need::SubjectVersion { subject: wanted.0.clone(), version: wanted.1 }) {
                Lookup::Need(need) => return Ok(Some(need)),
                Lookup::Fact(Fact::Schema(schema)) => {
                    found.done.insert(wanted.clone(), false);
                    open.push((schema, 0, wanted));
                }
                Lookup::Fact(_) => return Err(Error::internal("registry.fact", "a schema's fact is no schema")),
            }
        }
        Ok(None)
    }

    /// The next exchange for a need; `None` = its fact is known (or was forgotten): look up again. Asking twice gives the
    /// same exchange with what is left of its delay.
    ///
    /// # Errors
    /// Outage: no registry answered, as a registry does, within `max.retries` and `retries.budget.ms`. Data, Config: the
    /// registry's answer is final. Either is told once to each who waits for it; then the registry is asked again, from the third failure in
    /// a row on after a pause during which the failure is repeated.
    pub fn exchange(&self, need: NeedId, now_ms: i64) -> Result<Option<Exchange>> {
        let mut state = self.state();
        let url = state.url;
        let exchange_id = state.last_exchange.wrapping_add(1);
        let Some(pending) = state.needs.get_mut(&need) else { return Ok(None) };
        match &mut pending.phase {
            Phase::Failed { error, at, until, told } => {
                if now_ms < *until || (!*told && now_ms - *at <= STALE_MS) {
                    *told = true;
                    return Err(error.clone());
                }
            }
            Phase::Asking(attempt) => {
                let overdue = now_ms - attempt.send_at - i64::from(attempt.exchange.timeout_ms);
                if overdue <= ABANDONED_MS {
                    let mut exchange = attempt.exchange.clone();
                    exchange.delay_ms = millis(attempt.send_at - now_ms);
                    return Ok(Some(exchange));
                }
            }
            Phase::Idle => {}
        }
        let deadline = now_ms.saturating_add(self.config.budget_ms);
        let attempt = self.ask(&pending.need, exchange_id, url, now_ms, deadline);
        let exchange = attempt.exchange.clone();
        pending.phase = Phase::Asking(Box::new(attempt));
        state.last_exchange = exchange_id;
        Ok(Some(exchange))
    }

    /// Takes an answer; one that nobody waits for any more is ignored. What it means comes out of the next
    /// [`Self::lookup`] and [`Self::exchange`].
    pub fn answer(&self, answer: &Answer, now_ms: i64) {
        let mut state = self.state();
        let exchange_id = state.last_exchange.wrapping_add(1);
        let asked = |p: &Pending| matches!(&p.phase, Phase::Asking(a) if a.exchange.id == answer.id);
        let Some((&id, pending)) = state.needs.iter_mut().find(|(_, pending)| asked(pending)) else { return };
        let Phase::Asking(attempt) = &mut pending.phase else { return };
        let verdict = judge(&pending.need, self.config.version_lookup, &attempt.exchange.url, answer);
        let answered_by = attempt.url;
        let failure = match verdict {
            Verdict::Fact(fact) => match self.learn(&pending.need, fact) {
                Ok(()) => {
                    state.forget(id);
                    state.url = answered_by;
                    return;
                }
                Err(error) => (error, 0),
            },
            Verdict::Redirect(to) if attempt.hops < MAX_HOPS => {
                self.follow(attempt, to, exchange_id, now_ms);
                state.last_exchange = exchange_id;
                return;
            }
            Verdict::Redirect(_) => (
                Error::outage(
                    "registry.redirect",
                    format!("Schema Registry: expected an answer after {MAX_HOPS} redirects, found another"),
                ),
                0,
            ),
            Verdict::Again { error, wait_ms, elsewhere } => {
                match self.again(attempt, &pending.need, exchange_id, wait_ms, elsewhere, now_ms) {
                    Some(next) => {
                        pending.phase = Phase::Asking(Box::new(next));
                        state.last_exchange = exchange_id;
                        return;
                    }
                    None => (self.give_up(error, attempt, now_ms), 0),
                }
            }
            Verdict::Missing(error) => (error, self.config.missing_ttl_ms),
            Verdict::Final(error) => (error, 0),
        };
        let (error, ttl) = failure;
        pending.failures += 1;
        let pause = match pending.failures.checked_sub(FREE_FAILURES + 1) {
            None => 0,
            Some(more) => (PAUSE_MS.0 << more.min(20)).min(PAUSE_MS.1),
        };
        let until = now_ms.saturating_add(pause.max(ttl));
        pending.phase = Phase::Failed { error, at: now_ms, until, told: false };
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a fact, unless it contradicts what is known: an id names one schema for ever.
    fn learn(&self, need: &Need, fact: Fact) -> Result<()> {
        let mut facts = self.facts.write().unwrap_or_else(PoisonError::into_inner);
        if let (Need::Schema { id, subject }, Fact::Schema(new)) = (need, &fact)
            && let Some(Fact::Schema(known)) = facts.same_id(*id, subject)
            && !same_schema(&known.text, &new.text)
        {
            return Err(Error::outage(
                "registry.id-reused",
                format!("Schema Registry: expected the known schema for id {id}, found another one"),
            )
            .hint("the registry gave one id to two schemas: records of that id cannot be read safely"));
        }
        facts.insert(need.clone(), fact);
        Ok(())
    }

    /// The first request of an attempt, or the next after a wait.
    fn ask(&self, need: &Need, id: u32, url: usize, send_at: i64, deadline: i64) -> Attempt {
        let request = Request::of(need);
        let url = url % self.config.urls.len().max(1);
        let mut headers = vec![
            ("Accept".to_owned(), format!("{MEDIA_TYPE}, application/vnd.schemaregistry+json, application/json")),
            ("Confluent-Accept-Unknown-Properties".to_owned(), "true".to_owned()),
        ];
        if request.body.is_some() {
            headers.push(("Content-Type".to_owned(), MEDIA_TYPE.to_owned()));
        }
        headers.extend(self.config.headers.0.iter().cloned());
        headers.extend(self.config.credentials.headers(url));
        let left = deadline - send_at;
        let exchange = Exchange {
            id,
            method: request.method.to_owned(),
            url: self.config.urls.get(url).map(|base| base.join(&request.target)).unwrap_or_default(),
            headers,
            body: request.body,
            delay_ms: 0,
            connect_timeout_ms: millis(self.config.connect_timeout_ms.min(left)).max(1),
            timeout_ms: millis((self.config.connect_timeout_ms + self.config.read_timeout_ms).min(left)).max(1),
            max_response_bytes: MAX_RESPONSE_BYTES,
        };
        Attempt { exchange, send_at, deadline, retries: 0, asked: 1, url, hops: 0 }
    }

    /// Sends the same request where a registry pointed to; credentials and other secrets stay at home.
    fn follow(&self, attempt: &mut Attempt, to: Redirect, id: u32, now_ms: i64) {
        attempt.hops += 1;
        attempt.send_at = now_ms;
        let exchange = &mut attempt.exchange;
        exchange.id = id;
        exchange.url = to.url;
        exchange.timeout_ms = exchange.timeout_ms.min(millis(attempt.deadline - now_ms).max(1));
        if !to.same_origin {
            exchange.headers.retain(|(name, _)| {
                ["accept", "content-type", "confluent-accept-unknown-properties"]
                    .contains(&name.to_ascii_lowercase().as_str())
            });
        }
    }

    /// The next request after a registry was not available; `None` = enough.
    fn again(
        &self,
        attempt: &Attempt,
        need: &Need,
        id: u32,
        wait_ms: Option<i64>,
        elsewhere: bool,
        now_ms: i64,
    ) -> Option<Attempt> {
        let next_url = attempt.url + 1;
        if elsewhere && attempt.asked < self.config.urls.len() && now_ms < attempt.deadline {
            let next = self.ask(need, id, next_url, now_ms, attempt.deadline);
            return Some(Attempt { retries: attempt.retries, asked: attempt.asked + 1, ..next });
        }
        if attempt.retries >= self.config.max_retries {
            return None;
        }
        let send_at = now_ms.saturating_add(self.back_off(attempt, now_ms).max(wait_ms.unwrap_or(0)));
        if send_at >= attempt.deadline {
            return None;
        }
        let url = if elsewhere { next_url } else { attempt.url };
        let mut next = self.ask(need, id, url, send_at, attempt.deadline);
        next.exchange.delay_ms = millis(send_at - now_ms);
        Some(Attempt { retries: attempt.retries + 1, ..next })
    }

    /// Doubling, at most `retries.max.wait.ms`, half of it jitter: a registry that comes back is not met by all at once.
    fn back_off(&self, attempt: &Attempt, now_ms: i64) -> i64 {
        let full = self.config.wait_ms.saturating_mul(1 << attempt.retries.min(20)).min(self.config.max_wait_ms).max(0);
        // FNV-1a over what differs between instances and attempts: there is no random number in a pure core.
        let mut hash = 0xCBF2_9CE4_8422_2325_u64;
        let parts = [&now_ms.to_le_bytes()[..], attempt.exchange.url.as_bytes(), &attempt.exchange.id.to_le_bytes()];
        for byte in parts.iter().copied().flatten() {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
        }
        full - (hash % (full as u64 / 2 + 1)) as i64
    }

    fn give_up(&self, error: Error, attempt: &Attempt, now_ms: i64) -> Error {
        let spent = now_ms - (attempt.deadline - self.config.budget_ms);
        let urls: Vec<_> = self.config.urls.iter().map(|url| format!("{url:?}")).collect();
        let known = error.hint_text().map(|hint| format!("{hint}; ")).unwrap_or_default();
        error.hint(format!(
            "{known}gave up after {} retries and {spent} ms; asked {}; see max.retries and retries.budget.ms",
            attempt.retries,
            urls.join(", ")
        ))
    }
}

struct Found {
    order: Vec<Arc<RegisteredSchema>>,
    /// By subject and version; false while its own references are being followed.
    done: BTreeMap<(String, i32), bool>,
}

impl State {
    fn number(&mut self, need: Need) -> NeedId {
        if let Some(id) = self.by_need.get(&need) {
            return *id;
        }
        while self.needs.len() >= MAX_NEEDS {
            let Some(oldest) = self.needs.keys().next().copied() else { break };
            self.forget(oldest);
        }
        // Numbers are not reused while their need is open, also after the counter has wrapped.
        loop {
            self.last_need = self.last_need.wrapping_add(1);
            if !self.needs.contains_key(&self.last_need) {
                break;
            }
        }
        let need = Arc::new(need);
        self.by_need.insert(need.clone(), self.last_need);
        self.needs.insert(self.last_need, Pending { need, failures: 0, phase: Phase::Idle });
        self.last_need
    }

    fn forget(&mut self, id: NeedId) {
        if let Some(pending) = self.needs.remove(&id) {
            self.by_need.remove(&pending.need);
        }
    }
}

fn millis(value: i64) -> u32 {
    value.clamp(0, i64::from(u32::MAX)) as u32
}

/// Registries may give one schema with other white space or key order.
fn same_schema(a: &str, b: &str) -> bool {
    let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    a == b || parse(a).is_some_and(|a| parse(b) == Some(a))
}

#[cfg(test)]
mod tests;
