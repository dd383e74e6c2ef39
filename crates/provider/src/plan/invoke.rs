//! Invoke policies: what a session of a role may call.

use std::collections::BTreeSet;

use crate::iam::document::Document;
use crate::limits::INLINE_POLICIES;
use crate::manifest::Route;
use crate::targets::Target;

/// A route of a caller's, as it is in the invoke policy of its role.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpenedRoute {
    /// The route.
    pub route: Route,
    /// The ends of the policy's resources, from the method on: seven for `ANY`, or one with a wildcard for the method where
    /// seven of each do not fit into the policy; none where no policy knows routes.
    pub suffixes: Vec<String>,
}

impl OpenedRoute {
    /// Whether a wildcard stands for its methods.
    pub(crate) fn is_by_wildcard(&self) -> bool {
        self.route.is_any() && self.suffixes.len() == 1
    }
}

/// The routes as they are in the policy: with their methods, or, where these do not fit, with wildcards for `ANY`.
pub(super) fn opened(routes: &[Route], target: Target<'_>) -> Vec<OpenedRoute> {
    let with = |route: &Route, suffixes: Vec<String>| OpenedRoute { route: route.clone(), suffixes };
    if !target.enforces_routes() {
        return routes.iter().map(|route| with(route, Vec::new())).collect();
    }
    let listed = |route: &Route| with(route, route.arn_suffixes());
    let shortest = |route: &Route| match route.is_any() {
        true => with(route, vec![route.wildcard_suffix()]),
        false => listed(route),
    };
    let opened: Vec<_> = routes.iter().map(listed).collect();
    if routes.iter().any(Route::is_any) && policy(&opened, target).characters() > INLINE_POLICIES.at_most {
        return routes.iter().map(shortest).collect();
    }
    opened
}

/// The policy of these routes, each resource once; of every route where there are none.
pub(super) fn policy(routes: &[OpenedRoute], target: Target<'_>) -> Document {
    let mut seen = BTreeSet::new();
    let suffixes = routes.iter().flat_map(|route| &route.suffixes).map(String::as_str);
    let suffixes: Vec<&str> = suffixes.filter(|suffix| seen.insert(*suffix)).collect();
    Document::new(target.statements(&suffixes))
}
