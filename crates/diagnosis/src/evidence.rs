//! What was seen on the way of a call, link by link. Others gather it: `xacct-sign doctor`, or a program of one's own.

use std::fmt;

use crate::exchange::Exchange;
use crate::fields::{Fields, InvalidInput};

/// What was seen, in the order of the chain. What was not looked at is left out, and not judged.
///
/// As JSON it has these names; the faces pass it so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Where the call goes, and what it is signed for.
    pub place: Option<PlaceEvidence>,
    /// The caller's own credentials.
    pub base: Option<BaseEvidence>,
    /// Who the caller is: STS `GetCallerIdentity`.
    pub identity: Option<IdentityEvidence>,
    /// This machine's clock against AWS's.
    pub clock: Option<ClockEvidence>,
    /// The role: STS `AssumeRole`.
    pub assume_role: Option<AssumeRoleEvidence>,
    /// What says who calls in place of a signature, to a server without API Gateway in front.
    pub bearer: Option<BearerEvidence>,
    /// The call, signed or with what says who calls.
    pub call: Option<CallEvidence>,
}

impl Evidence {
    /// From JSON.
    ///
    /// # Errors
    ///
    /// For what is no object of these fields.
    pub fn from_json(text: &str) -> Result<Self, InvalidInput> {
        Fields::parse(text, Self::read)
    }

    fn read(fields: &mut Fields) -> Result<Self, InvalidInput> {
        Ok(Self {
            place: fields.object("place", PlaceEvidence::read)?,
            base: fields.object("base", BaseEvidence::read)?,
            identity: fields.object("identity", IdentityEvidence::read)?,
            clock: fields.object("clock", ClockEvidence::read)?,
            assume_role: fields.object("assume_role", AssumeRoleEvidence::read)?,
            bearer: fields.object("bearer", BearerEvidence::read)?,
            call: fields.object("call", CallEvidence::read)?,
        })
    }
}

/// Where the call goes, and what it is signed for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlaceEvidence {
    /// Why it cannot be called so.
    pub error: Option<Failure>,
}

impl PlaceEvidence {
    fn read(fields: &mut Fields) -> Result<Self, InvalidInput> {
        Ok(Self { error: fields.object("error", Failure::read)? })
    }
}

/// The caller's own credentials.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BaseEvidence {
    /// Why there are none.
    pub error: Option<Failure>,
    /// When they expire, in seconds since 1970.
    pub expires_at: Option<i64>,
    /// When they were looked at, in seconds since 1970.
    pub at: Option<i64>,
}

impl BaseEvidence {
    fn read(fields: &mut Fields) -> Result<Self, InvalidInput> {
        Ok(Self {
            error: fields.object("error", Failure::read)?,
            expires_at: fields.integer("expires_at")?,
            at: fields.integer("at")?,
        })
    }
}

/// Who the caller is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IdentityEvidence {
    /// The caller's ARN.
    pub arn: Option<String>,
    /// Why it is not known.
    pub error: Option<Failure>,
    /// What STS answered in place of it.
    pub answer: Option<Exchange>,
}

impl IdentityEvidence {
    fn read(fields: &mut Fields) -> Result<Self, InvalidInput> {
        Ok(Self {
            arn: fields.text("arn")?,
            error: fields.object("error", Failure::read)?,
            answer: fields.object("answer", Exchange::read)?,
        })
    }
}

/// This machine's clock against AWS's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClockEvidence {
    /// By how many seconds AWS's is ahead; below zero, behind.
    pub ahead_seconds: i64,
}

impl ClockEvidence {
    fn read(fields: &mut Fields) -> Result<Self, InvalidInput> {
        Ok(Self { ahead_seconds: fields.integer("ahead_seconds")?.unwrap_or_default() })
    }
}

/// The role.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AssumeRoleEvidence {
    /// Its ARN.
    pub role_arn: Option<String>,
    /// Whether an external id was sent.
    pub has_external_id: bool,
    /// Why it could not be assumed.
    pub error: Option<Failure>,
    /// What STS answered in place of credentials.
    pub answer: Option<Exchange>,
    /// Whether it could be assumed without the external id, too, where that was tried.
    pub works_without_external_id: Option<bool>,
}

