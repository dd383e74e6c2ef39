//! How files are read and written.

use std::fs::{self, Permissions};
use std::io::Read as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use crate::command::{Emulator, MANIFEST, folder, run};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn t3_files_are_replaced_at_once_and_keep_their_permissions() {
    let folder = folder("replaced", MANIFEST);
    let lock = folder.join("xacct.lock.toml");
    let render = || run(&folder, "render json --stage stag");
    assert_eq!(render().0, 0);
    // A new file is as readable as any other that is written here.
    assert_eq!(mode(&lock), mode(&folder.join("xacct.toml")));

    // Whoever has it open, or has it under another name, keeps what was there.
    let before = fs::read_to_string(&lock).unwrap();
    let mut open = fs::File::open(&lock).unwrap();
    fs::hard_link(&lock, folder.join("other-name")).unwrap();
    fs::set_permissions(&lock, Permissions::from_mode(0o664)).unwrap();
    fs::write(folder.join("xacct.toml"), MANIFEST.replace("callers.shop", "callers.other")).unwrap();
    assert_eq!(render().0, 0);
    assert!(fs::read_to_string(&lock).unwrap().contains("other = 1"));
    assert_eq!(mode(&lock), 0o664);
    let mut seen = String::new();
    open.read_to_string(&mut seen).unwrap();
    assert_eq!(seen, before);
    assert_eq!(fs::read_to_string(folder.join("other-name")).unwrap(), before);
    assert_eq!(names(&folder), ["other-name", "xacct.lock.toml", "xacct.toml"]);

    // One that nobody may write to stays.
    fs::set_permissions(&lock, Permissions::from_mode(0o444)).unwrap();
    fs::write(folder.join("xacct.toml"), MANIFEST).unwrap();
    let (code, stdout, stderr) = render();
    assert_eq!((code, stdout.as_str()), (2, ""));
    assert!(stderr.contains("cannot write `xacct.lock.toml`: permission denied"), "{stderr}");
    assert_eq!(names(&folder), ["other-name", "xacct.lock.toml", "xacct.toml"]);
}

#[test]
fn t3_nothing_is_written_through_a_link() {
    let folder = folder("linked", MANIFEST);
    fs::write(folder.join("precious"), "version = 1\n").unwrap();
    for target in ["precious", "nowhere"] {
        let lock = folder.join("xacct.lock.toml");
        symlink(target, &lock).unwrap();
        let (code, stdout, stderr) = run(&folder, "render json --stage stag");
        assert_eq!((code, stdout.as_str()), (2, ""), "{stderr}");
        assert!(stderr.contains("`xacct.lock.toml` is a link") && stderr.contains("\nhint: "), "{stderr}");
        assert_eq!(fs::read_link(&lock).unwrap(), Path::new(target));
        fs::remove_file(lock).unwrap();

        symlink(target, folder.join("new.toml")).unwrap();
        let (code, _, stderr) = run(&folder, "init --manifest new.toml");
        assert_eq!(code, 2);
        assert!(stderr.contains("`new.toml` is there already"), "{stderr}");
        fs::remove_file(folder.join("new.toml")).unwrap();
    }
    assert_eq!(fs::read_to_string(folder.join("precious")).unwrap(), "version = 1\n");
    assert_eq!(names(&folder), ["precious", "xacct.toml"]);
}

#[test]
fn undecided_files_are_read_as_powershell_writes_them() {
    let folder = folder("encoded", &format!("{MANIFEST}accept = {{ whole_account = \"größer 😀\" }}\n"));
    let (_, template, _) = run(&folder, "render cloudformation --stage stag");
    fs::write(folder.join("roles.json"), template).unwrap();
    let (_, policy, _) = run(&folder, "policy caller --caller shop");
    fs::write(folder.join("policy.json"), policy).unwrap();

    let le = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let be = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
    let with_mark = |text: &str| format!("\u{feff}{text}");
    let latin1 = |text: &str| text.chars().map(|c| u8::try_from(c).unwrap_or(0xff)).chain([0xe9]).collect::<Vec<u8>>();
    // Each file with a command that reads it.
    let commands = [
        ("xacct.toml", "check"),
        ("xacct.lock.toml", "render json --locked --stage stag"),
        ("roles.json", "diff --stage stag --deployed roles.json"),
        ("roles.json", "emulator --template roles.json"),
        ("policy.json", "emulator --caller-policy shop=policy.json"),
    ];
    for (name, command) in commands {
        let file = folder.join(name);
        let text = fs::read_to_string(&file).unwrap();
        for bytes in [with_mark(&text).into_bytes(), le(&with_mark(&text)), be(&with_mark(&text))] {
            fs::write(&file, bytes).unwrap();
            match command.strip_prefix("emulator ") {
                None => {
                    let (code, stdout, stderr) = run(&folder, command);
                    assert!(!stdout.is_empty() && !stderr.contains("UTF"), "{command}: {stderr}");
                    assert_eq!(code, i32::from(name == "xacct.toml"), "{command}: {stderr}");
                }
                Some(arguments) => assert!(Emulator::spawn(&folder, arguments).line().starts_with("The emulator runs")),
            }
        }
        let odd: Vec<u8> = le(&with_mark(&text)).into_iter().chain([0x20]).collect();
        let utf32: Vec<u8> = with_mark(&text).chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
        for bytes in [le(&text), be(&text), latin1(&text), odd, utf32] {
            fs::write(&file, bytes).unwrap();
            let (code, stdout, stderr) = run(&folder, command);
            assert_eq!((code, stdout.as_str()), (2, ""), "{command}: {stderr}");
            assert!(stderr.contains(&format!("`{name}` is not text in UTF-8\nhint: save it as UTF-8")), "{stderr}");
        }
        fs::write(&file, text).unwrap();
    }
}
