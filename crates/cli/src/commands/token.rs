//! `xacct-sign token`.

use xacct_sign_client::Patience;

use crate::arguments::TokenArguments;
use crate::caller::Caller;
use crate::failure::Failure;
use crate::identity::Wanted;
use crate::output;

pub(crate) fn run(arguments: &TokenArguments) -> Result<(), Failure> {
    let wanted = Wanted::new(&arguments.audience, &arguments.kind)?;
    let identity = wanted.of_caller(&Caller::new(&arguments.role, None)?)?;
    output::print(&[identity.bearer(&Patience::default())?.as_str().to_owned()])
}
