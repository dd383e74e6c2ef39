//! A disk that is full: what cannot be written is told, and nothing half-written is left.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::command::MANIFEST;
use crate::server::Server;
use crate::world::{ROLE, Ran, World, with_input};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Every file below a folder, with its content.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            all.extend(files(&entry));
        } else {
            all.insert(entry.display().to_string(), fs::read(&entry).unwrap());
        }
    }
    all
}

/// A shell that has the command write no file longer than so many blocks of 512 bytes: what it cannot write fails, as on a disk that
/// is full.
fn short_of_room(world: &World, blocks: u32, arguments: &[&str]) -> Command {
    let own = world.command(arguments.iter().copied());
    let mut shell = Command::new("sh");
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
    shell.args(["-c", &script, "sh"]).arg(own.get_program()).args(own.get_args());
    shell.env_clear().envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.current_dir(&world.folder);
    shell
}

#[test]
fn a_temporary_folder_without_room_is_not_told_as_standard_input() {
    let world = World::new("typed-temporary");
    let server = Server::answering(OK);
    let body = vec![b'x'; 9 << 20];
    let folder = world.folder.join("tmp");
    std::fs::create_dir(&folder).unwrap();
    let arguments = ["call", "--no-cache", "--data-binary", "@-", &server.url];
    let mut full = short_of_room(&world, 1, &arguments);
    full.env("TMPDIR", &folder);
    let mut missing = world.command(arguments);
    missing.env("TMPDIR", world.folder.join("tmp/no"));
    for (command, folder) in [(full, folder.clone()), (missing, folder.join("no"))] {
        let ran = with_input(command, &body);
        assert_eq!(ran.code, Some(23), "{ran:?}");
        let sentence = format!("error[file_unwritable]: cannot write `{}`: ", folder.display());
        assert!(ran.stderr.starts_with(&sentence), "{ran:?}");
        assert!(!ran.stderr.contains("/.tmp"), "{ran:?}");
    }
    assert_eq!(server.take().len(), 0);
}

#[test]
fn a_file_without_room_is_told_by_the_name_that_was_typed() {
    let world = World::new("typed-room");
    let server = Server::answering(format!("HTTP/1.1 200 OK\r\ncontent-length: 9000\r\n\r\n{}", "x".repeat(9000)));
    let ran: Ran = short_of_room(&world, 1, &["call", "-o", "answer", &server.url]).output().unwrap().into();
    assert_eq!(ran.code, Some(23), "{ran:?}");
    assert!(ran.stderr.contains("answer`: "), "{ran:?}");
    assert!(!ran.stderr.contains(".xacct-"), "{ran:?}");
    let header = format!("x-long: {}", "x".repeat(3000));
    let signed: Ran = short_of_room(&world, 1, &["sign", "--canonical", "canonical", "-H", &header, &server.url])
        .output()
        .unwrap()
        .into();
    assert_eq!(signed.code, Some(23), "{signed:?}");
    assert!(signed.stderr.starts_with("error[file_unwritable]: cannot write `canonical`: "), "{signed:?}");
    assert!(!signed.stderr.contains(".xacct-"), "{signed:?}");
}

#[test]
fn nothing_half_written_is_left_where_there_is_no_room() {
    let world = World::new("room-left");
    let server = Server::answering(OK);
    let write = |name: &str, text: &str| fs::write(world.folder.join(name), text).unwrap();
    write("xacct.toml", MANIFEST);
    write("answer", "what was there before");
    write("canonical", "what was there before");
    let before = files(&world.folder);
    let emulator = ["emulator", "--as", "shop", "--stage", "stag", "--env-file", "x.env", "--", "true"];
    for (arguments, code) in [
        (&["call", "-o", "answer", &server.url][..], 23),
        (&["call", "-o", "new", &server.url], 23),
        (&["sign", "--canonical", "canonical", &server.url], 23),
        (&["sign", "--canonical", "new", &server.url], 23),
        (&["init", "--manifest", "new.toml"], 2),
        (&["render", "json", "--stage", "stag"], 2),
        (&["man", "pages"], 23),
        (&emulator, 23),
        (&["list", "--html", "access.html"], 2),
    ] {
        let ran: Ran = short_of_room(&world, 0, arguments).output().unwrap().into();
        assert_eq!((ran.code, ran.text()), (Some(code), ""), "{arguments:?}: {ran:?}");
        assert!(ran.stderr.starts_with("error[") && !ran.stderr.contains(".xacct-"), "{arguments:?}: {ran:?}");
        assert_eq!(files(&world.folder), before, "{arguments:?}");
    }
}

#[test]
fn a_cache_without_room_keeps_nobody_from_calling() {
    let world = World::new("room-cache");
    let ran: Ran = short_of_room(&world, 0, &["call", "--role", ROLE, &world.url]).output().unwrap().into();
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    let left = files(&world.folder);
    // A lock holds nothing.
    assert!(left.iter().all(|(name, content)| name.ends_with(".lock") && content.is_empty()), "{:?}", left.keys());
    assert_eq!(left.len(), 1);
}

#[test]
fn pages_are_whole_or_not_there() {
    let world = World::new("room-man");
    assert_eq!(world.run(&["man", "all"]).code, Some(0));
    let all = files(&world.folder.join("all"));
    let ran: Ran = short_of_room(&world, 8, &["man", "some"]).output().unwrap().into();
    assert_eq!(ran.code, Some(23), "{ran:?}");
    assert!(ran.stderr.starts_with("error[file_unwritable]: cannot write `some/xacct-sign-"), "{ran:?}");
    let some = files(&world.folder.join("some"));
    assert!(some.len() < all.len());
    for (name, content) in some {
        assert_eq!(all.get(&name.replace("/some/", "/all/")), Some(&content), "{name}");
    }
    // One that is there stays as it was.
    let page = world.folder.join("all/xacct-sign-call.1");
    fs::write(&page, "old").unwrap();
    assert_eq!(short_of_room(&world, 8, &["man", "all"]).output().unwrap().status.code(), Some(23));
    assert_eq!(fs::read_to_string(&page).unwrap(), "old");
}

/// A shell's `>` has made the file already: that it is not whole is said by the exit code.
#[test]
fn what_goes_to_standard_output_has_an_exit_code_where_there_is_no_room() {
    let world = World::new("room-output");
    for (arguments, code) in
        [(&["completions", "zsh"][..], 23), (&["schema"], 2), (&["render", "json", "--stage", "stag", "--locked"], 2)]
    {
        fs::write(world.folder.join("xacct.toml"), MANIFEST).unwrap();
        assert_eq!(world.run(&["render", "json", "--stage", "stag"]).code, Some(0));
        let out = fs::File::create(world.folder.join("out")).unwrap();
        let ran: Ran = short_of_room(&world, 1, arguments).stdout(out).output().unwrap().into();
        assert_eq!(ran.code, Some(code), "{arguments:?}: {ran:?}");
        assert!(ran.stderr.starts_with("error[output_unwritable]: the output cannot be written: "), "{ran:?}");
    }
}
