//! `xacct-sign token`.

use xacct_sign::sts::TokenAlgorithm;
use xacct_sign_client::Patience;

use crate::arguments::TokenArguments;
use crate::caller::Caller;
use crate::failure::Failure;
use crate::{identity, output};

pub(crate) fn run(arguments: &TokenArguments) -> Result<(), Failure> {
    let algorithm = TokenAlgorithm::named(&arguments.algorithm)?;
    let caller = Caller::new(&arguments.role, None)?;
    let identity = match arguments.proof {
        true => identity::proof(&caller, &arguments.audience)?,
        false => identity::token(&caller, &arguments.audience, |options| {
            options.call.algorithm = algorithm;
            // What is too long for a number is too long for STS.
            options.call.duration_seconds = u32::try_from(arguments.expires_in).unwrap_or(u32::MAX);
        })?,
    };
    output::print(&[identity.bearer(&Patience::default())?.as_str().to_owned()])
}
