//! A refusal that does not say why, read by which kind of API has given it.

use crate::answer::Answer;
use crate::exchange::Exchange;
use crate::finding::{Code, Finding};
use crate::from_here;
use crate::scope::Signed;

/// What has refused, as far as its host and its answer tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Front {
    HttpApi,
    RestApi,
    FunctionUrl,
    Unknown,
}

/// What a function URL asks for, and where.
pub(crate) const BOTH_ACTIONS: &str = "a function URL asks for both actions, lambda:InvokeFunctionUrl (lambda:FunctionUrlAuthType is AWS_IAM) and lambda:InvokeFunction (lambda:InvokedViaFunctionUrl is true), on the function with the qualifier that the URL hangs on: a policy of $LATEST says nothing of an alias";

/// What a principal of another account needs.
pub(crate) const BOTH_SIDES: &str = "from another account both sides have to allow it, the caller's own policy and the resource policy of the API or function";

impl Front {
    pub(crate) fn of(exchange: &Exchange) -> Self {
        let host = exchange.host().unwrap_or_default();
        let has = |name| exchange.header(name).is_some();
        if host.contains(".lambda-url.") || exchange.text().contains("Function URL") {
            Self::FunctionUrl
        } else if has("apigw-requestid") {
            Self::HttpApi
        } else if has("x-amz-apigw-id") {
            Self::RestApi
        } else if exchange.text().contains("\"Message\"") && !host.contains(".execute-api.") {
            // Lambda writes it with a capital; so does a REST API, but only before a text that says who may not do what.
            Self::FunctionUrl
        } else {
            Self::Unknown
        }
    }
}

/// A refusal with 403 that is API Gateway's or Lambda's own, and says no more.
pub(crate) fn findings(exchange: &Exchange, answer: &Answer, is_signed: bool) -> Vec<Finding> {
    let certain = from_here::certain(exchange);
    if !certain.is_empty() {
        return certain;
    }
    let (front, reason) = (Front::of(exchange), answer.said(exchange));
    let finding = match front {
        // What was signed is told where to read more.
        Front::FunctionUrl if answer.is_bare() && !is_signed => Finding::new(Code::RequestUnsigned, reason).hint(
            "a function URL says this to a request that nobody has signed: sign it for lambda; if it was signed, something on the way takes Authorization off",
        ),
        Front::FunctionUrl if answer.may_be_bare() => Finding::new(Code::Forbidden, reason)
            .hint(format!("either something on the way takes Authorization off, or the caller may not: {BOTH_ACTIONS}; {BOTH_SIDES}")),
        Front::FunctionUrl => Finding::new(Code::Forbidden, reason)
            .hint(format!("{BOTH_ACTIONS}; {BOTH_SIDES}; a URL whose AuthType is NONE asks its resource policy alone")),
        _ if answer.code == "Forbidden" && front != Front::HttpApi => Finding::new(Code::RefusedBeforeIam, reason),
        _ if !answer.may_be_bare() => Finding::new(Code::Denied, reason),
        _ => Finding::new(Code::Forbidden, reason),
    };
    let finding = match (finding.code, Signed::unconfirmed(exchange)) {
        (Code::Forbidden, Some(unconfirmed)) => {
            let hint = format!("{}; {unconfirmed}", finding.hint);
            finding.hint(hint)
        }
        _ => finding,
    };
    let mut findings = vec![finding];
    findings.extend(from_here::proxy(exchange));
    findings
}
