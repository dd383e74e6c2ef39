//! `xacct-sign cache`.

use xacct_sign_client::host::Machine;

use crate::arguments::CacheCommand;
use crate::cache::Folder;
use crate::counted::counted;
use crate::failure::Failure;
use crate::output;

pub(crate) fn run(command: &CacheCommand) -> Result<(), Failure> {
    match command {
        CacheCommand::Clear => clear(),
    }
}

fn clear() -> Result<(), Failure> {
    let Some(folder) = Folder::place(&Machine::default()) else {
        output::note(&["there is no cache: nothing says where it would be".to_owned()]);
        return Ok(());
    };
    let removed = Folder::clear(&folder)?;
    let what = counted(removed, "role's credentials", "roles' credentials");
    output::note(&[format!("removed {what} from `{}`", folder.display())]);
    Ok(())
}
