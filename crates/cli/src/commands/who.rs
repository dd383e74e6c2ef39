//! `xacct-sign who`.

use xacct_sign_provider::{Asker, Known};

use crate::arguments::WhoArguments;
use crate::failure::Failure;
use crate::{manifest, output};

pub(crate) fn run(arguments: &WhoArguments) -> Result<(), Failure> {
    let asker = Asker::parse(&arguments.arn)?;
    let manifest = manifest::read(&arguments.manifest)?;
    let known = manifest.plan(&manifest::read_lock(&arguments.manifest)?).who(&asker);
    if known.is_empty() {
        output::answer_lines(&["nobody".to_owned()])?;
        return Err(Failure::No.silent());
    }
    output::answer_lines(&known.iter().map(line).collect::<Vec<_>>())
}

fn line(known: &Known) -> String {
    let possible = known.organization.as_ref();
    let possible = possible.map(|id| format!(" (possible: whoever is in organization {id})")).unwrap_or_default();
    format!("{}: {}{possible}", known.caller, known.stages.join(", "))
}
