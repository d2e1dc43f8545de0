//! "Did you mean": the known name that an unknown one was probably meant to be.

/// The nearest of `known`, if any is near enough to be meant.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.to_ascii_lowercase();
    let most = wanted.chars().count() / 5 + 1;
    known
        .filter(|candidate| !candidate.ends_with('*'))
        .map(|candidate| (distance(&wanted, &candidate.to_ascii_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Dots, dashes and underscores are mistaken for each other more easily than letters are.
fn distance(a: &str, b: &str) -> usize {
    let plain = |text: &str| text.replace(['-', '_'], ".");
    strsim::osa_distance(&plain(a), &plain(b)).min(strsim::osa_distance(a, b))
}

#[cfg(test)]
mod tests {
    const KNOWN: [&str; 6] =
        ["slot.name", "table.include.list", "table.exclude.list", "pk.mode", "signal.*", "pk.fields"];

    #[test]
    fn typing_errors_find_their_key() {
        let nearest = |name| super::nearest(name, KNOWN.into_iter());
        assert_eq!(nearest("slot.nmae"), Some("slot.name"));
        assert_eq!(nearest("slot_name"), Some("slot.name"));
        assert_eq!(nearest("table.inculde.list"), Some("table.include.list"));
        assert_eq!(nearest("Pk.Field"), Some("pk.fields"));
        assert_eq!(nearest("something.else"), None);
        assert_eq!(nearest("signal"), None);
    }
}
