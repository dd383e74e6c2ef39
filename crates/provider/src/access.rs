//! What the manifest means, asked three ways: who may call what, whether somebody may call this, and who somebody is.

mod can;
mod decide;
mod error;
mod list;
mod map;
mod server;
mod who;

pub use can::{Answer, AskedCall, GrantedCall, WhyNot};
pub use decide::{Refused, Side, Sides};
pub use error::AccessError;
pub use list::{AccessRow, Term, markdown_of_rows};
pub use who::{Asker, Known};
