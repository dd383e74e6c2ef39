//! The npm packages: wasm, TypeScript, tarball.

use std::fs;
use std::path::{Path, PathBuf};

use crate::run::{Step, root, target};
use crate::wasm;

/// The npm workspace with the packages' source.
pub(crate) const PACKAGES: &str = "js";

/// Where the packed packages are tried. It is no part of the workspace, so that nothing is found there by chance.
pub(crate) const RUNTIMES: &str = "js/runtimes";

/// A package of the workspace.
pub(crate) struct Package {
    /// Its name on npm, and of its folder.
    pub(crate) name: &'static str,
    /// The crates that are its WebAssembly modules, each with the folder of its source that it is built into.
    pub(crate) modules: &'static [(&'static str, &'static str)],
}

/// What callers install.
pub(crate) const CALLER: Package = Package {
    name: "xacct-sign",
    modules: &[
        ("xacct-sign-wasm", "wasm"),
        ("xacct-sign-diagnosis-wasm", "wasm/explain"),
        ("xacct-sign-identity-wasm", "wasm/identity"),
    ],
};

/// The construct for the AWS CDK.
pub(crate) const CDK: Package = Package { name: "xacct-sign-cdk", modules: &[("xacct-sign-provider-wasm", "wasm")] };

/// What a server asks who is calling.
pub(crate) const SERVER: Package =
    Package { name: "xacct-sign-server", modules: &[("xacct-sign-server-wasm", "wasm")] };

/// The emulator, for callers' own tests.
pub(crate) const EMULATOR: Package =
    Package { name: "xacct-sign-emulator", modules: &[("xacct-sign-emulator-wasm", "wasm")] };

/// Every package of the workspace.
const ALL: [Package; 4] = [CALLER, CDK, SERVER, EMULATOR];

/// Packs every package; their tarballs.
pub(crate) fn pack_all() -> Result<Vec<PathBuf>, String> {
    ALL.iter().map(Package::pack).collect()
}

/// A step that is told every tarball, in `XACCT_SIGN_CDK_TARBALL` and the like.
pub(crate) fn with_tarballs(step: Step) -> Result<Step, String> {
    ALL.iter().try_fold(step, |step, package| {
        let variable = format!("{}_TARBALL", package.name.to_uppercase().replace('-', "_"));
        Ok(step.env(&variable, package.tarball()?))
    })
}

impl Package {
    /// Where its source is.
    pub(crate) fn folder(&self) -> PathBuf {
        Path::new(PACKAGES).join(self.name)
    }

    /// Builds the package and leaves its tarball in `dist/npm/`.
    pub(crate) fn pack(&self) -> Result<PathBuf, String> {
        install(PACKAGES)?;
        for (module, folder) in self.modules {
            let module = wasm::build(module, &self.folder().join(folder))?.join("xacct_sign_bg.wasm");
            // No feature flags: with them it makes modules that Node 20 cannot load. What names features is for tools alone.
            Step::new(root().join("js/node_modules/.bin/wasm-opt"))
                .args(["-O3", "--strip-target-features"])
                .arg(&module)
                .arg("-o")
                .arg(&module)
                .run()?;
        }
        npm(PACKAGES, ["run", "--silent", "build", "--workspace", self.name]).run()?;
        let out = packed();
        fs::create_dir_all(&out).map_err(|error| format!("{}: {error}", out.display()))?;
        // A tarball of an older version must not be taken for this one.
        while let Some(old) = self.find_tarball()? {
            fs::remove_file(&old).map_err(|error| format!("{}: {error}", old.display()))?;
        }
        npm(PACKAGES, ["pack", "--silent", "--workspace", self.name, "--pack-destination"]).arg(&out).run()?;
        self.tarball()
    }

    /// Its tarball, once it is packed.
    pub(crate) fn tarball(&self) -> Result<PathBuf, String> {
        self.find_tarball()?.ok_or_else(|| format!("npm packed no {}", self.name))
    }

    /// `NAME-VERSION.tgz`.
    fn find_tarball(&self) -> Result<Option<PathBuf>, String> {
        let folder = packed();
        let is_own = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let version = name.strip_prefix(self.name).and_then(|rest| rest.strip_prefix('-'));
            version.is_some_and(|version| version.starts_with(|first: char| first.is_ascii_digit()))
        };
        let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).find(is_own))
    }
}

/// Where tarballs are left.
fn packed() -> PathBuf {
    root().join("dist/npm")
}

/// A new folder in the target directory with the packed package installed, as a user has it.
pub(crate) fn app(tarball: &Path, name: &str) -> Result<PathBuf, String> {
    let folder = target().join("npm").join(name);
    let failed = |error| format!("{}: {error}", folder.display());
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(failed)?;
    }
    fs::create_dir_all(&folder).map_err(failed)?;
    fs::write(folder.join("package.json"), "{ \"private\": true }\n").map_err(failed)?;
    Step::new("npm")
        .args(["install", "--offline", "--no-audit", "--no-fund", "--no-package-lock", "--silent"])
        .arg(tarball)
        .in_directory(&folder)
        .run()?;
    Ok(folder)
}

/// Installs what a folder's lock file names, unless it is there already.
pub(crate) fn install(folder: &str) -> Result<(), String> {
    let lock = root().join(folder).join("package-lock.json");
    let wanted = fs::read_to_string(&lock).map_err(|error| format!("{}: {error}", lock.display()))?;
    let stamp = root().join(folder).join("node_modules/.installed-lock.json");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    // Not `npm ci`: it takes no lock file that lacks the binaries of another platform, and installs none that it lacks.
    npm(folder, ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"]).run()?;
    fs::write(&stamp, wanted).map_err(|error| format!("{}: {error}", stamp.display()))
}

/// `npm` in a folder.
pub(crate) fn npm<const N: usize>(folder: &str, arguments: [&str; N]) -> Step {
    Step::new("npm").args(arguments).in_directory(root().join(folder))
}
