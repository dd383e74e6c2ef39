//! Options of curl's that are not taken, and what to do instead: who knows curl types them.

const CREDENTIALS: &str = "requests are signed with AWS credentials, those of the environment or of `--profile NAME`";
const PROXY: &str =
    "name the proxy in HTTPS_PROXY, with user and password in its URL, and hosts that it is not for in NO_PROXY";
const TRUST: &str = "name the file of certificates that are trusted in AWS_CA_BUNDLE";
const CERTIFICATE: &str = "no certificate of yours is shown: for mutual TLS let curl send what `xacct-sign sign` signs";
const UNTRUSTED: &str =
    "nothing signed goes to a server that is not trusted: name an authority of your own in AWS_CA_BUNDLE";
const NAMED: &str = "name the file with `--output FILE`";
const AGAIN: &str = "run the command again where that does no harm: what may have been done is not sent twice";
const NO_JAR: &str = "give cookies as a header, from a file since they are secrets: `-H @FILE`; none are kept";
const ADDRESS: &str = "the URL's host is looked up by the system, and addresses of both kinds are tried";
const VERSION: &str = "requests go out over HTTP/1.1, with whatever TLS both sides know";
const QUERY: &str = "write it into the URL, or give it by `--get --data`, percent-encoded";
const SPEED: &str = "`--max-time` limits how long everything may take";
const TRACE: &str = "`--verbose` says what is sent and answered, without the secrets";
const ONE: &str = "there is one URL, and it means itself";

/// Name, letter, and what to do.
const OPTIONS: &[(&str, &str, &str)] = &[
    ("--anyauth", "", CREDENTIALS),
    ("--aws-sigv4", "", "every request is signed: `--service` and `--region` say for what, where the host does not"),
    ("--basic", "", CREDENTIALS),
    ("--cacert", "", TRUST),
    ("--capath", "", TRUST),
    ("--cert", "-E", CERTIFICATE),
    ("--compressed", "", "answers in gzip and deflate are asked for and decoded anyway"),
    ("--config", "-K", "give the options themselves"),
    ("--connect-timeout", "", "a connection has to be there within five seconds; `--max-time` is for everything"),
    ("--connect-to", "", ADDRESS),
    ("--continue-at", "-C", "give `-H 'range: bytes=N-'`"),
    ("--cookie", "-b", NO_JAR),
    ("--cookie-jar", "-c", NO_JAR),
    ("--create-dirs", "", "make the folder first"),
    ("--data-urlencode", "", "percent-encode it yourself, and give it with `--data`"),
    ("--digest", "", CREDENTIALS),
    ("--disable", "-q", "there is no file of defaults that it could be without"),
    ("--dump-header", "-D", "`--include` prints the answer's head before its body"),
    ("--fail-with-body", "", "`--fail` leaves the body out; without it the body is printed, and the exit code is 0"),
    ("--form-string", "", "`--form` takes `name=\"text\"` within double quotes: nothing in it has a meaning then"),
    ("--globoff", "-g", ONE),
    ("--http1.0", "-0", VERSION),
    ("--http1.1", "", VERSION),
    ("--http2", "", VERSION),
    ("--insecure", "-k", UNTRUSTED),
    ("--ipv4", "-4", ADDRESS),
    ("--ipv6", "-6", ADDRESS),
    ("--key", "", CERTIFICATE),
    ("--location-trusted", "", "`--location` follows redirects within the API: a signature must not go elsewhere"),
    ("--manual", "-M", "`xacct-sign man FOLDER` writes manual pages"),
    ("--max-redirs", "", "`--location` follows ten redirects within the API"),
    ("--netrc", "-n", CREDENTIALS),
    ("--no-buffer", "-N", "the answer is written as it comes anyway"),
    ("--noproxy", "", PROXY),
    ("--oauth2-bearer", "", CREDENTIALS),
    ("--output-dir", "", NAMED),
    ("--parallel", "-Z", ONE),
    ("--path-as-is", "", "a path goes out as it is signed"),
    ("--progress-bar", "-#", "progress is shown of long transfers to files"),
    (
        "--proto",
        "",
        "signed requests go over https, and over http to this machine and to hosts that XACCT_ALLOW_HTTP_HOSTS names",
    ),
    ("--proxy", "-x", PROXY),
    ("--proxy-user", "-U", PROXY),
    ("--quote", "-Q", "it is for FTP"),
    ("--range", "-r", "give `-H 'range: bytes=0-99'`"),
    ("--referer", "-e", "give `-H 'referer: URL'`"),
    ("--remote-header-name", "-J", NAMED),
    ("--remote-name", "-O", NAMED),
    ("--remote-name-all", "", NAMED),
    ("--resolve", "", ADDRESS),
    ("--retry", "", AGAIN),
    ("--retry-all-errors", "", AGAIN),
    ("--retry-connrefused", "", AGAIN),
    ("--retry-delay", "", AGAIN),
    ("--retry-max-time", "", AGAIN),
    ("--speed-limit", "-Y", SPEED),
    ("--speed-time", "-y", SPEED),
    ("--stderr", "", "let the shell lead standard error elsewhere: `2>FILE`"),
    ("--time-cond", "-z", "give `-H 'if-modified-since: DATE'`"),
    ("--tlsv1.2", "", VERSION),
    ("--tlsv1.3", "", VERSION),
    ("--trace", "", TRACE),
    ("--trace-ascii", "", TRACE),
    ("--upload-file", "-T", "give the file as the body: `-X PUT --data-binary @FILE`"),
    ("--url", "", "give the URL by itself"),
    ("--url-query", "", QUERY),
    ("--user", "-u", CREDENTIALS),
    ("--user-agent", "-A", "give `-H 'user-agent: NAME'`"),
    ("--version", "-V", "`xacct-sign --version` says it"),
    ("--write-out", "-w", "`--include` prints the status, and `--fail` makes an exit code of it"),
];

/// Why an option is not taken, if it is one of these.
pub(super) fn why_not(argument: &str) -> Option<&'static str> {
    OPTIONS.iter().find(|(name, letter, _)| [*name, *letter].contains(&argument)).map(|(.., why)| *why)
}
