//! What the library, or a crate, would do, written small: each piece stands here for the bytes that it saves in the WebAssembly
//! module, and is tested against what it replaces.

pub(crate) mod sort;
pub(crate) mod text;
pub(crate) mod time;
pub(crate) mod xml;
