//! Whether a caller may make a call of a server, which decides by itself: as the verifier of `callers.json` does.

use xacct_sign::aws::{RoleArn, RoleName};

use super::can::{Answer, AskedCall, WhyNot};
use crate::deployed::concrete_roles;
use crate::manifest::{Caller, CallerPrincipals, Stage, WhichRole};
use crate::plan::Plan;

impl Plan<'_> {
    /// By every reading of the path, as one of the roles that the caller runs as: of a wide caller one may be known as a narrower.
    pub(super) fn can_at_server(
        &self,
        caller: &Caller,
        stage: &Stage,
        call: &AskedCall,
        readings: &[String],
    ) -> Answer {
        let roles = self.roles_of(caller);
        let (_, concrete) = concrete_roles(&roles, self.manifest.api.partition(), &self.manifest.api.account);
        let mut why = WhyNot::NotListed { caller: caller.name.clone(), stage: stage.name.clone() };
        for role in concrete {
            let Ok(arn) = RoleArn::parse(&role.arn) else { continue };
            let name = role.arn.split_once(":role/").and_then(|(_, name)| RoleName::parse(name));
            let Some((told, by)) = name.and_then(|name| self.told_as(stage, arn.account(), &name)) else { continue };
            // A proof has no path, so it names nobody by a pattern.
            let by_proof = !self.manifest.identity.regions.is_empty() && !matches!(by, WhichRole::Like(_));
            if !by_proof && self.manifest.issuer_of(arn.account()).is_none() {
                why = WhyNot::NoIssuer { caller: told.name.clone(), stage: stage.name.clone() };
                continue;
            }
            let is_on = |reading: &String| {
                told.routes.as_ref().is_none_or(|routes| routes.iter().any(|route| route.is_of(&call.method, reading)))
            };
            if readings.iter().all(is_on) {
                return Answer::Yes(Vec::new());
            }
            why = WhyNot::NoRoute { caller: told.name.clone() };
        }
        Answer::No(why)
    }

    /// The caller that a role is told to be: its name goes before patterns, and these before its whole account. `None` where that
    /// is nobody, and where the patterns of two callers fit.
    fn told_as(&self, stage: &Stage, account: &str, role: &RoleName) -> Option<(&Caller, &WhichRole)> {
        let of_account = self.manifest.callers.values().filter(
            |caller| matches!(&caller.principals, CallerPrincipals::Roles { account: own, .. } if own == account),
        );
        let (mut named, mut fitting, mut whole) = (None, Vec::new(), None);
        for caller in of_account {
            for which in caller.roles_on(&stage.name) {
                match which {
                    WhichRole::Named(own) if own == role => named = Some((caller, which)),
                    WhichRole::Like(pattern) if pattern.covers(role) => fitting.push((caller, which)),
                    WhichRole::Every => whole = Some((caller, which)),
                    WhichRole::Named(_) | WhichRole::Like(_) => {}
                }
            }
        }
        fitting.dedup_by_key(|(caller, _)| caller.name.as_str());
        match (named, fitting.as_slice()) {
            (Some(named), _) => Some(named),
            (None, []) => whole,
            (None, [only]) => Some(*only),
            (None, _) => None,
        }
    }
}
