//! The walk to a server that has no API Gateway in front: a token or a proof in place of a signature.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use xacct_sign::aws::check_identity_region;
use xacct_sign_client::host::Host as _;
use xacct_sign_client::{
    Bearer, Body, CredentialSource, DefaultChain, Identity, Patience, Response, Session, http_hosts_of, sts_region,
};
use xacct_sign_diagnosis::{BearerEvidence, CallEvidence, Exchange, PlaceEvidence, diagnose, has_judged};

use super::{Doctor, State, failed, recorded};
use crate::identity::Wanted;

impl Doctor<'_> {
    pub(super) fn walk_to_server(&mut self, wanted: &Wanted) {
        let _ = self.links_to_server(wanted);
    }

    /// Ends where a link is broken.
    fn links_to_server(&mut self, wanted: &Wanted) -> Option<()> {
        let chain = DefaultChain::on(self.host(), self.role.base.profile.clone());
        let region = self.place_of_server(wanted, &chain)?;
        self.base(&chain)?;
        // A proof asks nobody here: the server's STS answers it.
        self.identity(&chain, &region, !wanted.is_proof || self.role.role.is_some())?;
        let source: Arc<dyn CredentialSource> = match &self.role.role {
            Some(role) => self.assume(role, chain, &region)?,
            None => Arc::new(chain),
        };
        let (identity, bearer) = self.bearer(wanted, &region, &source)?;
        self.call_to_server(wanted, &region, &source, identity, &bearer)
    }

    /// Where the call goes, and whose STS stands for the caller.
    fn place_of_server(&mut self, wanted: &Wanted, chain: &DefaultChain) -> Option<String> {
        let url = self.prepared.url.clone();
        let reachable = http_hosts_of(&*self.recorded).and_then(|hosts| hosts.check_reachable(url.as_url()));
        let region = reachable
            .and_then(|()| sts_region(&self.host(), chain, self.role.base.region.as_deref()))
            .and_then(|region| check_identity_region(&region).map(|()| region));
        match region {
            Ok(region) => {
                let seen = format!("{}, a {} of STS in {region}", self.shown_request(), wanted.kind());
                self.note("URL", true, seen);
                self.walk.evidence.place = Some(PlaceEvidence { error: None });
                Some(region)
            }
            Err(error) => {
                self.walk.evidence.place = Some(PlaceEvidence { error: Some(failed(&error)) });
                self.broken("URL", &error)
            }
        }
    }

    /// The token or the proof.
    fn bearer(
        &mut self,
        wanted: &Wanted,
        region: &str,
        source: &Arc<dyn CredentialSource>,
    ) -> Option<(Arc<dyn Identity>, Bearer)> {
        let before = self.recorded.count();
        let made = wanted
            .of(self.host(), region.to_owned(), Arc::clone(source))
            .and_then(|identity| Ok((identity.bearer(&Patience::default())?, identity)));
        let mut evidence = BearerEvidence {
            is_proof: wanted.is_proof,
            audience: wanted.audience().to_owned(),
            region: region.to_owned(),
            ..BearerEvidence::default()
        };
        match made {
            Ok((bearer, identity)) => {
                if let Some(claims) = claims(&bearer) {
                    let seconds = |name| claims.get(name).and_then(Value::as_i64);
                    // It is to be named to whoever has the server.
                    evidence.issuer = claims.get("iss").and_then(Value::as_str).map(str::to_owned);
                    evidence.lifetime_seconds =
                        seconds("exp").zip(seconds("iat")).and_then(|(end, start)| end.checked_sub(start));
                }
                let from = evidence.issuer.as_ref().map(|issuer| format!(", from {issuer}")).unwrap_or_default();
                self.note(wanted.kind(), true, format!("for {}{from}", wanted.audience()));
                self.walk.evidence.bearer = Some(evidence);
                Some((identity, bearer))
            }
            Err(error) => {
                evidence.answer = self.recorded.refusal_since(before);
                evidence.error = Some(failed(&error));
                self.walk.evidence.bearer = Some(evidence);
                self.broken(wanted.kind(), &error)
            }
        }
    }

    fn call_to_server(
        &mut self,
        wanted: &Wanted,
        region: &str,
        source: &Arc<dyn CredentialSource>,
        identity: Arc<dyn Identity>,
        bearer: &Bearer,
    ) -> Option<()> {
        self.count_before_call = self.recorded.count();
        let session = Session::of_identity_on(self.host(), identity);
        let (answer, bytes) = self.send(&session)?;
        let mut evidence = CallEvidence {
            server_ahead_seconds: self.recorded.apart_seconds(self.count_before_call),
            exchange: Some(self.exchange(&answer, bearer)),
            ..CallEvidence::default()
        };
        if let Some(body) = bytes {
            if answer.status == 401 && !wanted.is_proof {
                evidence.proof_status = self.by_proof(wanted, region, source, &body);
            } else if self.is_read(&answer) || self.is_led(&answer) || self.is_unasked(&answer) {
                (evidence.unsigned_status, evidence.unsigned_is_login) = self.unsigned(&answer, &body);
            }
        }
        let by_proof = evidence.proof_status;
        self.walk.evidence.call = Some(evidence);
        // These are of whoever is let in.
        let is_of_who_is_in = |code: &str| ["external_id_unchecked", "open_to_all", "caller_unasked"].contains(&code);
        let is_whole = diagnose(&self.walk.evidence).iter().all(|finding| is_of_who_is_in(finding.code()));
        self.note_answer("server", &answer, is_whole, "");
        if let Some(status) = by_proof {
            let state = match status {
                401 => State::Broken,
                300..=399 => State::Unknown,
                _ if !has_judged(status) => State::Unknown,
                _ => State::Whole,
            };
            self.note_state("by proof", state, format!("with a proof in place of the token the answer is {status}"));
        }
        self.note_by_nobody("by nobody", wanted.kind());
        Some(())
    }

    /// The answer, without what a server may have said back.
    fn exchange(&self, answer: &Response, bearer: &Bearer) -> Exchange {
        Exchange {
            method: Some(self.prepared.method.clone()),
            url: Some(answer.url.clone()),
            answered_at: recorded::seconds(self.recorded.now()),
            status: Some(answer.status),
            headers: recorded::texts(&answer.headers),
            body: Some(String::from_utf8_lossy(&answer.body).replace(bearer.as_str(), "…")),
            ..Exchange::default()
        }
    }

    /// The status of the call with a proof. The refusal before says that nothing was done.
    fn by_proof(&self, wanted: &Wanted, region: &str, source: &Arc<dyn CredentialSource>, body: &[u8]) -> Option<u16> {
        let identity = wanted.as_proof().of(self.host(), region.to_owned(), Arc::clone(source)).ok()?;
        let mut request = self.request();
        request.body = Body::Bytes(body.to_vec());
        Session::of_identity_on(self.host(), identity).send(request).ok().map(|answer| answer.status)
    }
}

/// What a token says.
fn claims(bearer: &Bearer) -> Option<Value> {
    let claims = URL_SAFE_NO_PAD.decode(bearer.as_str().split('.').nth(1)?).ok()?;
    serde_json::from_slice(&claims).ok()
}
