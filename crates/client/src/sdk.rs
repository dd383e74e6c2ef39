//! The AWS SDK's providers as our sources, and our sources as its providers.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, Result as Provided, future};
use xacct_sign::{Credentials, Error, ErrorClass, ErrorKind};

use crate::credentials::CredentialSource;
use crate::host::begin;
use crate::patience::Patience;

/// What a provider of the SDK does to give credentials.
pub type Providing<'p> = Pin<Box<dyn Future<Output = Provided> + Send + 'p>>;

/// A provider of the AWS SDK as a [`CredentialSource`], asked anew each time: give it one that caches, or let a
/// [`RoleProvider`](crate::RoleProvider) ask it at each of its refreshes.
///
/// Our sources block; what runs the SDK's futures is the program's. With tokio that is
/// `SdkSource::new(provider, move |future| handle.block_on(future))`, asked from a thread that is none of the runtime's
/// (`spawn_blocking`).
pub struct SdkSource<P, R> {
    provider: P,
    run: R,
}

impl<P, R> SdkSource<P, R>
where
    P: ProvideCredentials,
    R: Fn(Providing<'_>) -> Provided + Send + Sync,
{
    /// The provider is not asked yet.
    pub fn new(provider: P, run: R) -> Self {
        Self { provider, run }
    }
}

impl<P, R> CredentialSource for SdkSource<P, R>
where
    P: ProvideCredentials,
    R: Fn(Providing<'_>) -> Provided + Send + Sync,
{
    fn credentials(&self, _: &Patience) -> Result<Credentials, Error> {
        let given = (self.run)(Box::pin(self.provider.provide_credentials()));
        Credentials::try_from(&given.map_err(not_given)?)
    }
}

fn not_given(error: CredentialsError) -> Error {
    let kind = match error {
        CredentialsError::ProviderTimedOut(_) => ErrorKind::Timeout,
        _ => ErrorKind::CredentialsNotFound,
    };
    // Its text says what kind of error it is, and its causes why: these may hold anything, and are not repeated.
    Error::new(kind, format!("the AWS SDK's provider gave no credentials: {error}")).with_source(error)
}

impl<P: fmt::Debug, R> fmt::Debug for SdkSource<P, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SdkSource").field(&self.provider).finish()
    }
}

/// A [`CredentialSource`] as a provider of the AWS SDK. It is asked in a thread of its own, and blocks no runtime.
#[derive(Debug, Clone)]
pub struct SdkProvider<S>(Arc<S>);

impl<S: CredentialSource + 'static> SdkProvider<S> {
    /// The source is not asked yet.
    pub fn new(source: S) -> Self {
        Self(Arc::new(source))
    }
}

impl<S: CredentialSource + 'static> ProvideCredentials for SdkProvider<S> {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let (source, asked) = (Arc::clone(&self.0), Arc::new(Mutex::new(Asked::default())));
        let answer = Answered(Arc::clone(&asked));
        let ask = move || answer.give(source.credentials(&Patience::default()));
        match begin(ask) {
            Ok(()) => future::ProvideCredentials::new(Waiting(asked)),
            Err(error) => future::ProvideCredentials::ready(Err(CredentialsError::provider_error(error))),
        }
    }
}

#[derive(Default)]
struct Asked {
    outcome: Option<Result<Credentials, Error>>,
    waker: Option<Waker>,
}

/// The thread's end of it. Should the thread panic, whoever waits is told.
struct Answered(Arc<Mutex<Asked>>);

impl Answered {
    fn give(&self, outcome: Result<Credentials, Error>) {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        asked.outcome.get_or_insert(outcome);
        if let Some(waker) = asked.waker.take() {
            waker.wake();
        }
    }
}

impl Drop for Answered {
    fn drop(&mut self) {
        self.give(Err(Error::new(
            ErrorKind::CredentialsNotFound,
            "the thread that asked for the credentials broke off",
        )));
    }
}

/// The future's end of it.
struct Waiting(Arc<Mutex<Asked>>);

impl Future for Waiting {
    type Output = Provided;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Provided> {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match asked.outcome.take() {
            Some(Ok(credentials)) => Poll::Ready(Ok((&credentials).into())),
            Some(Err(error)) => Poll::Ready(Err(not_found(error))),
            None => {
                asked.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

fn not_found(error: Error) -> CredentialsError {
    match error.kind() {
        ErrorKind::CredentialsNotFound => CredentialsError::not_loaded(error),
        ErrorKind::InvalidConfig => CredentialsError::invalid_configuration(error),
        kind if kind.class() == ErrorClass::Validation => CredentialsError::invalid_configuration(error),
        _ => CredentialsError::provider_error(error),
    }
}
