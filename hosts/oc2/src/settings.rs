//! Options that are not on the command line: from the environment, as `OC2_OPTION_NAME`, and from a file.
//!
//! Both are for every option there is, and named as the option is, so that nothing is kept in step by hand. What is on the
//! command line comes before the environment, and that before the file.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};
use toml::{Table, Value};

/// Options that say nothing about a job.
const NEVER: [&str; 3] = ["help", "version", "config"];

/// A file's settings.
#[derive(Debug, Default)]
struct Settings {
    /// For every command.
    all: Table,
    /// For one command each.
    commands: Table,
}

/// Parses the command line, with what the environment and the file say of the command that is asked for.
pub(crate) fn matches(command: Command, arguments: Vec<OsString>) -> Result<ArgMatches, Misused> {
    let (arguments, job) = arranged(&command, arguments);
    let settings = match file(&arguments) {
        None => Settings::default(),
        Some((path, named)) => match fs::read_to_string(&path) {
            Ok(text) => read(&command, &text).map_err(|why| Misused::Settings(format!("{}: {why}", path.display())))?,
            // The usual place may be empty.
            Err(error) if !named && error.kind() == std::io::ErrorKind::NotFound => Settings::default(),
            Err(error) => return Err(Misused::Settings(format!("{}: {error}", path.display()))),
        },
    };
    let overruled = overruled(&command, job.as_deref(), &arguments);
    let with =
        |arg: Arg| if overruled.contains(arg.get_id().as_str()) { arg } else { with(arg, &settings, job.as_deref()) };
    let command = match &job {
        // Without a word it is the demo, whose options are the program's own.
        None => command.mut_args(with),
        Some(job) => command.mut_subcommand(job, |one| one.mut_args(with)),
    };
    command.try_get_matches_from(arguments).map_err(Misused::Words)
}

/// Why the command line can't be meant.
#[derive(Debug)]
pub(crate) enum Misused {
    Settings(String),
    Words(clap::Error),
}

/// The arguments with a `--config` that stands before the command behind it, where clap takes it; and the command's name.
fn arranged(command: &Command, mut arguments: Vec<OsString>) -> (Vec<OsString>, Option<String>) {
    let before = match arguments.get(1) {
        Some(first) if first == "--config" => 2,
        Some(first) if first.to_str().is_some_and(|first| first.starts_with("--config=")) => 1,
        _ => 0,
    };
    let job = arguments.get(1 + before).and_then(|word| word.to_str()).and_then(|word| command.find_subcommand(word));
    let job = job.map(|job| job.get_name().to_owned());
    if job.is_some()
        && let Some(part) = arguments.get_mut(1..before + 2)
    {
        part.rotate_left(before);
    }
    (arguments, job)
}

/// The options that go together with none of those on the command line: what stands there comes first, so that nothing is said
/// of these by the environment or the file.
fn overruled(command: &Command, job: Option<&str>, arguments: &[OsString]) -> BTreeSet<String> {
    let Ok(matches) = command.clone().ignore_errors(true).try_get_matches_from(arguments) else {
        return BTreeSet::new();
    };
    let (mut command, mut matches) = (command.clone(), matches);
    command.build();
    if let Some(job) = job {
        let (Some(inner), Some(one)) = (command.find_subcommand(job).cloned(), matches.remove_subcommand()) else {
            return BTreeSet::new();
        };
        (command, matches) = (inner, one.1);
    }
    let given = |arg: &&Arg| matches.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine);
    let mut overruled = BTreeSet::new();
    for arg in command.get_arguments() {
        let conflicts = command.get_arg_conflicts_with(arg);
        if given(&arg) {
            overruled.extend(conflicts.iter().map(|other| other.get_id().to_string()));
        } else if conflicts.iter().any(given) {
            overruled.insert(arg.get_id().to_string());
        }
    }
    for mut group in command.get_groups().cloned() {
        if group.is_multiple() {
            continue;
        }
        let members: BTreeSet<String> = group.get_args().map(ToString::to_string).collect();
        let of_group = |arg: &&Arg| members.contains(arg.get_id().as_str());
        if command.get_arguments().filter(of_group).any(|arg| given(&arg)) {
            overruled.extend(members.iter().cloned());
        }
    }
    overruled
}

