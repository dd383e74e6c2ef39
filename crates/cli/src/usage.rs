//! What is said of a command line that makes no sense.

mod curl;

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Error, Parser};
use xacct_sign::escaped;

use crate::failure::Failure;

/// What was typed.
///
/// # Errors
///
/// [`Failure::Usage`]; [`Failure::Ended`] where it asks for help, which is printed, and [`Failure::Output`] where that cannot be.
pub(crate) fn arguments<P: Parser>() -> Result<P, Failure> {
    let typed: Vec<OsString> = std::env::args_os().collect();
    let error = match P::try_parse_from(&typed) {
        Ok(arguments) => return Ok(arguments),
        Err(error) => error,
    };
    // What is said of something wrong shows it, so that is said of the arguments as they may be shown.
    let typed: Vec<String> = typed.iter().map(|argument| escaped(&argument.to_string_lossy())).collect();
    let error = P::try_parse_from(&typed).err().unwrap_or(error);
    let is_help = !error.use_stderr() || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
    if is_help {
        error.print().map_err(Failure::Output)?;
        return Err(Failure::Ended(u8::try_from(error.exit_code()).unwrap_or(2)));
    }
    Err(told(&error, &typed))
}

fn told(error: &Error, typed: &[String]) -> Failure {
    let command = typed.get(1).map(String::as_str).unwrap_or_default();
    if ["call", "sign", "presign", "doctor"].contains(&command)
        && let Some(argument) = wrong_argument(error)
    {
        if let Some(why) = curl::why_not(argument).filter(|_| error.kind() == ErrorKind::UnknownArgument) {
            return Failure::Usage { text: format!("`{argument}` of curl's is not taken: {why}"), hint: None };
        }
        if ["sign", "doctor"].contains(&command) && is_data_of_json(error, argument, typed) {
            return Failure::Usage {
                text: format!("`--json` of `{command}` takes no data: it says that JSON is printed"),
                hint: Some("give the body with `--data-binary`, and `-H 'content-type: application/json'`"),
            };
        }
    }
    let text = error.to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text).trim_end();
    // What clap says there is no line of a hint's form.
    let text = text.strip_suffix("For more information, try '--help'.").unwrap_or(text).trim_end();
    Failure::Usage { text: text.to_owned(), hint: Some("`--help` says what it takes") }
}

fn wrong_argument(error: &Error) -> Option<&str> {
    match error.get(ContextKind::InvalidArg)? {
        ContextValue::String(argument) => Some(argument),
        _ => None,
    }
}

/// Whether data stands behind `--json`: it is taken for the URL then, and the URL is one argument too many.
fn is_data_of_json(error: &Error, argument: &str, typed: &[String]) -> bool {
    let has_value = error.kind() == ErrorKind::TooManyValues && argument.starts_with("--json");
    let is_one_too_many = error.kind() == ErrorKind::UnknownArgument && !argument.starts_with('-');
    has_value || is_one_too_many && typed.iter().any(|word| word == "--json")
}
