//! What a request was signed for, against what its host and its answer say.

use xacct_sign::aws::ApiHost;

use crate::exchange::Exchange;
use crate::finding::{Code, Finding};

/// Region and service of a credential scope.
pub(crate) struct Signed<'e> {
    pub(crate) region: &'e str,
    pub(crate) service: &'e str,
}

impl<'e> Signed<'e> {
    /// Of the string that was signed, where that is known.
    pub(crate) fn of(exchange: &'e Exchange) -> Option<Self> {
        // `20150830/eu-west-1/execute-api/aws4_request`
        let mut parts = exchange.string_to_sign.as_deref()?.lines().nth(2)?.split('/').skip(1);
        Some(Self { region: parts.next()?, service: parts.next()? })
    }

    /// What the host says otherwise.
    pub(crate) fn contradicted(&self, exchange: &Exchange) -> Option<Finding> {
        let host = ApiHost::of(exchange.host()?).ok().flatten()?;
        if host.region() != self.region {
            let reason = format!("signed for `{}`, the host is of `{}`", self.region, host.region());
            return Some(Finding::new(Code::RegionWrong, reason));
        }
        let reason = format!("signed for `{}`, the host is of `{}`", self.service, host.service());
        (host.service() != self.service).then(|| Finding::new(Code::ServiceWrong, reason))
    }

    /// What to look at on a host of one's own, whose name says neither.
    pub(crate) fn unconfirmed(exchange: &'e Exchange) -> Option<String> {
        let signed = Self::of(exchange)?;
        let Ok(None) = ApiHost::of(exchange.host()?) else { return None };
        let Self { region, service } = signed;
        Some(format!(
            "the request was signed for `{service}` in `{region}`, and the host's name does not say whether that is right: compare it with what the provider says of the API"
        ))
    }
}

/// The answer names the scope that it wants, or the one that it does not: `Credential should be scoped to correct service: 'lambda'.`
pub(crate) fn refused(code: Code, said: &str, exchange: &Exchange, text: &str) -> Finding {
    let signed = Signed::of(exchange);
    let named = text.split('\'').nth(1).unwrap_or_default();
    if code == Code::RegionWrong {
        return Finding::new(code, said)
            .hint(format!("{}; on a domain of one's own it has to be given, as `region` or --region", code.hint()));
    }
    let reason = match signed {
        Some(Signed { service, .. }) => format!("{said}; it was signed for `{service}`"),
        None => said.to_owned(),
    };
    let finding = Finding::new(code, reason);
    if named.is_empty() { finding } else { finding.hint(hint_for_service(named)) }
}

/// How to sign for the service that was asked for.
pub(crate) fn hint_for_service(service: &str) -> String {
    let whose = match service {
        "lambda" => ", since it is a function URL",
        "execute-api" => ", since it is API Gateway",
        _ => "",
    };
    format!("sign for {service}{whose}: on a domain of one's own that is given as `service` or --service")
}
