//! The known word that was probably meant.

/// The candidate most like `word`, if any is like it at all.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const ALIKE: f64 = 0.7;
    let word = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| {
            let likeness = strsim::normalized_damerau_levenshtein(&word, &candidate.to_lowercase())
                .max(strsim::jaro_winkler(&word, &candidate.to_lowercase()));
            (likeness, candidate)
        })
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_the_word_that_was_meant_and_a_stranger_finds_none() {
        let known = ["listen", "max_connections", "max_concurrent_streams"];

        assert_eq!(nearest("lisen", known), Some("listen"));
        assert_eq!(nearest("max_conections", known), Some("max_connections"));
        assert_eq!(nearest("LISTEN", known), Some("listen"));
        assert_eq!(nearest("qqq", known), None);
    }
}
