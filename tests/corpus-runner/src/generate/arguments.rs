//! The options that every generator has.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// For every usage text.
const COMMON: &str = "\
  --seed S   which vectors (default 1)
  --count N  how many (default 1000)
  --keep K   write only K of them: those that differ most in settings, schemas and outcome
  --not IN.jsonl   leave out what these vectors show already (with --keep)";

/// What to generate.
pub struct Options {
    /// The same seed gives the same vectors.
    pub seed: u64,
    /// How many.
    pub count: usize,
    /// How many to write of those.
    pub keep: Option<usize>,
    /// Files whose vectors show things that need not be shown again.
    pub known: Vec<PathBuf>,
    /// File to write.
    pub out: PathBuf,
    /// Options of one generator only.
    own: BTreeMap<String, String>,
}

impl Options {
    /// Reads the arguments after the verb; `own` are the options that only this verb has.
    ///
    /// # Errors
    /// An option that is unknown or has no value, no file to write.
    pub fn read(mut arguments: impl Iterator<Item = String>, own: &[&str], usage: &str) -> Result<Self, String> {
        let wrong = |why: String| format!("{why}\n{usage}\n{COMMON}");
        let mut options =
            Self { seed: 1, count: 1_000, keep: None, known: Vec::new(), out: PathBuf::new(), own: BTreeMap::new() };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| wrong(format!("{argument} needs a value")));
            let number = |text: String| text.parse().map_err(|_| wrong(format!("{argument}: {text:?} is no number")));
            match argument.as_str() {
                "--seed" => options.seed = number(value()?)?,
                "--count" => options.count = number(value()?)? as usize,
                "--keep" => options.keep = Some(number(value()?)? as usize),
                "--not" => options.known.push(value()?.into()),
                name if own.contains(&name) => drop(options.own.insert(name.to_owned(), value()?)),
                option if option.starts_with('-') => return Err(wrong(format!("unknown option {option}"))),
                path => options.out = path.into(),
            }
        }
        if options.out.as_os_str().is_empty() {
            return Err(wrong("expected a file to write".into()));
        }
        Ok(options)
    }

    /// An option of this generator, empty if it was not given.
    pub fn own(&self, name: &str) -> &str {
        self.own.get(name).map_or("", String::as_str)
    }
}
