//! `xacct-sign schema`.

use xacct_sign_client::server::CALLERS_SCHEMA;
use xacct_sign_provider::JSON_SCHEMA;

use crate::arguments::{SchemaArguments, SchemaOf};
use crate::failure::Failure;
use crate::output;

pub(crate) fn run(arguments: &SchemaArguments) -> Result<(), Failure> {
    output::document(match arguments.of {
        SchemaOf::Manifest => JSON_SCHEMA,
        SchemaOf::Callers => CALLERS_SCHEMA,
    })
}
