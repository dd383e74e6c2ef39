//! `xacct-sign call`.

use std::sync::Arc;

use xacct_sign::{Error, ErrorKind, PartialScope};
use xacct_sign_client::{Patience, Request, Session};

use crate::answer::{self, Sink};
use crate::arguments::CallArguments;
use crate::caller::Caller;
use crate::failure::Failure;
use crate::identity::Wanted;
use crate::request::Prepared;
use crate::verbose;

pub(crate) fn run(arguments: &CallArguments) -> Result<(), Failure> {
    call(arguments).map_err(|failure| {
        if arguments.answer.silent && !arguments.answer.show_error { failure.silent() } else { failure }
    })
}

fn call(arguments: &CallArguments) -> Result<(), Failure> {
    let scope = PartialScope::new(arguments.role.base.region.clone(), arguments.request.service.clone())?;
    let identity = &arguments.identity;
    let wanted = identity.identity.as_ref().map(|audience| Wanted::new(audience, &identity.kind)).transpose()?;
    let warns = !arguments.answer.silent || arguments.answer.show_error;
    let caller = Caller::of_call(&arguments.role, arguments.answer.verbose.then(verbose::listener), warns)?;
    let prepared = Prepared::new(&arguments.request)?;
    // Nothing is sent whose answer cannot be written.
    let mut sink = Sink::open(arguments.answer.output.as_deref(), !arguments.answer.silent)?;
    // 0 is no limit, as in curl.
    let timeout = arguments.answer.max_time.filter(|time| !time.is_zero());
    let patience = Patience::of(timeout);

    let mut request = Request::new(prepared.method, prepared.url.as_str());
    request.headers = prepared.headers;
    request.body = prepared.body.into_body()?;
    request.follows_redirects = arguments.answer.location;
    request.timeout = timeout;
    let host =
        if arguments.answer.verbose { verbose::host(Arc::clone(&caller.host)) } else { Arc::clone(&caller.host) };
    let session = match &wanted {
        None => Session::on(host, caller.source, scope),
        Some(wanted) => Session::of_identity_on(host, wanted.of_caller(&caller)?),
    };
    let mut answer = session.send_streamed_within(request, &patience)?;

    let is_refused = arguments.answer.fail && answer.status >= 400;
    if arguments.answer.include || arguments.request.head {
        sink.head(&answer)?;
    }
    if is_refused {
        let message = format!("the answer is {}", answer::status_line(answer.status));
        let error = Error::new(ErrorKind::HttpStatus, message);
        // Each says to its caller no more than the status.
        let unsaid: &[u16] = if wanted.is_some() { &[401, 403, 503] } else { &[401, 403, 404] };
        let hint = match wanted {
            None => "`xacct-sign doctor` with the same URL and role says what is wrong, and on whose side",
            Some(_) => {
                "`xacct-sign doctor` with the same URL, role and `--identity` says what can be known of it from here"
            }
        };
        let is_unsaid = unsaid.contains(&answer.status);
        return Err(if is_unsaid { error.with_hint(hint) } else { error }.into());
    }
    // As in curl, whatever the method.
    if !arguments.request.head {
        sink.body(&mut answer, &patience)?;
    }
    sink.finish()
}
