//! What the run says: each failure as a readable difference, counts by file, and the verdict in the last line.

use crate::check::Verdict;
use crate::suite::Case;
use std::collections::BTreeMap;
use std::process::ExitCode;

/// Differences shown for one vector.
const SHOWN: usize = 12;

/// Results so far.
pub struct Report {
    engine: String,
    groups: BTreeMap<String, Counts>,
    total: Counts,
    /// Known failures, with their reasons.
    known: Vec<(String, String)>,
    /// Vectors without a comparison, with the reason.
    not_applicable: Vec<(String, &'static str)>,
    other_classes: BTreeMap<(String, String), usize>,
}

#[derive(Clone, Copy, Default)]
struct Counts {
    passed: usize,
    failed: usize,
    known: usize,
    not_applicable: usize,
    comparisons: usize,
}

impl Report {
    /// Nothing yet.
    pub fn new(engine: &str) -> Self {
        Self {
            engine: engine.to_owned(),
            groups: BTreeMap::new(),
            total: Counts::default(),
            known: Vec::new(),
            not_applicable: Vec::new(),
            other_classes: BTreeMap::new(),
        }
    }

    /// Takes one verdict; `known` is the reason why the vector need not pass.
    pub fn add(&mut self, case: &Case, verdict: Result<Verdict, String>, known: Option<&str>) {
        let verdict =
            verdict.unwrap_or_else(|broken| Verdict { differences: vec![broken], compared: 1, ..Verdict::default() });
        let mut counts = Counts { comparisons: verdict.compared, ..Counts::default() };
        match (verdict.differences.is_empty(), known) {
            (false, Some(reason)) => {
                counts.known = 1;
                self.known.push((case.id.clone(), reason.to_owned()));
            }
            (false, None) => {
                counts.failed = 1;
                self.fail(case, &verdict.differences);
            }
            (true, Some(_)) => {
                counts.failed = 1;
                self.fail(
                    case,
                    &["is listed as a failure that is known but passes: take it off, the list may only shrink".into()],
                );
            }
            (true, None) => match verdict.not_applicable {
                // A vector of several steps may still have been compared in part; that is not a pass.
                Some(why) => {
                    counts.not_applicable = 1;
                    self.not_applicable.push((case.id.clone(), why));
                }
                None if verdict.compared == 0 => {
                    counts.failed = 1;
                    self.fail(case, &["nothing was compared".into()]);
                }
                None => counts.passed = 1,
            },
        }
        for classes in verdict.other_classes {
            *self.other_classes.entry(classes).or_default() += 1;
        }
        for sum in [self.groups.entry(case.group.clone()).or_default(), &mut self.total] {
            sum.passed += counts.passed;
            sum.failed += counts.failed;
            sum.known += counts.known;
            sum.not_applicable += counts.not_applicable;
            sum.comparisons += counts.comparisons;
        }
    }

    fn fail(&self, case: &Case, differences: &[String]) {
        let note = case.json.get("note").and_then(|note| note.as_str()).map(|note| format!(" ({note})"));
        println!("FAIL {} [{}] {}{}", case.id, self.engine, case.group, note.unwrap_or_default());
        for difference in differences.iter().take(SHOWN) {
            println!("    {difference}");
        }
        if differences.len() > SHOWN {
            println!("    ... and {} more differences", differences.len() - SHOWN);
        }
    }

    /// Prints the counts; the last line is `N passed, N failed`.
    pub fn finish(self) -> ExitCode {
        println!("\n{:<36} {:>7} {:>7} {:>7} {:>7}", self.engine, "passed", "failed", "known", "n/a");
        for (group, c) in &self.groups {
            println!("{group:<36} {:>7} {:>7} {:>7} {:>7}", c.passed, c.failed, c.known, c.not_applicable);
        }
        if !self.other_classes.is_empty() {
            let sum: usize = self.other_classes.values().sum();
            println!("\n{sum} errors of another class than the reference's (recommended only):");
            for ((wanted, found), count) in &self.other_classes {
                println!("    {count:>5} {wanted} -> {found}");
            }
        }
        for (title, list) in [("known failures", self.known.len()), ("not applicable", self.not_applicable.len())] {
            if list > 0 {
                println!("\n{list} {title}:");
                let known = self.known.iter().map(|(id, why)| (id, why.as_str()));
                let not_applicable = self.not_applicable.iter().map(|(id, why)| (id, *why));
                let lines: Vec<_> = if title == "known failures" { known.collect() } else { not_applicable.collect() };
                for (id, why) in lines {
                    println!("    {id}: {why}");
                }
            }
        }
        println!("\n{} comparisons", self.total.comparisons);
        let nothing = self.total.passed == 0 && self.total.failed == 0;
        if nothing {
            eprintln!("corpus: nothing was compared");
        }
        println!("{} passed, {} failed", self.total.passed, self.total.failed);
        match (nothing, self.total.failed) {
            (true, _) => ExitCode::from(2),
            (false, 0) => ExitCode::SUCCESS,
            (false, _) => ExitCode::from(1),
        }
    }
}
