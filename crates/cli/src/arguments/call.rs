//! What can be typed behind `call`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::{RequestArguments, RoleArguments};

#[derive(Debug, Args)]
pub(crate) struct CallArguments {
    #[command(flatten)]
    pub(crate) request: RequestArguments<true>,

    /// Write the answer's body to a file, once it is all there; `-` is standard output, also for a terminal
    #[arg(short, long, value_name = "FILE", help_heading = "Answer")]
    pub(crate) output: Option<PathBuf>,

    /// Print the answer's status and headers before its body
    #[arg(short, long, help_heading = "Answer")]
    pub(crate) include: bool,

    /// Ask for the headers alone (HEAD), and print them
    #[arg(short = 'I', long, help_heading = "Answer")]
    pub(crate) head: bool,

    /// Say on stderr what is sent and answered, without the secrets
    #[arg(short, long, help_heading = "Answer")]
    pub(crate) verbose: bool,

    /// No progress and no error messages: the exit code says it all
    #[arg(short, long, help_heading = "Answer")]
    pub(crate) silent: bool,

    /// With --silent: error messages all the same
    #[arg(short = 'S', long, help_heading = "Answer")]
    pub(crate) show_error: bool,

    /// Fail, with exit code 22 and without the body, where the answer's status is 400 or more
    #[arg(short, long, help_heading = "Answer")]
    pub(crate) fail: bool,

    /// Follow redirects within the API; one to elsewhere is the answer in any case
    #[arg(short = 'L', long, help_heading = "Answer")]
    pub(crate) location: bool,

    /// How long everything may take, from the look-up of credentials to the last byte of the answer
    #[arg(short, long, value_name = "SECONDS", value_parser = time, help_heading = "Answer")]
    pub(crate) max_time: Option<Duration>,

    #[command(flatten)]
    pub(crate) role: RoleArguments,
}

/// Seconds, with a fraction where wanted, as curl takes them; 0 is no limit.
fn time(text: &str) -> Result<Duration, String> {
    let seconds: Option<f64> = text.parse().ok();
    let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    time.ok_or_else(|| format!("`{text}` is no number of seconds"))
}
