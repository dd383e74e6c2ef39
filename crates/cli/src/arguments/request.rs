//! The request, as curl's users type it.

use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches};

const DATA: [(&str, Option<char>, DataKind, &str); 4] = [
    (
        "data",
        Some('d'),
        DataKind::Text,
        "Send this as the body of a POST, a form unless a header says otherwise; `@file` is a file without its line breaks, \
         `@-` standard input; several are joined by `&`",
    ),
    ("data-binary", None, DataKind::Binary, "As --data, but a file goes out as it is, however long"),
    ("data-raw", None, DataKind::Raw, "As --data, but `@` has no meaning"),
    ("json", None, DataKind::Json, "As --data-binary, with the headers of JSON; several are joined as they are"),
];

/// `JSON`: whether `--json` is data, as curl has it, or left for the command itself.
#[derive(Debug, Args)]
pub(crate) struct RequestArguments<const JSON: bool> {
    /// The URL
    #[arg(value_name = "URL")]
    pub(crate) url: String,

    /// The method, which is sent in upper case [default: GET, or POST where there is a body]
    #[arg(short = 'X', long = "request", value_name = "METHOD", help_heading = "Request")]
    pub(crate) method: Option<String>,

    /// A header, `Name: value`; `Name:` takes one away, `Name;` sends it empty, `@file` has one a line; may be repeated
    #[arg(short = 'H', long = "header", value_name = "HEADER", help_heading = "Request")]
    pub(crate) headers: Vec<String>,

    #[command(flatten)]
    pub(crate) data: DataArguments<JSON>,

    /// A part of a form in multipart/form-data: `name=text`, `name=@file`, `name=<file`, with `;type=` and `;filename=` behind;
    /// may be repeated
    #[arg(short = 'F', long = "form", value_name = "NAME=CONTENT", help_heading = "Request", conflicts_with = "get")]
    pub(crate) form: Vec<String>,

    /// Put the data behind the URL's `?` instead
    #[arg(short = 'G', long, help_heading = "Request")]
    pub(crate) get: bool,

    /// Ask for the headers alone: HEAD, unless `-X` says another method
    #[arg(short = 'I', long, help_heading = "Request")]
    pub(crate) head: bool,

    /// The service's signing name [default: what AWS's own host says, else execute-api]
    #[arg(long, value_name = "NAME", help_heading = "Request")]
    pub(crate) service: Option<String>,
}

/// How a piece of data is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DataKind {
    /// A file's line breaks are left out.
    Text,
    /// A file as it is.
    Binary,
    /// Never a file.
    Raw,
    /// As [`DataKind::Binary`], and it is JSON.
    Json,
}

/// The pieces of the body, in the order in which they were typed.
#[derive(Debug)]
pub(crate) struct DataArguments<const JSON: bool>(pub(crate) Vec<(DataKind, String)>);

impl<const JSON: bool> DataArguments<JSON> {
    fn options() -> impl Iterator<Item = (&'static str, Option<char>, DataKind, &'static str)> {
        DATA.into_iter().filter(|(.., kind, _)| JSON || *kind != DataKind::Json)
    }
}

impl<const JSON: bool> FromArgMatches for DataArguments<JSON> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut pieces = Vec::new();
        for (name, _, kind, _) in Self::options() {
            let places = matches.indices_of(name).into_iter().flatten();
            let values = matches.get_many::<String>(name).into_iter().flatten();
            pieces.extend(places.zip(values).map(|(place, value)| (place, kind, value.clone())));
        }
        pieces.sort_by_key(|(place, ..)| *place);
        Ok(Self(pieces.into_iter().map(|(_, kind, value)| (kind, value)).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl<const JSON: bool> Args for DataArguments<JSON> {
    fn augment_args(command: Command) -> Command {
        Self::options().fold(command, |command, (name, short, kind, help)| {
            let arg = Arg::new(name).long(name).value_name("DATA").help(help).help_heading("Request");
            let arg = arg.action(ArgAction::Append).allow_hyphen_values(true).conflicts_with("form");
            // JSON is whole, or pieces of JSON.
            let others = Self::options().filter(|other| (other.2 == DataKind::Json) != (kind == DataKind::Json));
            let arg = arg.conflicts_with_all(others.map(|other| other.0));
            command.arg(match short {
                // curl has another name for the one that has a letter.
                Some(short) => arg.short(short).alias("data-ascii"),
                None => arg,
            })
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}
