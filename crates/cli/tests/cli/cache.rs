//! The cache of roles' credentials.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, SystemTime};

use xacct_sign::aws::format_rfc3339;

use crate::world::{ROLE, Ran, World};

const CREDENTIALS: [&str; 3] = ["credentials", "--role", ROLE];

/// Where the cache of a world's user is.
fn cache(world: &World) -> PathBuf {
    let home = world.folder.join("home");
    if cfg!(target_os = "macos") { home.join("Library/Caches/xacct-sign") } else { home.join(".cache/xacct-sign") }
}

fn names(world: &World) -> Vec<String> {
    let entries = fs::read_dir(cache(world)).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// The one file with credentials.
fn file(world: &World) -> PathBuf {
    let names: Vec<String> = names(world).into_iter().filter(|name| name.ends_with(".json")).collect();
    assert_eq!(names.len(), 1, "{names:?}");
    cache(world).join(&names[0])
}

/// How many times a role was assumed.
fn assumed(world: &World) -> usize {
    let log = world.emulator.log();
    log.iter().filter(|entry| entry.done.as_ref().is_some_and(|done| done.starts_with("AssumeRole "))).count()
}

fn key_id(ran: &Ran) -> String {
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran.json()["AccessKeyId"].as_str().unwrap().to_owned()
}

/// Changes the times of what is kept: fetched so many seconds ago, and that many left.
fn aged(world: &World, age: u64, left: u64) {
    let (now, file) = (SystemTime::now(), file(world));
    let mut kept: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    kept["fetched_at"] = format_rfc3339(now - Duration::from_secs(age)).unwrap().into();
    kept["expires_at"] = format_rfc3339(now + Duration::from_secs(left)).unwrap().into();
    fs::write(file, kept.to_string()).unwrap();
}

#[test]
fn fifty_calls_at_once_make_one_assume_role() {
    let world = World::new("cache-fifty");
    let url = format!("{}/hoge", world.url);
    let start = |_| -> Child {
        let mut command = world.command(["call", "--fail", "--role", ROLE, &url]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let running: Vec<Child> = (0..50).map(start).collect();
    for process in running {
        let ran = Ran::from(process.wait_with_output().unwrap());
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    }
    assert_eq!(assumed(&world), 1);
}

#[test]
fn what_one_command_gets_serves_the_next() {
    let world = World::new("cache-next");
    let first = key_id(&world.run(&CREDENTIALS));
    assert_eq!(key_id(&world.run(&CREDENTIALS)), first);
    assert_eq!(world.call("/hoge", &["--fail"]).code, Some(0));
    assert_eq!(world.run(&["whoami", "--role", ROLE]).code, Some(0));
    assert_eq!(assumed(&world), 1);
    // With `--no-cache` it is neither read nor written.
    let kept = fs::read(file(&world)).unwrap();
    assert_ne!(key_id(&world.run(&["credentials", "--no-cache", "--role", ROLE])), first);
    assert_eq!((assumed(&world), fs::read(file(&world)).unwrap()), (2, kept));
}

#[test]
fn nobody_else_can_look_and_no_name_tells_anything() {
    let world = World::new("cache-private");
    let id = key_id(&world.run(&CREDENTIALS));
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(cache(&world)), 0o700);
    for name in names(&world) {
        assert_eq!(mode(cache(&world).join(&name)), 0o600);
        let (key, kind) = name.split_once('.').unwrap();
        assert!(
            key.len() == 64 && key.bytes().all(|byte| byte.is_ascii_hexdigit()) && ["json", "lock"].contains(&kind)
        );
        assert!(!name.contains(&id));
    }
}

#[test]
fn who_asks_otherwise_or_is_somebody_else_gets_none_of_it() {
    let world = World::new("cache-others");
    let first = key_id(&world.run(&CREDENTIALS));
    for arguments in [["--session-name", "other"], ["--duration", "15m"], ["--source-identity", "other"]] {
        let ran = world.run(&[CREDENTIALS.as_slice(), &arguments].concat());
        // The trust policy lets nobody set a source identity: that it was asked is what counts.
        assert!(ran.code != Some(0) || key_id(&ran) != first, "{arguments:?}");
    }
    // Somebody whom nobody trusts, with the same home.
    let outsider = &world.emulator.ready().outsider().credentials;
    let mut command = world.command(CREDENTIALS);
    command.env("AWS_ACCESS_KEY_ID", outsider.access_key_id());
    command.env("AWS_SECRET_ACCESS_KEY", outsider.secret_access_key());
    command.env("AWS_SESSION_TOKEN", outsider.session_token().unwrap());
    let ran = Ran::from(command.output().unwrap());
    assert_eq!((ran.code, ran.text()), (Some(67), ""));
    assert_eq!(key_id(&world.run(&CREDENTIALS)), first);
}

#[test]
fn what_makes_no_sense_is_replaced() {
    let world = World::new("cache-broken");
    key_id(&world.run(&CREDENTIALS));
    let path = file(&world);
    let whole = fs::read_to_string(&path).unwrap();
    let elsewhere = world.folder.join("elsewhere");
    fs::write(&elsewhere, &whole).unwrap();
    let mut times = assumed(&world);
    let broken = [
        String::new(),
        "not JSON".to_owned(),
        whole[..whole.len() / 2].to_owned(),
        whole.replace("\"expires_at\":\"2", "\"expires_at\":\"x"),
        whole.replace("\"secret_access_key\":\"", "\"secret_access_key\":\" "),
        "[".repeat(100_000),
    ];
    let writes = |text: String| {
        let path = path.clone();
        Box::new(move || fs::write(&path, &text).unwrap()) as Box<dyn Fn()>
    };
    let mut broken: Vec<Box<dyn Fn()>> = broken.into_iter().map(writes).collect();
    let make = |kind: fn(&PathBuf, &PathBuf)| {
        let (path, elsewhere) = (path.clone(), elsewhere.clone());
        Box::new(move || {
            fs::remove_file(&path).unwrap();
            kind(&path, &elsewhere);
        }) as Box<dyn Fn()>
    };
    broken.push(make(|path, elsewhere| symlink(elsewhere, path).unwrap()));
    broken.push(make(|path, _| symlink("/nonexistent", path).unwrap()));
    broken.push(make(|path, _| assert!(Command::new("mkfifo").arg(path).status().unwrap().success())));
    // One that others could read, as if it had been copied.
    broken.push(make(|path, elsewhere| {
        fs::copy(elsewhere, path).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    }));
    for breaks in broken {
        breaks();
        let ran = world.run(&CREDENTIALS);
        let id = key_id(&ran);
        times += 1;
        assert_eq!((assumed(&world), ran.stderr.as_str()), (times, ""));
        assert_eq!(key_id(&world.run(&CREDENTIALS)), id, "it is whole again");
        let metadata = fs::symlink_metadata(&path).unwrap();
        assert!(metadata.is_file() && metadata.permissions().mode() & 0o777 == 0o600);
    }
    assert_eq!(fs::read_to_string(&elsewhere).unwrap(), whole, "nothing is written through a link");
}

#[test]
fn what_is_about_to_expire_is_not_used() {
    let world = World::new("cache-windows");
    let first = key_id(&world.run(&CREDENTIALS));
    // The last minute of an hour, and a time that is over.
    for (age, left) in [(3_550, 50), (7_200, 0)] {
        let before = assumed(&world);
        aged(&world, age, left);
        assert_ne!(key_id(&world.run(&CREDENTIALS)), first);
        assert_eq!(assumed(&world), before + 1);
    }
    // Early, whoever comes first gets new ones, but nobody waits for another who is at it.
    let serving = key_id(&world.run(&CREDENTIALS));
    let lock = File::open(file(&world).with_extension("lock")).unwrap();
    lock.lock().unwrap();
    aged(&world, 3_450, 150);
    assert_eq!(key_id(&world.run(&CREDENTIALS)), serving);
    drop(lock);
    assert_ne!(key_id(&world.run(&CREDENTIALS)), serving);
    // A clock that was set back by years says nothing of when they expire.
    aged(&world, 0, 3_600);
    let kept = fs::read_to_string(file(&world)).unwrap();
    let year = format_rfc3339(SystemTime::now()).unwrap()[..4].to_owned();
    fs::write(file(&world), kept.replace(&format!("\"{year}-"), "\"2126-")).unwrap();
    let before = assumed(&world);
    key_id(&world.run(&CREDENTIALS));
    assert_eq!(assumed(&world), before + 1);
}

#[test]
fn who_waits_for_another_waits_no_longer_than_it_may() {
    let world = World::new("cache-patience");
    key_id(&world.run(&CREDENTIALS));
    let lock = File::open(file(&world).with_extension("lock")).unwrap();
    lock.lock().unwrap();
    fs::remove_file(file(&world)).unwrap();
    assert_eq!(world.call("/hoge", &["--max-time", "0.2"]).code, Some(28));
    drop(lock);
    assert_eq!(world.call("/hoge", &["--fail"]).code, Some(0));
}

#[test]
fn an_emulator_that_was_started_anew_is_asked_anew() {
    let world = World::new("cache-forgotten");
    let id = key_id(&world.run(&CREDENTIALS));
    // As if an emulator before this one had issued them.
    let kept = fs::read_to_string(file(&world)).unwrap();
    fs::write(file(&world), kept.replace(&id, "ASIAFORGOTTEN")).unwrap();
    assert_eq!(world.call("/hoge", &["--fail"]).code, Some(0));
    assert_eq!(assumed(&world), 2);
}

#[test]
fn a_folder_that_others_could_write_is_not_used() {
    let world = World::new("cache-unsafe");
    let folder = cache(&world);
    key_id(&world.run(&CREDENTIALS));
    let kept = fs::read(file(&world)).unwrap();
    let said = |part: &str| {
        for arguments in [CREDENTIALS.as_slice(), &["whoami", "--role", ROLE]] {
            let ran = world.run(arguments);
            assert_eq!(ran.code, Some(0), "{ran:?}");
            let shown = format!("warning[cache_unsafe]: the cache is not used: `{}` {part}\nhint: ", folder.display());
            assert!(ran.stderr.starts_with(&shown), "{ran:?}");
        }
        for command in ["call", "sign", "presign"] {
            let silent = |option: &str| world.run(&[command, "--role", ROLE, option, "-o", "out", &world.url]).stderr;
            assert!(!silent("-s").contains("cache_unsafe"), "{command}");
            assert!(silent("-sS").contains("warning[cache_unsafe]: "), "{command}");
        }
        let ran = world.run(&["cache", "clear"]);
        assert_eq!(ran.code, Some(1));
        assert!(ran.stderr.starts_with("error[cache_unsafe]: "), "{ran:?}");
    };
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o770)).unwrap();
    said("can be written by others");
    // That others could look is set right, and no reason to do without.
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(world.run(&CREDENTIALS).stderr, "");
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::read(file(&world)).unwrap(), kept);
    let moved = world.folder.join("moved");
    fs::rename(&folder, &moved).unwrap();
    symlink(&moved, &folder).unwrap();
    said("is a link, or something else that is no folder");
    assert_eq!(fs::read_dir(moved).unwrap().count(), 2);
    fs::remove_file(&folder).unwrap();
    fs::write(&folder, "").unwrap();
    said("is a link, or something else that is no folder");
}

