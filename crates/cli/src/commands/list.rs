//! `xacct-sign list`.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use xacct_sign_provider::{AccessRow, markdown_of_rows};

use crate::arguments::ListArguments;
use crate::failure::Failure;
use crate::{files, manifest, output};

/// How a page begins.
const PAGE: &[u8; 15] = b"<!doctype html>";

pub(crate) fn run(arguments: &ListArguments) -> Result<(), Failure> {
    files::refuse_dash(arguments.html.as_deref(), "--html", "name a file, such as `--html callers.html`")?;
    let manifest = manifest::read(&arguments.manifest)?;
    let recorded = manifest::read_lock(&arguments.manifest)?;
    let plan = manifest.plan(&recorded);
    if let Some(path) = &arguments.html {
        refuse_other_than_page(path)?;
        files::replace(path, &plan.access_map(&recorded))?;
        output::note(&[format!("wrote `{}`", path.display())]);
        return Ok(());
    }
    let rows = plan.access();
    if arguments.json {
        let text = serde_json::to_string(&rows).map_err(|error| Failure::Output(error.into()))?;
        return output::answer(&format!("{text}\n"));
    }
    if arguments.markdown {
        return output::answer(&markdown_of_rows(&rows));
    }
    output::answer_lines(&table(&rows))
}

/// A page takes the place of a page alone: `list --html xacct.toml` is soon typed.
fn refuse_other_than_page(path: &Path) -> Result<(), Failure> {
    // What is no file is refused where it is written: to open a pipe would wait for whoever writes into it.
    if !fs::symlink_metadata(path).is_ok_and(|there| there.is_file() && there.len() > 0) {
        return Ok(());
    }
    let mut start = [0; PAGE.len()];
    match File::open(path).and_then(|mut there| there.read_exact(&mut start)) {
        Ok(()) if start.eq_ignore_ascii_case(PAGE) => Ok(()),
        Err(source) if source.kind() != io::ErrorKind::UnexpectedEof => {
            Err(Failure::Unreadable { what: "what is there,", path: path.to_path_buf(), source })
        }
        _ => Err(Failure::NoPage(path.to_path_buf())),
    }
}

/// Columns as wide as what stands in them.
fn table(rows: &[AccessRow]) -> Vec<String> {
    let head = ["CALLER", "STAGE", "ROLE", "ROUTES", "TERMS"].map(str::to_owned);
    let cells = rows.iter().map(|row| {
        let role = row.role.clone().unwrap_or_else(|| "-".to_owned());
        let routes = row.routes.as_ref().map_or_else(|| "every route".to_owned(), |routes| routes.join(", "));
        [row.caller.clone(), row.stage.clone(), role, routes, row.terms_as_toml().join(", ")]
    });
    let all: Vec<[String; 5]> = std::iter::once(head).chain(cells).collect();
    let width = |column: usize| {
        let cells = all.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..5).map(width).collect();
    let line = |row: &[String; 5]| {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    all.iter().map(line).collect()
}