/// Where the settings are, and whether somebody said so.
fn file(arguments: &[OsString]) -> Option<(PathBuf, bool)> {
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == "--config" {
            return rest.next().map(|path| (PathBuf::from(path), true));
        }
        if let Some(path) = argument.to_str().and_then(|text| text.strip_prefix("--config=")) {
            return Some((PathBuf::from(path), true));
        }
    }
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    if let Some(path) = set("OC2_CONFIG") {
        return Some((path.into(), true));
    }
    let folder =
        set("XDG_CONFIG_HOME").map(PathBuf::from).or_else(|| Some(Path::new(&set("HOME")?).join(".config")))?;
    Some((folder.join("oc2.toml"), false))
}

/// Reads a file, whose keys are all options, and whose tables are all commands.
fn read(command: &Command, text: &str) -> Result<Settings, String> {
    let table: Table = text.parse().map_err(|error: toml::de::Error| {
        let line = error.span().map_or(1, |span| text.get(..span.start).unwrap_or_default().matches('\n').count() + 1);
        format!("line {line}: {}", error.message())
    })?;
    let options = |command: &Command| -> BTreeSet<String> {
        command
            .get_arguments()
            .filter_map(Arg::get_long)
            .filter(|name| !NEVER.contains(name))
            .map(str::to_owned)
            .collect()
    };
    let every: BTreeSet<String> = command.get_subcommands().chain([command]).flat_map(options).collect();
    let mut settings = Settings::default();
    for (key, value) in table {
        match (&value, command.find_subcommand(&key)) {
            (Value::Table(inner), Some(one)) => {
                if let Some(wrong) = inner.keys().find(|name| !options(one).contains(*name)) {
                    return Err(format!("{key} has no option \"{wrong}\""));
                }
                settings.commands.insert(key, value);
            }
            (Value::Table(_), None) => return Err(format!("there is no command \"{key}\"")),
            _ if every.contains(&key) => {
                settings.all.insert(key, value);
            }
            _ => return Err(format!("there is no option \"{key}\"")),
        }
    }
    Ok(settings)
}

fn with(arg: Arg, settings: &Settings, command: Option<&str>) -> Arg {
    let Some(name) = arg.get_long().filter(|name| !NEVER.contains(name)).map(str::to_owned) else { return arg };
    // As long as the process lives, and as many as there are options.
    let variable: &'static str = format!("OC2_{}", name.to_ascii_uppercase().replace('-', "_")).leak();
    let arg = arg.env(variable).hide_env(true);
    let own = command.and_then(|command| settings.commands.get(command)).and_then(Value::as_table);
    let Some(value) = own.and_then(|own| own.get(&name)).or_else(|| settings.all.get(&name)) else { return arg };
    let texts: Vec<&'static str> = match value {
        Value::Array(list) => list.iter().map(text).collect(),
        one => vec![text(one)],
    };
    if matches!(arg.get_action(), ArgAction::Append) {
        arg.default_values(texts).required(false)
    } else {
        arg.default_value(texts.into_iter().next().unwrap_or_default()).required(false)
    }
}

