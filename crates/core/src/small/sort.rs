//! The order of headers and of query pairs.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Up to so many, inserting beats every other way of sorting.
const FEW: usize = 20;

/// Sorts; what is equal keeps its order.
///
/// Requests have few headers and few parameters. Those that have many share one sort, of indices, in which time stays
/// `n log n` and which stands once in the compiled code, whatever is sorted.
pub(crate) fn sort_by<T: Copy>(items: &mut [T], compare: impl Fn(&T, &T) -> Ordering) {
    if items.len() > FEW {
        return sort_many(items, compare);
    }
    for end in 1..items.len() {
        let mut at = end;
        while let (Some(before), Some(item)) = (at.checked_sub(1).and_then(|at| items.get(at)), items.get(at))
            && compare(before, item).is_gt()
        {
            items.swap(at - 1, at);
            at -= 1;
        }
    }
}

#[cold]
fn sort_many<T: Copy>(items: &mut [T], compare: impl Fn(&T, &T) -> Ordering) {
    let unsorted = items.to_vec();
    let order = sorted_indices(items.len(), &|a, b| match (unsorted.get(a), unsorted.get(b)) {
        (Some(first), Some(second)) => compare(first, second).then(a.cmp(&b)),
        _ => Ordering::Equal,
    });
    for (place, item) in items.iter_mut().zip(order.iter().filter_map(|index| unsorted.get(*index))) {
        *place = *item;
    }
}

/// A place in an order that is asked for rather than known.
struct Ranked<'a> {
    index: usize,
    compare: &'a dyn Fn(usize, usize) -> Ordering,
}

impl Ord for Ranked<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.compare)(self.index, other.index)
    }
}

impl PartialOrd for Ranked<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ranked<'_> {}

#[inline(never)]
fn sorted_indices(count: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let heap: BinaryHeap<Ranked<'_>> = (0..count).map(|index| Ranked { index, compare }).collect();
    heap.into_sorted_vec().into_iter().map(|ranked| ranked.index).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_many_are_sorted_as_std_does() {
        let mut state = 1_u32;
        for length in (0..64).chain([1000]) {
            let mut items: Vec<(u32, usize)> = (0..length)
                .map(|index| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 29, index)
                })
                .collect();
            let mut expected = items.clone();
            expected.sort_by_key(|(key, _)| *key);
            sort_by(&mut items, |a, b| a.0.cmp(&b.0));
            assert_eq!(items, expected);
        }
    }
}
