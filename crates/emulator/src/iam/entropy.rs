//! Random-looking text from one seed, so that the emulator draws no random number itself.

use std::convert::Infallible;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rsa::rand_core::{TryCryptoRng, TryRng};
use sha2::{Digest as _, Sha256};

/// SHA-256 over the seed and a counter: unpredictable without the seed, the same every time with it.
pub(crate) struct Entropy {
    seed: [u8; 32],
    counter: u64,
    unused: Vec<u8>,
}

impl Entropy {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self { seed, counter: 0, unused: Vec::new() }
    }

    /// What belongs to these names alone, whatever else is drawn from the seed: the same for the same names.
    pub(crate) fn of(seed: [u8; 32], names: &[&str]) -> Self {
        let mut named = Sha256::new();
        named.update(seed);
        for name in names {
            named.update(name.len().to_string());
            named.update(":");
            named.update(name);
        }
        Self::new(named.finalize().into())
    }

    fn byte(&mut self) -> u8 {
        if let Some(byte) = self.unused.pop() {
            return byte;
        }
        let mut block = Sha256::new();
        block.update(self.seed);
        block.update(self.counter.to_le_bytes());
        self.counter = self.counter.wrapping_add(1);
        self.unused.extend_from_slice(&block.finalize());
        self.unused.pop().unwrap_or_default()
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.byte()).collect()
    }

    /// An id as IAM makes them: a prefix of four letters that says what it is, then letters and digits of base 32
    /// ([Unique identifiers](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html)).
    pub(crate) fn id(&mut self, prefix: &str, length: usize) -> String {
        const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let mut id = prefix.to_owned();
        for _ in 0..length {
            let letter = ALPHABET.get(usize::from(self.byte() & 31)).copied().unwrap_or(b'A');
            id.push(char::from(letter));
        }
        id
    }

    /// A secret access key: 40 characters of base 64.
    pub(crate) fn secret(&mut self) -> String {
        STANDARD.encode(self.bytes(30))
    }

    /// A session token of 320 characters, with `+`, `/` and `=` in it as AWS's have them: they are what encoding breaks.
    pub(crate) fn session_token(&mut self) -> String {
        format!("IQoJb3JpZ2luX2VjEA+/{}", STANDARD.encode(self.bytes(223)))
    }

    /// A request id of API Gateway: 16 characters of base 64.
    pub(crate) fn gateway_request_id(&mut self) -> String {
        STANDARD.encode(self.bytes(11))
    }

    /// A request id of STS, in the form of a UUID.
    pub(crate) fn request_id(&mut self) -> String {
        let mut id = String::with_capacity(36);
        for (index, byte) in self.bytes(16).into_iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                id.push('-');
            }
            id.push_str(&format!("{byte:02x}"));
        }
        id
    }
}

/// What keys are made of.
impl TryRng for Entropy {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((0..4).fold(0, |number, _| number << 8 | u32::from(self.byte())))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok((0..8).fold(0, |number, _| number << 8 | u64::from(self.byte())))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.iter_mut().for_each(|byte| *byte = self.byte());
        Ok(())
    }
}

/// As unpredictable as its seed.
impl TryCryptoRng for Entropy {}
