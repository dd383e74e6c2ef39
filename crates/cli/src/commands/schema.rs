//! `xacct-sign schema`.

use xacct_sign_provider::JSON_SCHEMA;

use crate::failure::Failure;
use crate::output;

pub(crate) fn run() -> Result<(), Failure> {
    output::document(JSON_SCHEMA)
}
