//! What the library, or a crate, would do, written small: each piece stands here for the bytes that it saves in the WebAssembly
//! module of the npm package, and is tested against what it replaces.
//!
//! | piece | in place of | price of that |
//! |---|---|---|
//! | [`xml`] | the crate `quick-xml` | 10.3 kB |
//! | [`text`] | `str::split_once`, `contains` and `replace` | 4.6 kB |
//! | [`sort`] | `slice::sort_by`, once for each type that is sorted | 4.0 kB |
//! | [`time`] | the crate `time` | 0.7 kB, and five crates more in the core |
//!
//! The price is what the module, 47.3 kB, gets larger by: gzipped, after `wasm-opt`, one piece replaced at a time. Its limit is
//! 50 kB.

pub(crate) mod draw;
pub(crate) mod sort;
pub(crate) mod text;
pub(crate) mod time;
pub(crate) mod xml;
