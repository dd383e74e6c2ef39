//! The way to the API behind the gateway.

use std::error::Error;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::{ClientConfig, RootCertStore};

use crate::gateway::UpstreamFailure;
use crate::server::error::ServerError;

/// Sends what the gateway lets through.
pub(super) struct Upstream(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

impl Upstream {
    /// Over TLS it trusts what the platform trusts; to read that takes a while, which an upstream of plain http need not wait for.
    pub(super) fn new(over_tls: bool) -> Result<Self, ServerError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(certificates)?;
        let builder = if over_tls {
            builder.try_with_platform_verifier().map_err(certificates)?
        } else {
            builder.with_root_certificates(RootCertStore::empty())
        };
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        let connector = HttpsConnector::from((connector, builder.with_no_client_auth()));
        // A connection that idles in a pool may be closed just as the next request is sent on it.
        Ok(Self(Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector)))
    }

    /// The head of the answer, with its body still to come.
    pub(super) async fn send(&self, request: Request<Bytes>) -> Result<Response<Incoming>, UpstreamFailure> {
        self.0.request(request.map(Full::new)).await.map_err(|error| failure(&error))
    }
}

/// The whole of an answer.
pub(super) async fn whole(response: Response<Incoming>, max_bytes: usize) -> Result<Response<Bytes>, UpstreamFailure> {
    let (parts, body) = response.into_parts();
    let body = Limited::new(body, max_bytes).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() { UpstreamFailure::TooLarge } else { UpstreamFailure::Connection }
    })?;
    Ok(Response::from_parts(parts, body.to_bytes()))
}

fn certificates(error: rustls::Error) -> ServerError {
    ServerError::Certificates(io::Error::other(error))
}

/// What is wrong with a certificate is the one thing that nobody would guess.
fn failure(error: &(dyn Error + 'static)) -> UpstreamFailure {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if matches!(error.downcast_ref(), Some(rustls::Error::InvalidCertificate(_))) {
            return UpstreamFailure::Certificate;
        }
        // The system's errors stand for what they hold, and say the cause of that.
        cause = match error.downcast_ref::<io::Error>() {
            Some(held) => held.get_ref().map(|held| held as &(dyn Error + 'static)),
            None => error.source(),
        };
    }
    UpstreamFailure::Connection
}
