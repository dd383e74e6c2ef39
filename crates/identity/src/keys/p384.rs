//! Whether a point lies on P-384 (SEC 2, section 2.5.1): y² = x³ − 3x + b.
//!
//! Libraries ask this too. Asked here, once for each key that is fetched, it holds in every language, whatever the library. Nothing is
//! secret: the time that it takes may depend on the numbers.

/// A number of 384 bits, the lowest 64 first.
type Number = [u64; 6];

/// 2³⁸⁴ − 2¹²⁸ − 2⁹⁶ + 2³² − 1.
const PRIME: Number =
    [0x0000_0000_ffff_ffff, 0xffff_ffff_0000_0000, 0xffff_ffff_ffff_fffe, u64::MAX, u64::MAX, u64::MAX];

const B: Number = [
    0x2a85_c8ed_d3ec_2aef,
    0xc656_398d_8a2e_d19d,
    0x0314_088f_5013_875a,
    0x181d_9c6e_fe81_4112,
    0x988e_056b_e3f8_2d19,
    0xb331_2fa7_e23e_e7e4,
];

/// Whether the two coordinates, big endian, are less than the prime and make a point of the curve. The point at infinity has none.
pub(super) fn is_on_curve(x: &[u8; 48], y: &[u8; 48]) -> bool {
    let (x, y) = (number(x), number(y));
    if !is_less(&x, &PRIME) || !is_less(&y, &PRIME) {
        return false;
    }
    let cube = multiply(&multiply(&x, &x), &x);
    let thrice = add(&add(&x, &x), &x);
    // Both sides with what is taken away brought to the other.
    add(&multiply(&y, &y), &thrice) == add(&cube, &B)
}

fn number(bytes: &[u8; 48]) -> Number {
    let mut number = Number::default();
    for (limb, bytes) in number.iter_mut().rev().zip(bytes.as_chunks::<8>().0) {
        *limb = u64::from_be_bytes(*bytes);
    }
    number
}

fn is_less(a: &Number, b: &Number) -> bool {
    a.iter().rev().lt(b.iter().rev())
}

/// The sum of two numbers less than the prime, less the prime where it is not less.
fn add(a: &Number, b: &Number) -> Number {
    let mut sum = Number::default();
    let mut carry = false;
    for ((sum, a), b) in sum.iter_mut().zip(a).zip(b) {
        let (once, first) = a.overflowing_add(*b);
        let (twice, second) = once.overflowing_add(u64::from(carry));
        *sum = twice;
        carry = first || second;
    }
    if carry || !is_less(&sum, &PRIME) { less_prime(&sum) } else { sum }
}

fn less_prime(a: &Number) -> Number {
    let mut difference = Number::default();
    let mut borrow = false;
    for ((difference, a), p) in difference.iter_mut().zip(a).zip(&PRIME) {
        let (once, first) = a.overflowing_sub(*p);
        let (twice, second) = once.overflowing_sub(u64::from(borrow));
        *difference = twice;
        borrow = first || second;
    }
    difference
}

/// By doubling and adding, bit by bit: slow, and short enough to be seen to be right.
fn multiply(a: &Number, b: &Number) -> Number {
    let mut product = Number::default();
    for limb in b.iter().rev() {
        for bit in (0..64).rev() {
            product = add(&product, &product);
            if limb >> bit & 1 == 1 {
                product = add(&product, a);
            }
        }
    }
    product
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair};

    use super::*;

    fn point() -> ([u8; 48], [u8; 48]) {
        let (random, form) = (SystemRandom::new(), &ECDSA_P384_SHA384_FIXED_SIGNING);
        let pair = EcdsaKeyPair::generate_pkcs8(form, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(form, pair.as_ref(), &random).unwrap();
        let public = pair.public_key().as_ref();
        (public[1..49].try_into().unwrap(), public[49..].try_into().unwrap())
    }

    #[test]
    fn rings_keys_lie_on_the_curve_and_nothing_beside_them_does() {
        for _ in 0..20 {
            let (x, y) = point();
            assert!(is_on_curve(&x, &y));
            assert!(!is_on_curve(&y, &x));
            for at in [0, 17, 47] {
                let mut other = y;
                other[at] ^= 1;
                assert!(!is_on_curve(&x, &other));
                let mut other = x;
                other[at] ^= 0x80;
                assert!(!is_on_curve(&other, &y));
            }
        }
    }

    /// The second coordinate of a point whose first one is zero.
    const Y: [u8; 48] = [
        0xc3, 0x06, 0x61, 0x0f, 0xb0, 0xae, 0x5a, 0x15, 0x9c, 0xf4, 0x5c, 0x06, 0x06, 0x9f, 0x22, 0xa6, 0xc5, 0xeb,
        0x36, 0x41, 0xc6, 0x02, 0xd4, 0x2d, 0xea, 0x2c, 0x4b, 0x4f, 0x75, 0x55, 0x07, 0x93, 0x40, 0x6d, 0x80, 0xd2,
        0xb9, 0x1a, 0xd5, 0x4f, 0x90, 0x48, 0xbd, 0x48, 0x7a, 0xf1, 0xad, 0xe1,
    ];

    #[test]
    fn a_coordinate_is_less_than_the_prime() {
        assert!(is_on_curve(&[0; 48], &Y));
        // The same number but for the prime, for which there is room: another way to write one key.
        let prime: Vec<u8> = PRIME.iter().rev().flat_map(|limb| limb.to_be_bytes()).collect();
        let prime: [u8; 48] = prime.try_into().unwrap();
        assert!(!is_on_curve(&prime, &Y));
        assert!(!is_on_curve(&[0xff; 48], &[0xff; 48]));
        assert!(!is_on_curve(&[0; 48], &[0; 48]));
    }
}
