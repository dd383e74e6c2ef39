//! Numbers that a seed decides.

/// One of `0..below`, for the so manyeth draw of a seed (a round of splitmix64). None of an empty range.
pub(crate) fn draw(seed: u64, round: u64, below: u64) -> u64 {
    let mut x = seed.wrapping_add(round.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (x ^ (x >> 31)).checked_rem(below).unwrap_or_default()
}