impl AssumeRoleEvidence {
    fn read(fields: &mut Fields) -> Result<Self, InvalidInput> {
        Ok(Self {
            role_arn: fields.text("role_arn")?,
            has_external_id: fields.boolean("has_external_id")?.unwrap_or_default(),
            error: fields.object("error", Failure::read)?,
            answer: fields.object("answer", Exchange::read)?,
            works_without_external_id: fields.boolean("works_without_external_id")?,
        })
    }
}

/// A token or a proof.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BearerEvidence {
    /// Whether it is a proof, and no token.
    pub is_proof: bool,
    /// For whom it is.
    pub audience: String,
    /// The region whose STS makes the token, or answers the proof.
    pub region: String,
    /// The token's issuer.
    pub issuer: Option<String>,
    /// For how many seconds the token was made; 300 where that is not known.
    pub lifetime_seconds: Option<i64>,
    /// Why it could not be had.
    pub error: Option<Failure>,
    /// What STS answered in place of it.
    pub answer: Option<Exchange>,
}

impl BearerEvidence {
    fn read(fields: &mut Fields) -> Result<Self, InvalidInput> {
        Ok(Self {
            is_proof: fields.boolean("is_proof")?.unwrap_or_default(),
            audience: fields.text("audience")?.unwrap_or_default(),
            region: fields.text("region")?.unwrap_or_default(),
            issuer: fields.text("issuer")?,
            lifetime_seconds: fields.integer("lifetime_seconds")?,
            error: fields.object("error", Failure::read)?,
            answer: fields.object("answer", Exchange::read)?,
        })
    }
}

/// The call, signed or with a token or a proof.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallEvidence {
    /// Why there was no answer.
    pub error: Option<Failure>,
    /// The answer, and what was sent.
    pub exchange: Option<Exchange>,
    /// The status of the same call with its signature in the URL, where that was tried.
    pub presigned_status: Option<u16>,
    /// The status of the same call without its body, where that was tried.
    pub bodiless_status: Option<u16>,
    /// The status of the same call without a signature, token or proof, where that was tried.
    pub unsigned_status: Option<u16>,
    /// Whether the answer without them was a page on which to log in, as [`is_login_page`](crate::is_login_page) tells.
    pub unsigned_is_login: bool,
    /// The status of the same call with a proof in place of the token, where that was tried.
    pub proof_status: Option<u16>,
    /// By how many seconds the clock of whoever answered is ahead of AWS's; below zero, behind.
    pub server_ahead_seconds: Option<i64>,
}

impl CallEvidence {
    fn read(fields: &mut Fields) -> Result<Self, InvalidInput> {
        Ok(Self {
            error: fields.object("error", Failure::read)?,
            exchange: fields.object("exchange", Exchange::read)?,
            presigned_status: fields.status("presigned_status")?,
            bodiless_status: fields.status("bodiless_status")?,
            unsigned_status: fields.status("unsigned_status")?,
            unsigned_is_login: fields.boolean("unsigned_is_login")?.unwrap_or_default(),
            proof_status: fields.status("proof_status")?,
            server_ahead_seconds: fields.integer("server_ahead_seconds")?,
        })
    }
}

/// An error in place of an answer.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Failure {
    /// The stable code of the error, as docs/errors.md has them: `transport`, `credentials_not_found`.
    pub code: String,
    /// Its sentence.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Of what broke on the way: `name`, `connection`, `certificate`, `proxy`, `time`, or on the way back, `answer`.
    pub broken: Option<String>,
}

impl Failure {
    fn read(fields: &mut Fields) -> Result<Self, InvalidInput> {
        Ok(Self {
            code: fields.text("code")?.unwrap_or_default(),
            message: fields.text("message")?.unwrap_or_default(),
            hint: fields.text("hint")?,
            broken: fields.text("broken")?,
        })
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Failure({}: {})", self.code, self.message)
    }
}
