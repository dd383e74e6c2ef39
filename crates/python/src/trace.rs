//! A hook for the tests: every stage of a signature, under explicit settings.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use xacct_sign::{
    HeaderSelection, PathNormalization, PayloadHeader, PercentEncoding, Request, Scope, SessionToken, Signer,
    SigningSettings, Url,
};

use crate::convert::{Body, HeaderObjects, instant, lifetime};
use crate::credentials::PyCredentials;
use crate::errors::to_py;

#[pyfunction]
#[pyo3(
    name = "_trace",
    signature = (
        credentials, region, service, method, url, headers, body, *, now, percent_encoding, normalize_path, payload_header,
        sign_session_token, sign_all_headers, expires_in=None
    )
)]
#[expect(clippy::too_many_arguments, reason = "the settings of AWS's signing test suite")]
pub(crate) fn trace<'py>(
    py: Python<'py>,
    credentials: &Bound<'py, PyCredentials>,
    region: &str,
    service: &str,
    method: &str,
    url: &str,
    headers: &Bound<'py, PyAny>,
    body: &Bound<'py, PyAny>,
    now: &Bound<'py, PyAny>,
    percent_encoding: &str,
    normalize_path: bool,
    payload_header: &str,
    sign_session_token: bool,
    sign_all_headers: bool,
    expires_in: Option<&Bound<'_, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let mut settings = SigningSettings::for_service(service);
    settings.percent_encoding =
        if percent_encoding == "single" { PercentEncoding::Single } else { PercentEncoding::Double };
    settings.path_normalization = if normalize_path { PathNormalization::Enabled } else { PathNormalization::Disabled };
    settings.payload_header =
        if payload_header == "always" { PayloadHeader::Always } else { PayloadHeader::WhenUnsigned };
    settings.session_token = if sign_session_token { SessionToken::Signed } else { SessionToken::AddedAfterSigning };
    settings.header_selection = if sign_all_headers { HeaderSelection::All } else { HeaderSelection::Standard };
    let scope = Scope::new(region, service).map_err(to_py)?;
    let signer = Signer::with_settings(credentials.get().0.clone(), scope, settings);
    let headers = HeaderObjects::new(Some(headers))?;
    let headers = headers.borrowed()?;
    let body = Body::new(Some(body))?;
    let url = Url::parse(url).map_err(to_py)?;
    let request = Request { method, url, headers: &headers, payload: body.payload()? };
    let now = instant(now)?;
    let result = PyDict::new(py);
    let stages = match expires_in {
        Some(seconds) => {
            let (url, stages) = signer.trace_presign(&request, lifetime(seconds)?, now).map_err(to_py)?;
            result.set_item("url", url)?;
            stages
        }
        None => {
            let (signed, stages) = signer.trace(&request, now).map_err(to_py)?;
            let added = PyDict::new(py);
            for (name, value) in signed.headers() {
                added.set_item(name, value)?;
            }
            result.set_item("headers", added)?;
            stages
        }
    };
    result.set_item("canonical_request", stages.canonical_request)?;
    result.set_item("string_to_sign", stages.string_to_sign)?;
    result.set_item("signature", stages.signature)?;
    Ok(result)
}
