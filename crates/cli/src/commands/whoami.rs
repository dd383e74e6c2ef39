//! `xacct-sign whoami`.

use serde::Serialize;
use xacct_sign_client::{Patience, caller_identity};

use crate::arguments::WhoamiArguments;
use crate::caller::Caller;
use crate::failure::Failure;
use crate::output;

#[derive(Serialize)]
struct Identity<'i> {
    account: &'i str,
    arn: &'i str,
    user_id: &'i str,
}

pub(crate) fn run(arguments: &WhoamiArguments) -> Result<(), Failure> {
    let caller = Caller::new(&arguments.role, None)?;
    let identity = caller_identity(&caller.host, &*caller.source, caller.region.as_deref(), &Patience::default())?;
    let identity = Identity { account: &identity.account, arn: &identity.arn, user_id: &identity.user_id };
    if arguments.json {
        return output::json(&identity);
    }
    output::print(&[
        format!("account: {}", identity.account),
        format!("arn:     {}", identity.arn),
        format!("user id: {}", identity.user_id),
    ])
}
