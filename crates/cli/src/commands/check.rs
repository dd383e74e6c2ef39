//! `xacct-sign check`.

use crate::arguments::CheckArguments;
use crate::counted::counted;
use crate::failure::Failure;
use crate::{findings, manifest, output};

pub(crate) fn run(arguments: &CheckArguments) -> Result<(), Failure> {
    let manifest = manifest::read(&arguments.manifest)?;
    let plan = manifest.plan(&manifest::read_lock(&arguments.manifest)?);
    let found = plan.findings();
    let roles = plan.provider_roles();
    let largest = roles.iter().map(|role| role.trust_policy.characters()).max().unwrap_or_default();

    let mut lines: Vec<String> = found.iter().flat_map(|finding| findings::lines(&manifest.file, finding)).collect();
    lines.push(format!(
        "{}, {}, {}; the longest trust policy has {largest} of {} characters",
        counted(manifest.stages.len(), "stage", "stages"),
        counted(manifest.callers.len(), "caller", "callers"),
        counted(roles.len(), "role", "roles"),
        manifest.api.role_trust_policy_length
    ));
    output::print(&lines)?;
    match found.iter().filter(|finding| finding.is_open()).count() {
        0 => Ok(()),
        open => Err(Failure::Findings(open)),
    }
}
