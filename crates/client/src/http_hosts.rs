//! Where the environment lets plain http go.

use xacct_sign::Error;
use xacct_sign::call::HttpHosts;

use crate::host::Host;

/// The hosts of `XACCT_ALLOW_HTTP_HOSTS`, to which plain http may go beside this machine.
///
/// # Errors
///
/// `InvalidOption` if what is between its commas is no host.
pub fn http_hosts_of(host: &dyn Host) -> Result<HttpHosts, Error> {
    const NAME: &str = "XACCT_ALLOW_HTTP_HOSTS";
    let list = host.variable(NAME).unwrap_or_default();
    HttpHosts::new(list.split(',').map(str::trim).filter(|item| !item.is_empty())).map_err(|error| {
        Error::new(error.kind(), format!("the environment variable `{NAME}` holds something else than hosts"))
            .with_hint("give hosts such as `localstack` or `localstack:4566`, between commas")
            .with_source(error)
    })
}
