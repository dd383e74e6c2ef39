//! What a path may mean to whoever routes it.

use xacct_sign_provider::targets::HttpApi;

/// What stands before every path of a stage: its name, but for `$default`.
pub(crate) fn base_path(api_stage: &str) -> String {
    if api_stage == HttpApi::DEFAULT_STAGE { String::new() } else { format!("/{api_stage}") }
}

/// The path of the route: what follows the stage; `None` for a path that is not the stage's.
pub(crate) fn within_stage<'p>(api_stage: &str, path: &'p str) -> Option<&'p str> {
    match path.strip_prefix(&base_path(api_stage))? {
        "" => Some("/"),
        route => route.starts_with('/').then_some(route),
    }
}

#[cfg(test)]
mod tests {
    use super::within_stage;

    #[test]
    fn the_stage_is_no_part_of_the_route() {
        assert_eq!(within_stage("v1", "/v1/items"), Some("/items"));
        assert_eq!(within_stage("v1", "/v1"), Some("/"));
        assert_eq!(within_stage("v1", "/v1//x"), Some("//x"));
        assert_eq!(within_stage("$default", "/v1/items"), Some("/v1/items"));
        for path in ["/items", "/v10", "/v1items", "/V1/items", "/%76%31/items", "/", "*", ""] {
            assert_eq!(within_stage("v1", path), None, "{path}");
        }
        assert_eq!(within_stage("$default", "*"), None);
    }
}
