//! `xacct-sign completions`.

use clap::CommandFactory as _;

use crate::arguments::{Arguments, CompletionsArguments};
use crate::failure::Failure;
use crate::output;

pub(crate) fn run(arguments: &CompletionsArguments) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "xacct-sign", &mut script);
    // For bash the library takes the hyphen for what parts commands, in one place of two: nothing would be completed behind a
    // command's name (https://github.com/clap-rs/clap/issues/6421).
    output::document(&String::from_utf8_lossy(&script).replace("xacct__subcmd__sign", "xacct__sign"))
}
