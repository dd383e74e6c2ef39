//! Lines for shells.

use clap::ValueEnum;

/// A shell that reads what `env` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    /// Every POSIX shell: bash, zsh, dash
    #[value(aliases = ["bash", "zsh"])]
    Sh,
    /// fish
    Fish,
    /// PowerShell
    #[value(name = "powershell")]
    Power,
}

impl Shell {
    /// The one of this system.
    pub(crate) fn usual() -> Self {
        if cfg!(windows) { Shell::Power } else { Shell::Sh }
    }

    /// Sets a variable for the shell and what it starts.
    pub(crate) fn set(self, name: &str, value: &str) -> String {
        let value = self.quote(value);
        match self {
            Shell::Sh => format!("export {name}={value}"),
            Shell::Fish => format!("set -gx {name} {value}"),
            Shell::Power => format!("$Env:{name} = {value}"),
        }
    }

    /// Takes a variable away, if it is there.
    pub(crate) fn unset(self, name: &str) -> String {
        match self {
            Shell::Sh => format!("unset {name}"),
            Shell::Fish => format!("set -e {name}"),
            Shell::Power => format!("Remove-Item Env:{name} -ErrorAction Ignore"),
        }
    }

    /// A text as one word.
    pub(crate) fn quote(self, text: &str) -> String {
        match self {
            // Also where it is pasted into an interactive shell, which reads `!` within double quotes.
            Shell::Sh => shlex::Quoter::new().allow_nul(true).quote(text).unwrap_or_default().into_owned(),
            // Within single quotes a backslash stands for itself unless one of these two follows
            // (https://fishshell.com/docs/current/language.html#quotes).
            Shell::Fish => format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'")),
            // PowerShell takes typographic quotes for single ones
            // (https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_quoting_rules).
            Shell::Power => {
                let doubled = text.chars().flat_map(|c| {
                    let is_quote = matches!(c, '\'' | '\u{2018}'..='\u{201b}');
                    std::iter::repeat_n(c, if is_quote { 2 } else { 1 })
                });
                format!("'{}'", doubled.collect::<String>())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Shell;

    #[test]
    fn a_word_is_quoted_by_the_rules_of_its_shell() {
        let text = "a'b\\c$d`e!\u{2019}f";
        assert_eq!(Shell::Sh.quote("a'b$c"), r#""a'b"'$c'"#);
        assert_eq!(Shell::Fish.quote(text), "'a\\'b\\\\c$d`e!\u{2019}f'");
        assert_eq!(Shell::Power.quote(text), "'a''b\\c$d`e!\u{2019}\u{2019}f'");
        assert_eq!(Shell::Sh.quote(""), "''");
    }
}
