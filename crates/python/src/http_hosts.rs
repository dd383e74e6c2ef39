//! Hosts to which plain http may go.

use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use xacct_sign::call::HttpHosts;
use xacct_sign::{CanonicalUrl, Error, ErrorKind};
use xacct_sign_client::http_hosts_of;

use crate::convert::{text, texts};
use crate::errors::to_py;
use crate::machine::machine;
use crate::waiting::here;
use crate::warnings::{plain_http, warn};

/// Where signed requests may go: https, this machine, and hosts that are given or that `XACCT_ALLOW_HTTP_HOSTS` names.
#[pyclass(name = "HttpHosts", module = "xacct_sign._native", frozen)]
pub(crate) struct PyHttpHosts {
    given: HttpHosts,
    /// Those that somebody was warned of.
    told: Mutex<Vec<String>>,
}

#[pymethods]
impl PyHttpHosts {
    #[new]
    #[pyo3(signature = (hosts=None))]
    fn new(hosts: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        Ok(Self { given: given(hosts)?, told: Mutex::default() })
    }

    /// The URL in its canonical form, if a client that looks up names itself may send a signed request there: what is in
    /// `localhost` may be anywhere to the system's resolver. Warns, once for each host, where that is over plain http.
    fn reachable_url(&self, py: Python<'_>, url: &Bound<'_, PyAny>) -> PyResult<String> {
        let url = CanonicalUrl::parse(text(url, ErrorKind::InvalidUrl, "the URL")?).map_err(to_py)?;
        let origin = url.as_url().origin();
        let http_hosts = match origin.is_private() {
            true => HttpHosts::default(),
            // Asked of the environment only where it matters.
            false => self.given.clone().and(here(py, || http_hosts_of(&machine()))?),
        };
        http_hosts.check_reachable(url.as_url()).map_err(to_py)?;
        let name = origin.host().split(':').next().unwrap_or_default();
        if origin.scheme() == "http" && name.ends_with(".localhost") {
            let message = format!("`{name}` would be looked up, and get the request over plain http");
            let error = Error::new(ErrorKind::InsecureUrl, message).with_hint("use `localhost` itself, or https");
            return Err(to_py(error));
        }
        if !origin.is_private() {
            let host = origin.host().to_owned();
            let is_news = {
                let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
                let is_news = !told.contains(&host);
                if is_news {
                    told.push(host.clone());
                }
                is_news
            };
            if is_news {
                warn(py, &plain_http(&host))?;
            }
        }
        Ok(url.into_string())
    }
}

/// Hosts that were given.
pub(crate) fn given(hosts: Option<&Bound<'_, PyAny>>) -> PyResult<HttpHosts> {
    if let Some(hosts) = hosts.and_then(|hosts| hosts.cast::<PyHttpHosts>().ok()) {
        return Ok(hosts.get().given.clone());
    }
    HttpHosts::new(texts(hosts, ErrorKind::InvalidOption, "`allow_http_hosts`")?).map_err(to_py)
}
