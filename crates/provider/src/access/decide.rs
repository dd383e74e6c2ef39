//! Whether somebody may call: the caller's own side and the API's together.
//!
//! What any policy denies is denied. Within the API's account either side suffices; across accounts both have to allow
//! ([how resource policies affect authorization](https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html),
//! tables A and B;
//! [cross-account evaluation](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html)).

use crate::iam::{Decision, Effect, PolicyDocument, Request, evaluate};

/// The policies that decide about a call.
#[derive(Debug, Clone, Copy)]
pub struct Sides<'d> {
    /// Those of whoever calls.
    pub own: &'d [&'d PolicyDocument],
    /// What limits them: a session policy, a permissions boundary. Each has to allow, too.
    pub limits: &'d [&'d PolicyDocument],
    /// The one that hangs on the API, if any does.
    pub resource: Option<&'d PolicyDocument>,
    /// Whether whoever calls is of the API's account.
    pub is_of_the_account: bool,
    /// Whether it is a private API, which lets nobody in without a policy
    /// ([private APIs](https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-private-apis.html)).
    pub is_private: bool,
}

/// One of the sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Side {
    /// The policies of whoever calls.
    Own,
    /// What limits them: which of these, from 0.
    Limit(usize),
    /// The policy that hangs on the API.
    Resource,
}

/// Why a call is refused: the side that did it, with what it said.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refused<'d> {
    /// The side.
    pub side: Side,
    /// What it said; `None` where the API has no policy, and is private or somebody comes from another account.
    pub decision: Option<Decision<'d>>,
}

impl<'d> Sides<'d> {
    /// Whether the request is allowed.
    ///
    /// # Errors
    ///
    /// The side that refuses it: the first that denies, else the first that should have allowed.
    pub fn decide(&self, request: &'d Request<'_>) -> Result<(), Refused<'d>> {
        let own = (Side::Own, evaluate(self.own, request));
        let limits: Vec<_> = (self.limits.iter().enumerate())
            .map(|(index, limit)| (Side::Limit(index), evaluate(&[*limit], request)))
            .collect();
        let resource = self.resource.map(|policy| (Side::Resource, evaluate(&[policy], request)));
        let refused =
            |(side, decision): &(Side, Decision<'d>)| Refused { side: *side, decision: Some(decision.clone()) };
        let all = || std::iter::once(&own).chain(&limits).chain(&resource);
        if let Some(denying) = all().find(|(_, decision)| decision.effect() == Effect::ExplicitDeny) {
            return Err(refused(denying));
        }
        // A limit limits what comes from either side.
        let needed: Vec<&(Side, Decision<'d>)> = match (&resource, self.is_of_the_account) {
            (None, _) if self.is_private || !self.is_of_the_account => {
                return Err(Refused { side: Side::Resource, decision: None });
            }
            (None, _) => vec![&own],
            (Some(resource), false) => vec![resource, &own],
            (Some(resource), true) if resource.1.is_allowed() => Vec::new(),
            (Some(_), true) => vec![&own],
        };
        match needed.into_iter().chain(&limits).find(|(_, decision)| !decision.is_allowed()) {
            Some(side) => Err(refused(side)),
            None => Ok(()),
        }
    }
}
