//! The certificates that are trusted.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

#[cfg(not(any(windows, target_vendor = "apple")))]
use rustls_native_certs::load_certs_from_paths;
#[cfg(not(any(windows, target_vendor = "apple")))]
use ureq::tls::Certificate;
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use xacct_sign::{Error, ErrorKind};

#[cfg(not(any(windows, target_vendor = "apple")))]
use crate::host::variables::held;
use crate::host::variables::{Variables, first_set};

/// The first that is set names the file: AWS's own name, those of requests, which botocore and curl know too, and OpenSSL's.
const BUNDLE: [&str; 4] = ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"];

/// The certificates of the file that the environment names, else the platform's.
pub(super) fn tls(variables: &dyn Variables) -> Result<TlsConfig, Error> {
    let roots = match first_set(variables, &BUNDLE)? {
        Some((name, path)) => bundle(name, path)?,
        None => platform(variables)?,
    };
    Ok(TlsConfig::builder().root_certs(roots).build())
}

/// The platform judges by itself.
#[cfg(any(windows, target_vendor = "apple"))]
fn platform(_: &dyn Variables) -> Result<RootCerts, Error> {
    Ok(RootCerts::PlatformVerifier)
}

/// The system's authorities. What finds them reads the environment, which is why ureq does not do it, at any time and in any thread.
#[cfg(not(any(windows, target_vendor = "apple")))]
fn platform(variables: &dyn Variables) -> Result<RootCerts, Error> {
    let given = first_set(variables, &["SSL_CERT_DIR"])?.map(|(_, folders)| folders);
    let (file, folders) = match &given {
        Some(folders) => (None, std::env::split_paths(folders).collect()),
        None => {
            let found = held(variables, openssl_probe::probe)?;
            (found.cert_file, found.cert_dir)
        }
    };
    let mut found = load_certs_from_paths(file.as_deref(), None);
    for folder in &folders {
        let more = load_certs_from_paths(None, Some(folder));
        found.certs.extend(more.certs);
        found.errors.extend(more.errors);
    }
    if found.certs.is_empty() {
        return Err(without_authorities(given.is_some(), found.errors.into_iter().next()));
    }
    found.certs.sort_unstable_by(|a, b| a.as_ref().cmp(b.as_ref()));
    found.certs.dedup();
    Ok(RootCerts::Specific(Arc::new(found.certs.iter().map(|der| Certificate::from_der(der).to_owned()).collect())))
}

#[cfg(not(any(windows, target_vendor = "apple")))]
fn without_authorities(is_given: bool, cause: Option<rustls_native_certs::Error>) -> Error {
    use std::io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};

    let passes = match cause.as_ref().map(|cause| &cause.kind) {
        Some(rustls_native_certs::ErrorKind::Io { inner, .. }) => {
            !matches!(inner.kind(), NotFound | NotADirectory | PermissionDenied)
        }
        _ => false,
    };
    let (whose, hint) = match is_given {
        true => {
            ("SSL_CERT_DIR has", "the variable names folders of certificates in PEM form, each in a file of its own")
        }
        false => (
            "this system has",
            "install them (many systems have a package `ca-certificates`), or name a file of them in AWS_CA_BUNDLE",
        ),
    };
    let why = cause.as_ref().map(|cause| format!(": {cause}")).unwrap_or_default();
    // What says nothing of the files, such as too many that are open, may be over by the next time.
    let kind = if passes { ErrorKind::Transport } else { ErrorKind::InvalidCaBundle };
    let error = Error::new(kind, format!("{whose} no certificates of authorities{why}")).with_hint(hint);
    match cause {
        Some(cause) => error.with_source(cause),
        None => error,
    }
}

fn bundle(name: &str, path: OsString) -> Result<RootCerts, Error> {
    let path = Path::new(&path);
    let unusable = |what: &str| {
        Error::new(ErrorKind::InvalidCaBundle, format!("the CA bundle `{}` of {name} {what}", path.display()))
            .with_hint("the variable names a file of certificates in PEM form")
    };
    let pem = std::fs::read(path).map_err(|error| unusable("cannot be read").with_source(error))?;
    let certificates: Vec<_> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        return Err(unusable("holds no certificate"));
    }
    Ok(RootCerts::Specific(Arc::new(certificates)))
}
