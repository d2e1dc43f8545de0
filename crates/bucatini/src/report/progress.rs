//! Progress: a line that is redrawn on a terminal, a log message every few seconds elsewhere.

use super::counters::{Counts, Phase, Reporter};
use super::logging::LogFormat;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::VecDeque;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often a terminal is redrawn.
const REDRAW: Duration = Duration::from_millis(200);
/// How often a message is logged elsewhere while something moves.
const MESSAGE: Duration = Duration::from_secs(5);
/// How often one is logged while nothing does.
const SILENCE: Duration = Duration::from_secs(60);
/// Rates are of this long.
const WINDOW: Duration = Duration::from_secs(10);

/// The place of the progress line: whoever writes to standard error goes through it.
#[derive(Clone, Debug, Default)]
pub struct Terminal(Arc<Mutex<Option<ProgressBar>>>);

impl Terminal {
    /// No line is shown yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets `write` write to standard error while the progress line is away.
    pub fn above<T>(&self, write: impl FnOnce() -> T) -> T {
        let bar = self.bar();
        match bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    fn bar(&self) -> Option<ProgressBar> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn show(&self, bar: Option<ProgressBar>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = bar;
    }
}

/// Shows a run's counters until it is stopped or dropped.
pub struct Progress {
    end: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Progress {
    /// Starts to show. A line is drawn if standard error is a terminal and logs are text.
    pub fn start(reporter: &Reporter, terminal: &Terminal, format: LogFormat) -> Self {
        let end = Arc::new(AtomicBool::new(false));
        let (reporter, terminal, stop) = (reporter.clone(), terminal.clone(), end.clone());
        let draws = format == LogFormat::Text && std::io::stderr().is_terminal();
        let show = move || if draws { draw(&reporter, &terminal, &stop) } else { log(&reporter, format, &stop) };
        let thread = std::thread::Builder::new().name("progress".to_owned()).spawn(show).ok();
        Self { end, thread }
    }

    /// Takes the line away.
    pub fn stop(&mut self) {
        self.end.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A panic there has been reported by the hook; the run is what matters.
            let _ = thread.join();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.stop();
    }
}

fn draw(reporter: &Reporter, terminal: &Terminal, stop: &AtomicBool) {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
        bar.set_style(style);
    }
    terminal.show(Some(bar.clone()));
    let mut rates = Rates::default();
    while !stop.load(Relaxed) {
        let counts = reporter.counts();
        rates.add(Instant::now(), &counts);
        bar.set_message(line(&counts, &rates.now()));
        bar.tick();
        std::thread::park_timeout(REDRAW);
    }
    bar.finish_and_clear();
    terminal.show(None);
}

fn log(reporter: &Reporter, format: LogFormat, stop: &AtomicBool) {
    let mut rates = Rates::default();
    let (mut last, mut last_at) = (Counts::default(), Instant::now());
    while !stop.load(Relaxed) {
        std::thread::park_timeout(REDRAW);
        let (now, counts) = (Instant::now(), reporter.counts());
        rates.add(now, &counts);
        let since = now.duration_since(last_at);
        // A new phase is worth a line at once.
        let due = counts.phase != last.phase || since >= SILENCE || (since >= MESSAGE && moved(&counts, &last));
        if due && !stop.load(Relaxed) {
            message(&counts, &rates.now(), format);
            (last, last_at) = (counts, now);
        }
    }
}

fn moved(now: &Counts, before: &Counts) -> bool {
    let numbers = |counts: &Counts| {
        [
            counts.read,
            counts.produced,
            counts.consumed,
            counts.written,
            counts.dropped,
            counts.rejected,
            counts.source.rows,
        ]
    };
    numbers(now) != numbers(before)
}

fn message(counts: &Counts, rate: &Rate, format: LogFormat) {
    match format {
        LogFormat::Text => tracing::info!("{}", line(counts, rate)),
        LogFormat::Json => tracing::info!(
            phase = counts.phase.name(),
            table = counts.source.table.as_deref(),
            tables_done = counts.source.tables_done,
            tables = counts.source.tables,
            rows = counts.source.rows,
            rows_estimated = counts.source.rows_estimated,
            read = counts.read,
            produced = counts.produced,
            consumed = counts.consumed,
            written = counts.written,
            dropped = counts.dropped,
            rejected = counts.rejected,
            records_per_second = rate.records,
            eta_seconds = rate.eta.map(|eta| eta.as_secs()),
            lag_bytes = counts.source.lag_bytes,
            lag_ms = counts.source.lag_ms,
            "progress"
        ),
    }
}

/// Logs what a run has done, at its end.
pub fn summary(counts: &Counts, elapsed: Duration, format: LogFormat) {
    let seconds = elapsed.as_secs_f64();
    // What went furthest says how fast the whole was.
    let records = if counts.written > 0 { counts.written } else { counts.produced.max(counts.read) };
    let rate = Rate { records: per_second(records, elapsed), eta: None };
    match format {
        LogFormat::Json => message(counts, &rate, format),
        LogFormat::Text => {
            let parts = totals(counts).join(", ");
            tracing::info!("{parts} in {seconds:.1} s ({}/s)", thousands(rate.records));
        }
    }
}

/// How fast a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Rate {
    /// Records a second.
    records: u64,
    /// Time until the snapshot is read.
    eta: Option<Duration>,
}

/// The counters of the last seconds.
#[derive(Default)]
struct Rates(VecDeque<(Instant, Counts)>);

impl Rates {
    fn add(&mut self, at: Instant, counts: &Counts) {
        self.0.push_back((at, counts.clone()));
        while self.0.len() > 2 && self.0.get(1).is_some_and(|(second, _)| at.duration_since(*second) >= WINDOW) {
            self.0.pop_front();
        }
    }