fn text(value: &Value) -> &'static str {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Boolean(yes) => yes.to_string(),
        // No option is one of these, so it says what is wrong with it.
        other => other.type_str().to_owned(),
    };
    text.leak()
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, FromArgMatches as _};

    use super::*;
    use crate::cli::{Cli, Command as Job, Consume};

    fn consume(text: &str, words: &[&str]) -> Consume {
        let command = Cli::command();
        let settings = read(&command, text).unwrap();
        let command =
            command.mut_subcommand("consume", |one| one.mut_args(|arg| with(arg, &settings, Some("consume"))));
        let matches = command.try_get_matches_from([&["oc2", "consume"], words].concat()).unwrap();
        let Job::Consume(consume) = Cli::from_arg_matches(&matches).unwrap().job() else { panic!("consume") };
        *consume
    }

    #[test]
    fn a_file_gives_what_the_command_line_does_not() {
        let text = "host = 'a.example'\nport = 1884\nqos = 2\n[consume]\ndevice = 'fw7'\nprofile = ['slpf', 'x-a']\nslpf = true\nexec-timeout = 2.5\nport = 1885\n";
        let of_file = consume(text, &[]);
        assert_eq!((of_file.broker.host.as_str(), of_file.broker.port), ("a.example", Some(1885)));
        assert_eq!((of_file.device.as_str(), of_file.slpf, of_file.speaking.qos), ("fw7", true, 2));
        assert_eq!(of_file.profiles, ["slpf", "x-a"]);
        assert_eq!(of_file.exec_timeout, core::time::Duration::from_millis(2500));
        let of_line = consume(text, &["-h", "b.example", "-p", "1", "--device", "fw8", "--profile", "edr"]);
        assert_eq!((of_line.broker.host.as_str(), of_line.broker.port), ("b.example", Some(1)));
        assert_eq!((of_line.device.as_str(), of_line.profiles.as_slice()), ("fw8", &["edr".to_owned()][..]));
    }

    fn parsed(words: &[&str]) -> Job {
        let arguments = [&["oc2"], words].concat().into_iter().map(OsString::from).collect();
        let matches = match matches(Cli::command(), arguments) {
            Ok(matches) => matches,
            Err(why) => panic!("{why:?}"),
        };
        Cli::from_arg_matches(&matches).unwrap().job()
    }

    #[test]
    fn what_is_on_the_command_line_overrules_what_does_not_go_with_it() {
        let file = env::temp_dir().join(format!("oc2-settings-{}.toml", std::process::id()));
        fs::write(
            &file,
            "broker = 'ws://a.example'\nverbose = 2\nqos = 2\n[produce]\nto-profile = 'slpf'\nexpect = ['a', 'b']\n",
        )
        .unwrap();
        let config = file.to_str().unwrap();
        // Before the command or behind it.
        for words in
            [["--config", config, "produce", "query", "features"], ["produce", "--config", config, "query", "features"]]
        {
            let Job::Produce(produce) = parsed(&words) else { panic!("produce") };
            assert_eq!(produce.broker.broker.as_ref().map(|url| url.expose()), Some("ws://a.example"));
            assert_eq!((produce.broker.verbose, produce.speaking.qos), (2, 2));
            assert_eq!((produce.whereto.to_profile.as_deref(), produce.expect.len()), (Some("slpf"), 2));
        }
        let words =
            ["--config", config, "produce", "query", "features", "-h", "b.example", "--to-device", "d", "-C", "1"];
        let Job::Produce(produce) = parsed(&words) else { panic!("produce") };
        assert_eq!((produce.broker.broker.is_none(), produce.broker.host.as_str()), (true, "b.example"));
        assert_eq!((produce.whereto.to_profile, produce.whereto.to_device.as_deref()), (None, Some("d")));
        assert_eq!((produce.count, produce.expect.len()), (Some(1), 0));
        fs::remove_file(&file).unwrap();
    }

    #[test]
    fn what_is_no_option_is_named() {
        for (text, part) in [
            ("hots = 1", "there is no option \"hots\""),
            ("[produse]\nqos = 1", "there is no command \"produse\""),
            ("[produce]\ndevice = 1", "produce has no option \"device\""),
            ("qos = 1\nqos = 2", "line 2: "),
            ("help = true", "there is no option \"help\""),
        ] {
            let why = read(&Cli::command(), text).unwrap_err();
            assert!(why.contains(part), "{part}: {why}");
        }
    }
}
