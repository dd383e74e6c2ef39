//! Whether a caller may make a call of a server, which decides by itself: as the verifier of `callers.json` does.

use super::can::{Answer, AskedCall, WhyNot};
use super::who::Asker;
use crate::deployed::concrete_roles;
use crate::manifest::{Caller, CallerPrincipals, Stage, WhichRole};
use crate::plan::Plan;

impl Plan<'_> {
    /// By every reading of the path, of which there may be none, as one of the roles that the caller runs as: of a wide caller one
    /// may be known as a narrower.
    pub(super) fn can_at_server(
        &self,
        caller: &Caller,
        stage: &Stage,
        call: &AskedCall,
        readings: Option<&[String]>,
    ) -> Answer {
        let roles = self.caller_roles();
        let (_, concrete) = concrete_roles(&roles, self.manifest.api.partition(), &self.manifest.api.account);
        let mut why = WhyNot::NotListed { caller: caller.name.clone(), stage: stage.name.clone() };
        for role in concrete.into_iter().filter(|role| role.caller.caller == caller.name) {
            let Ok(asker) = Asker::parse(&role.arn) else { continue };
            let Some((told, by)) = self.told_as(stage, &asker).pop() else { continue };
            if !self.can_show(&role.account, by) {
                why = WhyNot::NoIssuer { caller: told.name.clone(), stage: stage.name.clone() };
                continue;
            }
            // Without routes nobody looks at the path.
            let Some(routes) = &told.routes else { return Answer::Yes(Vec::new()) };
            let is_on = |reading: &String| routes.iter().any(|route| route.is_of(&call.method, reading));
            match readings {
                Some(readings) if readings.iter().all(is_on) => return Answer::Yes(Vec::new()),
                Some(_) => why = WhyNot::NoRoute { caller: told.name.clone() },
                None => why = WhyNot::Unreadable,
            }
        }
        Answer::No(why)
    }

    /// Whether a token or a proof names a role of the account to a server. A proof has no path, so it names nobody by a pattern.
    pub(super) fn can_show(&self, account: &str, by: &WhichRole) -> bool {
        let by_proof = !self.manifest.identity.regions.is_empty() && !matches!(by, WhichRole::Like(_));
        by_proof || self.manifest.issuer_of(account).is_some()
    }

    /// The caller that somebody is told to be: its name goes before patterns, and these before its whole account. Nobody where the
    /// patterns of two callers fit. Several where the ARN is a session's, which has no path: whoever it could be.
    pub(super) fn told_as(&self, stage: &Stage, asker: &Asker) -> Vec<(&Caller, &WhichRole)> {
        let of_account = self.manifest.callers.values().filter(
            |caller| matches!(&caller.principals, CallerPrincipals::Roles { account, .. } if asker.is_of(self.manifest.api.partition(), account)),
        );
        let (mut named, mut fitting, mut whole) = (None, Vec::new(), None);
        for caller in of_account {
            for which in caller.roles_on(&stage.name).iter().filter(|which| asker.is(which)) {
                match which {
                    WhichRole::Named(_) => named = Some((caller, which)),
                    WhichRole::Like(_) => fitting.push((caller, which)),
                    WhichRole::Every => whole = Some((caller, which)),
                }
            }
        }
        fitting.dedup_by_key(|(caller, _)| caller.name.as_str());
        match (named, fitting.as_slice()) {
            (Some(named), _) => vec![named],
            (None, _) if !asker.has_path() => fitting.into_iter().chain(whole).collect(),
            (None, []) => whole.into_iter().collect(),
            (None, [only]) => vec![*only],
            (None, _) => Vec::new(),
        }
    }
}