    fn now(&self) -> Rate {
        let (Some((from, first)), Some((to, last))) = (self.0.front(), self.0.back()) else { return Rate::default() };
        let elapsed = to.duration_since(*from);
        let progress = |counts: &Counts| counts.written.max(counts.produced).max(counts.read);
        let records = per_second(progress(last).saturating_sub(progress(first)), elapsed);
        let rows = per_second(last.source.rows.saturating_sub(first.source.rows), elapsed);
        let left = last.source.rows_estimated.map(|estimated| estimated.saturating_sub(last.source.rows));
        let eta = match (last.phase, left, rows) {
            (Phase::Snapshot, Some(left), 1..) => Some(Duration::from_secs(left.div_ceil(rows))),
            _ => None,
        };
        Rate { records, eta }
    }
}

fn per_second(count: u64, elapsed: Duration) -> u64 {
    let ms = elapsed.as_millis().max(1);
    (u128::from(count) * 1_000 / ms) as u64
}

/// One line for people.
fn line(counts: &Counts, rate: &Rate) -> String {
    let source = &counts.source;
    let mut parts = vec![counts.phase.name().to_owned()];
    if counts.phase == Phase::Snapshot {
        if let Some(table) = &source.table {
            parts.push(table.clone());
        }
        if source.tables > 1 {
            parts.push(format!("{} of {} tables", source.tables_done, source.tables));
        }
        parts.push(match source.rows_estimated {
            Some(estimated) if estimated >= source.rows && estimated > 0 => {
                let percent = source.rows * 100 / estimated;
                format!("{} of about {} rows ({percent} %)", thousands(source.rows), thousands(estimated))
            }
            _ => format!("{} rows", thousands(source.rows)),
        });
    }
    parts.extend(totals(counts));
    parts.push(format!("{}/s", thousands(rate.records)));
    if let Some(eta) = rate.eta {
        parts.push(format!("about {} left", clock(eta)));
    }
    if let Some(lag) = source.lag_bytes.filter(|_| counts.phase != Phase::Snapshot) {
        parts.push(format!("{} behind", bytes(lag)));
    }
    parts.join(", ")
}

/// What was counted, leaving out what stayed at zero.
fn totals(counts: &Counts) -> Vec<String> {
    let all = [
        ("read", counts.read),
        ("produced", counts.produced),
        ("consumed", counts.consumed),
        ("written", counts.written),
        ("dropped", counts.dropped),
        ("rejected", counts.rejected),
    ];
    let shown: Vec<_> = all
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| format!("{} {name}", thousands(*count)))
        .collect();
    if shown.is_empty() { vec!["0 read".to_owned()] } else { shown }
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..3_600 => format!("{}:{:02}", seconds / 60, seconds % 60),
        _ => format!("{}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60),
    }
}

fn bytes(count: u64) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match units.iter().find(|(size, _)| count >= *size) {
        Some((size, unit)) => format!("{:.1} {unit}", count as f64 / *size as f64),
        None => format!("{count} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::SourceProgress;

    #[test]
    fn a_snapshot_shows_rate_and_time_left() {
        let start = Instant::now();
        let counts = |rows: u64| Counts {
            read: rows,
            written: rows / 2,
            phase: Phase::Snapshot,
            source: SourceProgress {
                tables: 3,
                tables_done: 1,
                table: Some("public.pasta".to_owned()),
                rows,
                rows_estimated: Some(2_000_000),
                ..SourceProgress::default()
            },
            ..Counts::default()
        };
        let mut rates = Rates::default();
        for second in 0..=40u64 {
            rates.add(start + Duration::from_secs(second), &counts(second * 25_000));
        }
        assert_eq!(rates.now(), Rate { records: 25_000, eta: Some(Duration::from_secs(40)) });
        assert_eq!(
            line(&counts(1_000_000), &rates.now()),
            "snapshot, public.pasta, 1 of 3 tables, 1,000,000 of about 2,000,000 rows (50 %), 1,000,000 read, 500,000 \
             written, 25,000/s, about 0:40 left"
        );
        assert!(rates.0.len() < 15, "old samples go");
    }

    #[test]
    fn streaming_shows_the_lag() {
        let counts = Counts {
            read: 12,
            produced: 12,
            rejected: 1,
            phase: Phase::Streaming,
            source: SourceProgress { lag_bytes: Some(3_670_016), rows_estimated: Some(5), ..SourceProgress::default() },
            ..Counts::default()
        };
        assert_eq!(line(&counts, &Rate::default()), "streaming, 12 read, 12 produced, 1 rejected, 0/s, 3.5 MiB behind");
        assert_eq!(line(&Counts::default(), &Rate::default()), "starting, 0 read, 0/s");
    }

    #[test]
    fn estimates_that_are_exceeded_are_not_shown() {
        let source = SourceProgress { rows: 9, rows_estimated: Some(4), ..SourceProgress::default() };
        let counts = Counts { phase: Phase::Snapshot, source, ..Counts::default() };
        assert_eq!(line(&counts, &Rate::default()), "snapshot, 9 rows, 0 read, 0/s");
    }

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(
            [thousands(0), thousands(999), thousands(1_000), thousands(12_345_678)],
            ["0", "999", "1,000", "12,345,678"]
        );
        assert_eq!([clock(Duration::from_secs(61)), clock(Duration::from_secs(36_061))], ["1:01", "10:01:01"]);
        assert_eq!([bytes(1_023), bytes(1_536)], ["1023 bytes", "1.5 KiB"]);
    }
}
