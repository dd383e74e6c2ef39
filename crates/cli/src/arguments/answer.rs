//! What becomes of the answer, as curl's users type it.

use std::path::PathBuf;
use std::time::Duration;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, Error, FromArgMatches};

#[derive(Debug, Args)]
#[command(next_help_heading = "Answer")]
pub(crate) struct AnswerArguments {
    /// Write the answer's body to a file, once it is all there; `-` is standard output, also for a terminal
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Print the answer's status and headers before its body
    #[arg(short, long)]
    pub(crate) include: bool,

    /// Say on stderr what is sent and answered, without the secrets
    #[arg(short, long)]
    pub(crate) verbose: bool,

    /// No progress, no warnings and no error messages: the exit code says it all
    #[arg(short, long)]
    pub(crate) silent: bool,

    /// With --silent: error messages all the same
    #[arg(short = 'S', long)]
    pub(crate) show_error: bool,

    /// Fail, with exit code 22 and without the body, where the answer's status is 400 or more
    #[arg(short, long)]
    pub(crate) fail: bool,

    /// Follow redirects within the API; one to elsewhere is the answer in any case
    #[arg(short = 'L', long)]
    pub(crate) location: bool,

    /// How long everything may take, from the look-up of credentials to the last byte of the answer; a body that is standard input is
    /// read before, and does not count
    #[arg(short, long, value_name = "SECONDS", value_parser = time, allow_negative_numbers = true)]
    pub(crate) max_time: Option<Duration>,
}

/// Seconds, with a fraction where wanted, as curl takes them; 0 is no limit.
fn time(text: &str) -> Result<Duration, String> {
    let seconds: Option<f64> = text.parse().ok();
    let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    time.ok_or_else(|| format!("`{text}` is no number of seconds"))
}

/// The same behind commands that have no such answer: people go back to the line that they typed for `call`, and change the word.
/// The names of those that were typed.
#[derive(Debug)]
pub(crate) struct UnusedAnswerArguments(pub(crate) Vec<String>);

fn names() -> Vec<String> {
    let all = AnswerArguments::augment_args(Command::new(""));
    all.get_arguments().map(|argument| argument.get_id().to_string()).collect()
}

impl UnusedAnswerArguments {
    /// Whether no warnings are wanted.
    pub(crate) fn is_silent(&self) -> bool {
        self.has("silent") && !self.has("show_error")
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|other| other == name)
    }

    /// What is said of them, if anything.
    pub(crate) fn note(&self, command: &str) -> Option<String> {
        let names: Vec<String> = self.0.iter().map(|name| format!("`--{}`", name.replace('_', "-"))).collect();
        (!names.is_empty() && !self.has("silent"))
            .then(|| format!("without effect in `{command}`: {}", names.join(", ")))
    }
}

impl FromArgMatches for UnusedAnswerArguments {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let is_typed = |name: &String| matches.value_source(name) == Some(ValueSource::CommandLine);
        Ok(Self(names().into_iter().filter(is_typed).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for UnusedAnswerArguments {
    fn augment_args(command: Command) -> Command {
        let command = AnswerArguments::augment_args(command);
        names().into_iter().fold(command, |command, name| command.mut_arg(name, |argument| argument.hide(true)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}
