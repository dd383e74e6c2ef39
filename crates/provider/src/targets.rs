//! Where an API is: what AWS calls it in policies, where it is reached, and what it takes.

pub(crate) mod http_api;

pub use http_api::HttpApi;

pub(crate) use http_api::invoke;
