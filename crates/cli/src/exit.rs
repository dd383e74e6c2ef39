//! Exit codes: curl's where curl has one.

use xacct_sign::{Error, ErrorClass, ErrorKind};
use xacct_sign_client::{Link, broken_link};

/// Code and meaning, as help and docs show them.
pub(crate) const CODES: [(u8, &str); 21] = [
    (0, "done; an answer of any status is one, unless `call --fail` asks for more"),
    (1, "it failed in a way that has no code of its own"),
    (2, "wrong usage: an option, a role, a name, a region"),
    (3, "the URL is none"),
    (5, "the proxy's name is not known"),
    (6, "the host's name is not known"),
    (7, "no connection, or none to the proxy"),
    (18, "the answer was cut short"),
    (22, "`call --fail`: the answer's status is 400 or more"),
    (23, "the answer, standard output or a file cannot be written"),
    (26, "a file or standard input cannot be read"),
    (28, "a time limit ran out"),
    (35, "no secure connection"),
    (47, "too many redirects"),
    (52, "the connection was closed, and there was no answer"),
    (56, "the connection broke, the proxy does not connect, or the answer's head is too long"),
    (60, "the server's certificate is not trusted"),
    (61, "the answer's coding cannot be undone"),
    (63, "the answer is too long"),
    (67, "no credentials were found, they are malformed or were refused, or STS refused"),
    (77, "there are no trusted certificates, or their file cannot be read"),
];

/// That of a command of the provider's, whose 0 and 1 are answers: all else is none.
pub(crate) fn of_provider(code: u8) -> u8 {
    code.min(2)
}

/// Where they are listed.
pub(crate) const POINTER: &str = "Exit codes are curl's where it has one: `xacct-sign call --help` lists them";

/// The codes, as help shows them.
pub(crate) fn help() -> String {
    let lines = CODES.iter().map(|(code, meaning)| format!("\n{code:>4}  {meaning}"));
    format!("Exit codes, curl's where it has one:{}", lines.collect::<String>())
}

/// The exit code of an error of the core or the client.
pub(crate) fn code_of(error: &Error) -> u8 {
    use ErrorKind as K;
    match error.kind() {
        K::InvalidUrl => return 3,
        K::InvalidBody => return 26,
        K::TooManyRedirects => return 47,
        // Nobody types them.
        K::InvalidCredentials => return 67,
        K::InvalidCaBundle => return 77,
        K::ResponseTooLarge if broken_link(error) != Some(Link::AnswerHead) => return 63,
        // STS's answers are not coded.
        K::InvalidResponse if error.action().is_none() => return 61,
        _ => {}
    }
    match (error.kind().class(), broken_link(error)) {
        (ErrorClass::Timeout, _) => 28,
        (ErrorClass::HttpStatus, _) => 22,
        (_, Some(Link::Name)) => 6,
        (_, Some(Link::Connection | Link::ProxyConnection)) => 7,
        (_, Some(Link::Tls | Link::ProxyTls)) => 35,
        (_, Some(Link::Certificate | Link::ProxyCertificate)) => 60,
        (_, Some(Link::ProxyName)) => 5,
        (_, Some(Link::Proxy)) => 56,
        (_, Some(Link::AnswerHead)) if error.kind() == K::ResponseTooLarge => 56,
        (_, Some(Link::AnswerHead)) => 52,
        (_, Some(Link::AnswerBody)) => 18,
        (ErrorClass::Validation, _) => 2,
        (ErrorClass::Credentials | ErrorClass::Sts, _) => 67,
        (ErrorClass::Transport, _) => 56,
        _ => 1,
    }
}
