//! What is typed behind `call` means what it means to curl: each line is given to both, and what arrives is compared.

use std::fs;
use std::process::Command;

use crate::server::{Seen, Server};
use crate::world::{World, with_input};

/// What the two differ in by their nature.
const OWN: [&str; 6] = ["accept-encoding", "authorization", "user-agent", "x-amz-date", "x-amz-security-token", "host"];

/// The request without what differs by nature, and with one boundary for all forms.
fn comparable(mut seen: Seen) -> Seen {
    seen.headers.retain(|(name, _)| !OWN.contains(&name.as_str()) && name != "expect");
    let boundary = seen.header("content-type").and_then(|kind| Some(kind.split_once("boundary=")?.1.to_owned()));
    if let Some(boundary) = boundary {
        let with_one = |text: &str| text.replace(&boundary, "BOUNDARY");
        // Names of headers have no case.
        let body = with_one(std::str::from_utf8(&seen.body).unwrap());
        seen.body =
            body.replace("Content-Disposition", "content-disposition").replace("Content-Type", "content-type").into();
        for (_, value) in &mut seen.headers {
            *value = with_one(value);
        }
        seen.headers.retain(|(name, _)| name != "content-length");
    }
    seen.headers.sort();
    seen
}

/// Sends by both; fails where what arrives differs.
#[track_caller]
fn alike(world: &World, server: &Server, input: &[u8], line: &[&str]) {
    let url = format!("{}/items?a=1", server.url);
    let mut curl = Command::new("curl");
    curl.arg("--silent").args(line).arg(&url).current_dir(&world.folder);
    let by_curl = with_input(curl, input);
    assert_eq!(by_curl.code, Some(0), "{line:?}: {by_curl:?}");
    let [theirs] = server.take().try_into().unwrap();
    let all = ["call"].into_iter().chain(line.iter().copied()).chain([url.as_str()]);
    let by_us = with_input(world.command(all), input);
    assert_eq!(by_us.code, Some(0), "{line:?}: {}", by_us.stderr);
    assert_eq!(by_us.stdout, by_curl.stdout, "{line:?}");
    let [ours] = server.take().try_into().unwrap();
    assert_eq!(comparable(ours), comparable(theirs), "{line:?}");
}

#[test]
fn a_request_is_what_curl_makes_of_the_same_line() {
    let world = World::new("curl-alike");
    let server = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    let file = |name: &str, content: &[u8]| fs::write(world.folder.join(name), content).unwrap();
    file("text.txt", b"one\r\ntwo\nthree\n");
    file("body.bin", b"\x00\xff\r\n\xc3(");
    file("empty", b"");
    file("page.html", b"<p>");
    file("headers", b"X-One: 1\r\nX-Two;\n\nX-Three:  three  \n");
    file("a \"name\".dat", b"data");

    let lines: [&[&str]; 49] = [
        &[],
        &["-X", "DELETE"],
        &["-XPATCH", "-d", "x"],
        &["-d", "a=1"],
        &["-d", ""],
        &["-d", "a=1", "-d", "b=2 3"],
        &["-d", "a\nb"],
        &["-d", "@text.txt"],
        &["-d", "@text.txt", "-d", "@page.html", "-d", "z"],
        &["--data-binary", "@text.txt"],
        &["--data-binary", "@body.bin"],
        &["--data-binary", "@empty"],
        &["--data-binary", "a\nb"],
        &["--data-binary", "@body.bin", "--data-binary", "x"],
        &["--data-raw", "@text.txt"],
        &["--data-raw", "x", "-d", "@text.txt", "--data-binary", "@text.txt"],
        &["-d", "ü=日本"],
        &["-d", "-"],
        &["-d", "@-"],
        &["--data-binary", "@-"],
        &["-d", "@-", "-d", "more"],
        &["-d", "a", "-H", "Content-Type: text/plain; charset=utf-8"],
        &["-d", "a", "-H", "content-type:"],
        &["--json", r#"{"a":1}"#],
        &["--json", "[1,", "--json", "2]"],
        &["--json", "@body.bin"],
        &["--json", "@-"],
        &["--json", "{}", "-H", "accept: text/plain"],
        &["--json", "{}", "-H", "Content-Type: application/vnd.api+json"],
        &["--json", "{}", "-X", "PUT"],
        &["-G", "-d", "b=2", "-d", "c=3"],
        &["-G", "-d", "b=2", "-I"],
        &["-G"],
        &["-H", "X-One: 1", "-H", "X-Two:2", "-H", "X-Three;"],
        &["-H", "@headers"],
        &["-H", "Cookie: a=b; c=d"],
        &["-H", "Accept: text/plain"],
        &["-F", "a=1", "-F", "b=2"],
        &["-F", "a=x;type=text/plain"],
        &["-F", "a=\"one;two\\\"\""],
        &["-F", "f=@page.html", "-F", "g=@body2.txt"],
        &["-F", "f=@page.html;type=text/x;filename=other.txt"],
        &["-F", "f=@page.html;filename=\"a;b \\\"c\\\".txt\""],
        &["-F", "f=<text2.txt", "-F", "n\"m=v"],
        &["-F", "f=<page.html", "-F", "g=x;filename=a.png", "-F", "h=x;filename=a.dat"],
        &["-F", "f=@body.dat", "-F", "g=@body.dat;filename=a.PDF", "-F", "h=@page.html;filename=a"],
        &["-F", "f=@a \"name\".dat", "-F", "g=@empty"],
        &["-F", "a=x;type=text/html; charset=utf-8;filename=b", "-F", "b=\"open"],
        &["-F", "a=", "-F", "b= x ", "-F", "c=\"quoted\"", "-F", "d=a=b"],
    ];
    file("body.dat", b"data");
    file("body2.txt", b"text");
    file("text2.txt", b"one\r\ntwo\n");
    for line in lines {
        alike(&world, &server, b"from\r\nstandard\ninput\n", line);
    }
}

#[test]
fn a_form_takes_standard_input() {
    let world = World::new("curl-form");
    let server = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    for line in [&["-F", "f=@-;filename=x.bin"][..], &["-F", "f=@-;filename=x.html"], &["-F", "g=<-"]] {
        alike(&world, &server, b"typed", line);
    }
}

#[test]
fn the_head_of_an_answer_is_printed_as_curl_prints_it() {
    let world = World::new("curl-head");
    let server =
        Server::answering("HTTP/1.1 404 Not Found\r\nx-one: 1\r\nset-cookie: a=b\r\ncontent-length: 2\r\n\r\nno");
    for line in [&["-i"][..], &["-I"], &["-i", "-o", "-"], &["-I", "-X", "DELETE"], &["-iI", "-X", "OPTIONS"]] {
        alike(&world, &server, b"", line);
    }
}
