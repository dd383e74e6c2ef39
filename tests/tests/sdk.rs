//! The AWS SDK's providers and our sources, in each other's place.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test panics to fail")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_credential_types::Credentials as SdkCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use tokio::runtime::{Builder, Runtime};
use xacct_sign::{Credentials, Error, ErrorKind};
use xacct_sign_client::sdk::{SdkProvider, SdkSource};
use xacct_sign_client::{CredentialSource, Patience, RoleOptions, RoleProvider};
use xacct_sign_tests::{EXAMPLE_SECRET, at, example_credentials};

/// With one thread, which whoever blocks it would stop.
fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap()
}

/// A provider that needs the runtime, as those of the SDK do.
#[derive(Debug, Default, Clone)]
struct Rotating(Arc<AtomicUsize>);

impl ProvideCredentials for Rotating {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            let number = self.0.fetch_add(1, Ordering::SeqCst);
            Ok(SdkCredentials::new(
                format!("AKID{number}"),
                "secret",
                Some("token".into()),
                Some(at(4_102_444_800)),
                "test",
            ))
        })
    }
}

#[test]
fn a_provider_of_the_sdk_is_asked_at_each_refresh() {
    let runtime = runtime();
    let handle = runtime.handle().clone();
    let source = SdkSource::new(Rotating::default(), move |future| handle.block_on(future));
    for number in 0..3 {
        let credentials = source.credentials(&Patience::default()).unwrap();
        assert_eq!(credentials.access_key_id(), format!("AKID{number}"));
        assert_eq!((credentials.session_token(), credentials.expires_at()), (Some("token"), Some(at(4_102_444_800))));
    }
}

#[test]
fn a_provider_of_the_sdk_assumes_a_role() {
    let emulator = xacct_sign_tests::emulator::start();
    let runtime = runtime();
    let base = SdkCredentials::from(&emulator.ready().caller("shop", "stag").unwrap().credentials);
    let mut options = RoleOptions::new("arn:aws:iam::111111111111:role/ApiAllowByIamRoleStag", "ap-northeast-1");
    options.sts_endpoint = Some(emulator.ready().addresses().sts.clone());
    let handle = runtime.handle().clone();
    let role = RoleProvider::new(options, SdkSource::new(base, move |future| handle.block_on(future))).unwrap();
    // And back: the role as a provider of the SDK, in the same runtime.
    let provider = SdkProvider::new(role.clone());
    let given = runtime.block_on(async { provider.provide_credentials().await }).unwrap();
    assert_eq!(given.access_key_id(), role.credentials().unwrap().access_key_id());
    assert_eq!(given.expiry(), role.credentials().unwrap().expires_at());
}

/// What takes long blocks its own thread, and not the runtime's only one.
#[test]
fn a_source_blocks_no_runtime() {
    #[derive(Debug)]
    struct Slow(Arc<std::sync::Barrier>);
    impl CredentialSource for Slow {
        fn credentials(&self, _: &Patience) -> Result<Credentials, Error> {
            self.0.wait();
            Ok(example_credentials(None))
        }
    }
    let barrier = Arc::new(std::sync::Barrier::new(2));
    let provider = SdkProvider::new(Slow(Arc::clone(&barrier)));
    let runtime = runtime();
    let waiting = runtime.spawn(async move { provider.provide_credentials().await });
    // The source waits for this, which could not run if it had the runtime's thread.
    runtime.block_on(runtime.spawn(async move { tokio::task::yield_now().await })).unwrap();
    barrier.wait();
    assert_eq!(runtime.block_on(waiting).unwrap().unwrap().secret_access_key(), EXAMPLE_SECRET);
}

#[test]
fn errors_go_both_ways() {
    let runtime = runtime();
    #[derive(Debug)]
    struct Failing(fn() -> CredentialsError);
    impl ProvideCredentials for Failing {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            future::ProvideCredentials::ready(Err(self.0()))
        }
    }
    for (fails, code) in [
        ((|| CredentialsError::not_loaded("nothing")) as fn() -> CredentialsError, "credentials_not_found"),
        (|| CredentialsError::provider_timed_out(Duration::from_secs(1)), "timeout"),
        (|| CredentialsError::provider_error("broken"), "credentials_not_found"),
    ] {
        let handle = runtime.handle().clone();
        let source = SdkSource::new(Failing(fails), move |future| handle.block_on(future));
        let error = source.credentials(&Patience::default()).unwrap_err();
        assert_eq!(error.code(), code);
        assert!(std::error::Error::source(&error).is_some());
    }

    #[derive(Debug)]
    struct Broken(Option<ErrorKind>);
    impl CredentialSource for Broken {
        fn credentials(&self, _: &Patience) -> Result<Credentials, Error> {
            let Some(kind) = self.0 else { panic!("the source is broken") };
            Err(Error::new(kind, "no"))
        }
    }
    let given = |kind| {
        let provider = SdkProvider::new(Broken(kind));
        runtime.block_on(async { provider.provide_credentials().await }).unwrap_err()
    };
    assert!(matches!(given(Some(ErrorKind::CredentialsNotFound)), CredentialsError::CredentialsNotLoaded(_)));
    assert!(matches!(given(Some(ErrorKind::InvalidConfig)), CredentialsError::InvalidConfiguration(_)));
    assert!(matches!(given(Some(ErrorKind::StsDenied)), CredentialsError::ProviderError(_)));
    assert!(matches!(given(None), CredentialsError::CredentialsNotLoaded(_)), "a panic is told");
}
