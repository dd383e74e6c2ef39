//! `xacct-sign call`: what goes out, what comes back.

use crate::world::{ROLE, World};

#[test]
fn a_role_is_assumed_and_the_request_signed() {
    let world = World::new("call-role");
    let ran = world.call("/hoge?b=2&a=1", &["-X", "PUT", "--json", r#"{"foo":"bar"}"#]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    let seen = ran.json();
    assert_eq!(seen["method"], "PUT");
    assert_eq!(seen["query"], "a=1&b=2");
    assert_eq!(seen["body"], r#"{"foo":"bar"}"#);
    assert_eq!(seen["headers"]["content-type"], "application/json");
    assert_eq!(seen["headers"]["accept"], "application/json");
    let arn = &seen["requestContext"]["authorizer"]["iam"]["userArn"];
    assert_eq!(arn, "arn:aws:sts::111111111111:assumed-role/ApiAllowByIamRoleStag/xacct-sign");
}

#[test]
fn without_a_role_it_signs_as_oneself() {
    let world = World::new("call-oneself");
    let ran = world.run(&["call", &world.url]);
    // The caller's own role may not call the API: an answer all the same.
    assert_eq!((ran.code, ran.text(), ran.stderr.as_str()), (Some(0), r#"{"message":"Forbidden"}"#, ""));
    let log = world.emulator.log();
    assert_eq!(log[0].reason.as_ref().map(|reason| reason.code()), Some("not_allowed"));

    let ran = world.run(&["call", "--fail", &world.url]);
    assert_eq!((ran.code, ran.text()), (Some(22), ""));
    assert!(ran.stderr.starts_with("error[http_status]: the answer is 403 Forbidden\nhint: `xacct-sign doctor`"));
}

#[test]
fn c2_an_empty_role_is_an_error() {
    let world = World::new("call-empty-role");
    for command in ["call", "whoami", "credentials"] {
        for role in ["", " "] {
            let mut arguments = vec![command, "--role", role];
            arguments.extend((command == "call").then_some(world.url.as_str()));
            let ran = world.run(&arguments);
            assert_eq!((ran.code, ran.text()), (Some(2), ""), "{command}");
            assert!(ran.stderr.starts_with("error[role_not_given]: "), "{}", ran.stderr);
        }
    }
    assert_eq!(world.emulator.log().len(), 0);
}

#[test]
fn the_caller_is_who_sts_says() {
    let world = World::new("whoami");
    let ran = world.run(&["whoami", "--json"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let own = ran.json();
    assert_eq!(own["account"], "000000000000");
    assert_eq!(own["arn"], "arn:aws:sts::000000000000:assumed-role/LambdaRoleDeve/shop");
    assert!(own["user_id"].as_str().unwrap().ends_with(":shop"));

    let ran = world.run(&["whoami", "--role", ROLE, "--session-name", "me"]);
    assert!(ran.text().starts_with("account: 111111111111\narn:     arn:aws:sts::111111111111:assumed-role/"));
    assert!(ran.text().contains("/ApiAllowByIamRoleStag/me\nuser id: "));
}

#[test]
fn credentials_are_those_of_a_credential_process() {
    let world = World::new("credentials");
    let ran = world.run(&["credentials", "--role", ROLE]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    assert_eq!(ran.json()["Version"], 1);

    // Those who read such a process are ourselves, too.
    let program = env!("CARGO_BIN_EXE_xacct-sign");
    let config = format!("[profile role]\ncredential_process = {program} credentials --role {ROLE} --profile base\n");
    let keys = &world.emulator.ready().caller("shop", "stag").unwrap().credentials;
    let base = format!(
        "[base]\naws_access_key_id = {}\naws_secret_access_key = {}\naws_session_token = {}\n",
        keys.access_key_id(),
        keys.secret_access_key(),
        keys.session_token().unwrap()
    );
    let aws = world.folder.join("home/.aws");
    std::fs::create_dir_all(&aws).unwrap();
    std::fs::write(aws.join("config"), config).unwrap();
    std::fs::write(aws.join("credentials"), base).unwrap();
    let ran = world.run(&["whoami", "--profile", "role"]);
    assert!(ran.text().contains(":assumed-role/ApiAllowByIamRoleStag/xacct-sign\n"), "{ran:?}");
}

#[test]
fn what_curl_would_drop_or_guess_is_refused() {
    let world = World::new("call-refused");
    for (arguments, code, part) in [
        (&["-H", "X-Secret"][..], "invalid_header", "a header has no colon"),
        (&["-H", "X A: b"], "invalid_header", ""),
        (&["-F", "a=one;two"], "invalid_option", "what follows a `;` in a part of the form is no option"),
        (&["-F", "f=@a,b"], "invalid_option", "a part of the form has several files"),
        (&["-F", "text"], "invalid_option", "a part of the form has no name"),
        (&["-I", "-d", "a"], "invalid_option", "a HEAD has no body"),
        (&["-X", "GE T"], "invalid_method", ""),
        (&["--service", "a/b"], "invalid_service", ""),
        (&["--duration", "1s"], "invalid_duration", ""),
        (&["--external-id", "a"], "invalid_external_id", ""),
        (&["--tag", "a!=b"], "invalid_tag", ""),
        (&["--session-name", "a b"], "invalid_session_name", ""),
    ] {
        let ran = world.call("/", arguments);
        assert_eq!((ran.code, ran.text()), (Some(2), ""), "{arguments:?}: {ran:?}");
        assert!(ran.stderr.starts_with(&format!("error[{code}]: {part}")), "{arguments:?}: {ran:?}");
    }
    for arguments in [
        &["-F", "a=b", "-d", "c"][..],
        &["-F", "a=b", "-G"],
        &["-d", "a", "--json", "{}"],
        &["--max-time", "-1"],
        &["--max-time", "soon"],
        &["--region", "a/b"],
        &["--duration", "1d"],
        &["--no-such"],
        &["-H"],
    ] {
        let ran = world.call("/", arguments);
        assert_eq!((ran.code, ran.text()), (Some(2), ""), "{arguments:?}: {ran:?}");
        assert!(ran.stderr.starts_with("error[wrong_usage]: "), "{arguments:?}: {ran:?}");
    }
    assert_eq!(world.emulator.log().len(), 0);
}

#[test]
fn a_body_that_cannot_be_read_is_told_before_anything_is_sent() {
    let world = World::new("call-unreadable");
    for arguments in [
        &["-d", "@missing"][..],
        &["--data-binary", "@missing"],
        &["--json", "@missing"],
        &["-F", "a=@missing"],
        &["-H", "@missing"],
    ] {
        let ran = world.call("/", arguments);
        assert_eq!((ran.code, ran.text()), (Some(26), ""), "{arguments:?}");
        assert!(
            ran.stderr.starts_with("error[file_unreadable]: cannot read the file `missing`: "),
            "{arguments:?}: {ran:?}"
        );
    }
    for arguments in [&["-d", "@home"][..], &["--data-binary", "@home"], &["-F", "a=@home"]] {
        let ran = world.call("/", arguments);
        assert_eq!(ran.code, Some(26), "{arguments:?}");
        assert!(ran.stderr.contains("`home`: is a directory") || ran.stderr.contains("Is a directory"), "{ran:?}");
    }
    assert_eq!(world.emulator.log().len(), 0);
}

#[test]
fn what_is_typed_about_the_role_reaches_sts() {
    let manifest =
        format!("{}external_id = \"a+b:c\"\ntags = [\"team\"]\nsource_identity = [\"me\"]\n", crate::command::MANIFEST);
    let options = xacct_sign_emulator::Options { explain: true, ..Default::default() };
    let world = World::with("call-options", &manifest, options);
    let options = ["--external-id", "a+b:c", "--tag", "team=shop", "--source-identity", "me", "--session-name", "me2"];
    let ran = world.call("/", &[&options[..], &["--duration", "15m"]].concat());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(
        ran.json()["requestContext"]["authorizer"]["iam"]["userArn"],
        "arn:aws:sts::111111111111:assumed-role/ApiAllowByIamRoleStag/me2"
    );
    let ran = world.call("/", &["--external-id", "wrong"]);
    assert_eq!(ran.code, Some(67));
    assert!(ran.stderr.starts_with("error[sts_denied]: "), "{ran:?}");
    let ran = world.run(&[
        "credentials",
        "--role",
        ROLE,
        "--duration",
        "900",
        "--external-id",
        "a+b:c",
        "--tag",
        "team=a",
        "--source-identity",
        "me",
    ]);
    assert!(ran.json()["Expiration"].as_str().unwrap().ends_with('Z'), "{ran:?}");
}

#[test]
fn region_and_service_are_those_of_the_host() {
    let world = World::new("call-host");
    let ran = world.run(&["call", "--region", "us-east-2", "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/"]);
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.stderr.starts_with("error[scope_mismatch]: the region is `us-east-2`, and that of the host "),
        "{ran:?}"
    );
    let mut command = world.command(["call", world.url.as_str()]);
    command.env_remove("AWS_REGION");
    let ran: crate::world::Ran = command.output().unwrap().into();
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.starts_with("error[invalid_region]: no region is given"), "{ran:?}");
    let ran = world.run(&["call", "http://api.example.com/"]);
    assert!(ran.stderr.starts_with("error[insecure_url]: "), "{ran:?}");
}

#[test]
fn redirects_are_followed_where_that_is_asked_for_and_stay_within_the_api() {
    let world = World::new("call-redirects");
    let moved = "HTTP/1.1 302 Found\r\nlocation: /b\r\ncontent-length: 5\r\nconnection: close\r\n\r\nmoved";
    let here = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nhere";
    let server = crate::server::Server::start(move |seen, stream| {
        let answer = if seen.target == "/b" { here } else { moved };
        let _ = std::io::Write::write_all(stream, answer.as_bytes());
    });
    assert_eq!(world.run(&["call", &server.url]).text(), "moved");
    assert_eq!(world.run(&["call", "-L", &server.url]).text(), "here");
    let elsewhere = crate::server::Server::answering(moved.replace("/b", &format!("{}/b", server.url)));
    assert_eq!(world.run(&["call", "-L", &elsewhere.url]).text(), "moved");
}

#[test]
fn silence_is_as_deep_as_it_is_asked_for() {
    let world = World::new("call-silent");
    assert_eq!(world.run(&["call", "-s", "foo"]).stderr, "");
    assert_eq!(world.run(&["call", "-s", "foo"]).code, Some(3));
    assert!(world.run(&["call", "-sS", "foo"]).stderr.starts_with("error[invalid_url]: "));
}

#[cfg(target_os = "linux")]
#[test]
fn an_mfa_code_is_asked_for_on_the_terminal_and_nowhere_else() {
    let world = World::new("call-mfa");
    let serial = "arn:aws:iam::000000000000:mfa/me";
    let url = world.url.clone();
    // A session of its own has no terminal.
    let mut command = std::process::Command::new("setsid");
    let own = world.command(["call", "--role", ROLE, "--mfa-serial", serial, "-d", "@-", url.as_str()]);
    command.arg(own.get_program()).args(own.get_args()).current_dir(&world.folder);
    command.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let ran = crate::world::with_input(command, b"123456\n");
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.starts_with("error[invalid_mfa]: there is no terminal to ask for the MFA code on"), "{ran:?}");
    assert_eq!(world.emulator.log().len(), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn an_mfa_code_that_is_typed_goes_to_sts_and_is_not_shown() {
    let world = World::new("call-mfa-typed");
    let sts = crate::server::Server::answering("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
    let program = env!("CARGO_BIN_EXE_xacct-sign");
    let serial = "arn:aws:iam::000000000000:mfa/me";
    let mut script = std::process::Command::new("script");
    let own = world.command([]);
    script.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(&world.folder);
    script.env("AWS_ENDPOINT_URL_STS", &sts.url);
    script.args(["-qec", &format!("{program} whoami --role {ROLE} --mfa-serial {serial}"), "/dev/null"]);
    let ran = crate::world::with_input(script, b"123456\n");
    assert!(ran.text().contains(&format!("MFA code of {serial}: ")), "{ran:?}");
    let [seen] = sts.take().try_into().unwrap();
    let form = String::from_utf8(seen.body).unwrap();
    assert!(form.contains("&SerialNumber=arn%3Aaws%3Aiam%3A%3A000000000000%3Amfa%2Fme&TokenCode=123456"), "{form}");
}

#[test]
fn a_profile_says_the_region_that_neither_host_nor_environment_name() {
    let world = World::new("call-profile-region");
    let aws = world.folder.join("home/.aws");
    std::fs::create_dir_all(&aws).unwrap();
    std::fs::write(aws.join("config"), "[default]\nregion = ap-northeast-1\n[profile other]\nregion = eu-west-1\n")
        .unwrap();
    let run = |variables: &[(&str, &str)], arguments: &[&str]| -> crate::world::Ran {
        let mut command = world.command(arguments.iter().copied());
        command.env_remove("AWS_REGION").envs(variables.iter().copied()).output().unwrap().into()
    };
    for command in ["whoami", "credentials", "env"] {
        let ran = run(&[], &[command, "--role", ROLE]);
        assert_eq!(ran.code, Some(0), "{command}: {ran:?}");
    }
    let url = world.url.as_str();
    assert_eq!(run(&[], &["call", "--fail", "--role", ROLE, url]).code, Some(0));
    // The emulator is in one region alone.
    assert_eq!(run(&[("AWS_PROFILE", "other")], &["whoami"]).code, Some(67));
    assert_eq!(run(&[("AWS_PROFILE", "other"), ("AWS_DEFAULT_REGION", "ap-northeast-1")], &["whoami"]).code, Some(0));
    assert_eq!(run(&[("AWS_PROFILE", "other")], &["whoami", "--region", "ap-northeast-1"]).code, Some(0));
    // It contradicts no host.
    let elsewhere = "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/";
    let ran = run(&[("AWS_PROFILE", "other")], &["sign", "--json", elsewhere]);
    assert!(ran.text().contains("/us-east-1/execute-api/"), "{ran:?}");
    // And it is what the program that `env` runs has.
    let ran = run(&[], &["env", "--role", ROLE, "--", "sh", "-c", "echo $AWS_REGION $AWS_DEFAULT_REGION"]);
    assert_eq!(ran.text(), "ap-northeast-1 ap-northeast-1\n");
}

#[test]
fn undecided_headers_are_read_as_powershell_writes_them() {
    let world = World::new("call-utf16");
    let text = "X-One: 1\r\nX-Two: \u{fc}\r\n";
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    for (name, bytes) in [
        ("utf8", text.as_bytes().to_vec()),
        ("bom", format!("\u{feff}{text}").into_bytes()),
        ("utf16", utf16(&format!("\u{feff}{text}"))),
    ] {
        std::fs::write(world.folder.join(name), bytes).unwrap();
        let ran = world.call("/", &["-H", &format!("@{name}")]);
        assert_eq!(ran.code, Some(0), "{name}: {ran:?}");
        assert_eq!(ran.json()["headers"]["x-one"], "1", "{name}");
        assert_eq!(ran.json()["headers"]["x-two"], "\u{fc}", "{name}");
    }
}

#[test]
fn a_refusal_of_a_long_body_is_the_answer() {
    let world = World::new("call-long-refused");
    std::fs::File::create(world.folder.join("large")).unwrap().set_len(64 << 20).unwrap();
    // Longer than API Gateway takes: it says so, and reads no further.
    let ran = world.call("/", &["--data-binary", "@large", "-X", "PUT"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.json()["message"], "Request Entity Too Large", "{ran:?}");
}

#[test]
fn a_credential_process_that_starts_itself_comes_to_an_end() {
    let world = World::new("credentials-recursion");
    let aws = world.folder.join("home/.aws");
    std::fs::create_dir_all(&aws).unwrap();
    let counted = world.folder.join("started");
    let program = world.folder.join("program");
    let script = format!(
        "#!/bin/sh\necho x >>{}\nexec {} credentials --role {ROLE}\n",
        counted.display(),
        env!("CARGO_BIN_EXE_xacct-sign")
    );
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::write(aws.join("config"), format!("[default]\ncredential_process = {}\n", program.display())).unwrap();
    let mut command = world.command(["whoami"]);
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY").env_remove("AWS_SESSION_TOKEN");
    let ran: crate::world::Ran = command.output().unwrap().into();
    assert_eq!(ran.code, Some(67), "{ran:?}");
    let program = program.display();
    assert_eq!(
        ran.stderr,
        format!(
            "error[invalid_config]: the `credential_process` of the profile `default`: `{program}` would start itself again and \
             again: it looks for credentials where it is named itself\nhint: give it another profile than the one that names it, \
             with an option of its own such as `--profile`\n"
        )
    );
    assert_eq!(std::fs::read_to_string(counted).unwrap().lines().count(), 4);
}
