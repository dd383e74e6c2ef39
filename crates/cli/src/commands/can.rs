//! `xacct-sign can`.

use xacct_sign_provider::{Access, Answer, AskedCall, GrantedCall, Manifest};

use crate::arguments::CanArguments;
use crate::failure::Failure;
use crate::{findings, manifest, output};

pub(crate) fn run(arguments: &CanArguments) -> Result<(), Failure> {
    let call = AskedCall::parse(&arguments.call)?;
    let manifest = manifest::read(&arguments.manifest)?;
    let caller = manifest::caller(&manifest, &arguments.caller)?;
    let stage = manifest::stage(&manifest, &arguments.stage)?;
    let plan = manifest.plan(&manifest::read_lock(&arguments.manifest)?);
    match plan.can(caller, stage, &call) {
        Answer::No(why) => {
            output::answer_lines(&["no".to_owned(), format!("  {why}")])?;
            if let Some(below) = call.below_url(stage) {
                output::note(&[format!("routes are below the path of the stage's URL: did you mean `{below}`?")]);
            }
            Err(Failure::No.silent())
        }
        Answer::Yes(granted) => {
            note_boundary(&manifest, &granted);
            let server = || vec!["  role: none, the caller shows the server who it is".to_owned()];
            let at_server = Some(stage.access).filter(|access| *access == Access::Identity).map(|_| server());
            let lines = granted.iter().flat_map(lines).chain(at_server.into_iter().flatten());
            output::answer_lines(&std::iter::once("yes".to_owned()).chain(lines).collect::<Vec<_>>())
        }
        _ => Err(Failure::No.silent()),
    }
}

/// Says of a yes by a role what could take it back and was read by nobody.
fn note_boundary(manifest: &Manifest, granted: &[GrantedCall]) {
    if let Some(arn) = &manifest.api.permissions_boundary
        && granted.iter().any(|granted| granted.role.is_some())
    {
        output::note(&[findings::unknown_boundary(arn)]);
    }
}

fn lines(granted: &GrantedCall) -> Vec<String> {
    let role = granted.role.as_deref().unwrap_or("none, the caller calls as itself");
    let mut lines = vec![format!("  role: {role}"), format!("  action: {}", granted.action)];
    lines.extend(granted.resources.iter().map(|resource| format!("  resource: {resource}")));
    lines
}
