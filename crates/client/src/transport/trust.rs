//! The certificates that are trusted.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

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

/// The system's authorities. What finds them reads the environment, which is why ureq does not do it, somewhere and for each
/// connection.
#[cfg(not(any(windows, target_vendor = "apple")))]
fn platform(variables: &dyn Variables) -> Result<RootCerts, Error> {
    let found = held(variables, rustls_native_certs::load_native_certs)?.certs;
    if found.is_empty() {
        let none = Error::new(ErrorKind::InvalidCaBundle, "this system has no certificates of authorities");
        return Err(none.with_hint(
            "install them (many have a package `ca-certificates`), or name a file of them in AWS_CA_BUNDLE",
        ));
    }
    Ok(RootCerts::Specific(Arc::new(found.iter().map(|der| Certificate::from_der(der).to_owned()).collect())))
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
