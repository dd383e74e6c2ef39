//! Which word was probably meant: for `did you mean`.

/// How many names an error lists.
const SHOWN: usize = 10;

/// Which names there are, of many the one that was probably meant: the end of a sentence that says that one is unknown.
#[must_use]
pub fn names_there_are(name: &str, known: &[String]) -> String {
    if known.is_empty() {
        return "it has none".to_owned();
    }
    let more = known.len().saturating_sub(SHOWN);
    let shown = known.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match to(name, known.iter().map(String::as_str)) {
        Some(meant) if more > 0 => format!("did you mean `{meant}`?"),
        _ if more > 0 => format!("it has {shown} and {more} more"),
        _ => format!("it has {shown}"),
    }
}

/// The word that is nearest to a text, if one is near: a third of its letters may differ.
pub(super) fn to<'w>(text: &str, words: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    let plain = |text: &str| -> Vec<char> {
        text.chars().filter(|c| *c != '_' && *c != '-').map(|c| c.to_ascii_lowercase()).take(64).collect()
    };
    let given = plain(text);
    let near = words.map(|word| (distance(&given, &plain(word)), word)).min_by_key(|(distance, _)| *distance);
    near.filter(|(distance, word)| *distance <= word.len().min(given.len()) / 3).map(|(_, word)| word)
}

/// How many letters to put in, take out, change or swap with their neighbour.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let mut previous = None;
    for (row, x) in a.iter().enumerate() {
        let mut current = vec![row.saturating_add(1)];
        for (column, y) in b.iter().enumerate() {
            let at = |line: &[usize], index: usize| line.get(index).copied().unwrap_or(usize::MAX / 2);
            let kept = at(&last, column).saturating_add(usize::from(x != y));
            let taken = at(&last, column.saturating_add(1)).saturating_add(1);
            let put = at(&current, column).saturating_add(1);
            let mut best = kept.min(taken).min(put);
            let left = column.checked_sub(1).and_then(|left| Some((left, *b.get(left)?)));
            if let (Some((left, before)), Some(above)) = (left, previous)
                && before == *x
                && above == *y
            {
                best = best.min(at(&before_last, left).saturating_add(1));
            }
            current.push(best);
        }
        before_last = std::mem::replace(&mut last, current);
        previous = Some(*x);
    }
    last.last().copied().unwrap_or_default()
}