#[test]
fn without_a_place_for_it_everything_works_without() {
    let world = World::new("cache-nowhere");
    for (name, value) in [("HOME", None), ("HOME", Some("/nonexistent/home")), ("HOME", Some("/dev/null"))] {
        let mut command = world.command(CREDENTIALS);
        match value {
            Some(value) => command.env(name, value).env("XDG_CACHE_HOME", "relative"),
            None => command.env_remove(name),
        };
        // Root can make a folder anywhere; what it has made is taken away.
        let ran = Ran::from(command.output().unwrap());
        let _ = fs::remove_dir_all("/nonexistent/home");
        key_id(&ran);
        assert_eq!(ran.stderr, "");
    }
    assert!(!world.folder.join("relative").exists());
    let mut command = world.command(["cache", "clear"]);
    let ran = Ran::from(command.env_remove("HOME").output().unwrap());
    assert_eq!(ran.code, Some(0));
}

#[test]
fn clear_removes_what_the_cache_wrote_and_nothing_else() {
    let world = World::new("cache-clear");
    let clear = || world.run(&["cache", "clear"]);
    assert_eq!(clear().stderr, format!("removed 0 roles' credentials from `{}`\n", cache(&world).display()));
    key_id(&world.run(&CREDENTIALS));
    key_id(&world.run(&["credentials", "--role", ROLE, "--session-name", "other"]));
    fs::write(cache(&world).join(".xacct-half"), "").unwrap();
    fs::write(cache(&world).join("notes.json"), "").unwrap();
    let ran = clear();
    assert_eq!(ran.stderr, format!("removed 2 roles' credentials from `{}`\n", cache(&world).display()));
    assert_eq!((ran.code, ran.text()), (Some(0), ""));
    assert_eq!(names(&world), ["notes.json"]);
    assert_eq!(key_id(&world.run(&CREDENTIALS)).len(), 20);
}

#[test]
fn what_expired_long_ago_is_forgotten() {
    let world = World::new("cache-tidy");
    key_id(&world.run(&CREDENTIALS));
    let (old, half) = (cache(&world).join(format!("{}.json", "0".repeat(64))), cache(&world).join(".xacct-half"));
    for path in [&old, &half] {
        let mut file = File::create(path).unwrap();
        file.write_all(b"secret").unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(14 * 3_600)).unwrap();
    }
    fs::write(cache(&world).join("notes.json"), "").unwrap();
    key_id(&world.run(&["credentials", "--role", ROLE, "--session-name", "other"]));
    assert!(!old.exists() && !half.exists());
    assert_eq!(names(&world).len(), 5, "two roles with their locks, and what is not the cache's");
}

#[test]
fn it_survives_a_kill_at_any_moment() {
    let world = World::new("cache-kill");
    let began = SystemTime::now();
    key_id(&world.run(&CREDENTIALS));
    let whole = began.elapsed().unwrap();
    let path = file(&world);
    let (mut written, mut not) = (0, 0);
    for moment in 0..80_u32 {
        let _ = fs::remove_file(&path);
        let mut process = world.command(CREDENTIALS).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(whole * moment / 60);
        process.kill().unwrap();
        process.wait().unwrap();
        match fs::read(&path) {
            Ok(content) => {
                let kept: serde_json::Value = serde_json::from_slice(&content).unwrap();
                assert!(kept["session_token"].is_string());
                written += 1;
            }
            Err(_) => not += 1,
        }
    }
    // It was tried before and after the moment that counts.
    assert!(written > 0 && not > 0, "{written} {not}");
    let ran = world.run(&CREDENTIALS);
    key_id(&ran);
    assert_eq!(ran.stderr, "");
    world.run(&["cache", "clear"]);
    assert_eq!(names(&world), Vec::<String>::new());
}
