//! The program's options.

use std::path::PathBuf;
use std::time::Duration;

use crate::magic;
use crate::sandbox::Options;

/// The program listens here unless told otherwise, so that a till can be set up once.
const DEFAULT_PORT: u16 = 8080;

/// Written to the current folder with --tls unless told otherwise.
const DEFAULT_CA_FILE: &str = "ca.pem";

/// What the command line asks for.
#[derive(Debug)]
pub enum Command {
    /// Print this and leave.
    Print(String),
    /// Serve until told to stop.
    Serve {
        /// As given, else the program's defaults.
        options: Options,
        /// Where to write the port.
        port_file: Option<PathBuf>,
        /// Where to write the certificate that clients have to trust.
        ca_file: Option<PathBuf>,
    },
}

/// Reads the arguments that follow the program's name.
///
/// # Errors
/// What is wrong with them, for people to read.
pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Command, String> {
    let mut arguments = arguments.into_iter();
    let mut options = Options {
        port: DEFAULT_PORT,
        print: true,
        ..Options::default()
    };
    let mut port_file = None;
    let mut ca_file = None;
    while let Some(argument) = arguments.next() {
        let (name, joined) = match argument.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (argument.as_str(), None),
        };
        if let "--notify" | "--strict" | "--tls" | "--quiet" | "--help" | "-h" | "--version"
        | "-V" = name
        {
            if joined.is_some() {
                return Err(format!("{name} takes no value"));
            }
        }
        let mut value = || {
            let value = joined.clone().or_else(|| arguments.next());
            value.ok_or(format!("{name} needs a value"))
        };
        match name {
            "--port" => options.port = read(name, &value()?, "a port, 0 to 65535")?,
            "--listen" => options.listen = read(name, &value()?, "an IP address")?,
            "--slow" => {
                let text = value()?;
                let seconds = read(name, &text, "seconds")?;
                options.slow = Duration::try_from_secs_f64(seconds)
                    .map_err(|_| format!("{name}: {text} is not a number of seconds"))?;
            }
            "--retry-after" => options.retry_after = read(name, &value()?, "whole seconds")?,
            "--port-file" => port_file = Some(PathBuf::from(value()?)),
            "--tls" => options.tls = true,
            "--ca-file" => ca_file = Some(PathBuf::from(value()?)),
            "--notify" => options.notify = true,
            "--strict" => options.strict = true,
            "--scenario" => options.scenario = Some(PathBuf::from(value()?)),
            "--quiet" => options.print = false,
            "--help" | "-h" => return Ok(Command::Print(help())),
            "--version" | "-V" => {
                let version = env!("CARGO_PKG_VERSION");
                return Ok(Command::Print(format!("lifepay-sandbox {version}\n")));
            }
            _ => return Err(format!("unknown argument {argument}; try --help")),
        }
    }
    if !options.tls && ca_file.is_some() {
        return Err("--ca-file is for --tls".to_owned());
    }
    if options.tls {
        ca_file.get_or_insert_with(|| PathBuf::from(DEFAULT_CA_FILE));
    }
    Ok(Command::Serve {
        options,
        port_file,
        ca_file,
    })
}

fn read<T: std::str::FromStr>(name: &str, text: &str, expected: &str) -> Result<T, String> {
    let number = text.parse();
    number.map_err(|_| format!("{name}: {text:?} is not {expected}"))
}

fn help() -> String {
    let mut text = format!(
        "\
A small server that behaves as LifePay's page on opening a shift says.

It takes every other document, too: POSTs to every path below /cloud-print/ and
/cloud-print-ffd1_2/. It checks apikey and login, and the document's own fields as
far as published. Everything else is accepted.

Usage: lifepay-sandbox [OPTIONS]

  --port N               listen on this port; 0: a free one; default {DEFAULT_PORT}
  --listen ADDRESS       listen on this IP address; default 127.0.0.1
  --tls                  HTTPS, with a certificate made for each run
  --ca-file PATH         with --tls: write the certificate to trust there; default {DEFAULT_CA_FILE}
  --port-file PATH       write the port there once requests are accepted
  --slow SECONDS         how long the slow printer takes; default 60
  --retry-after SECONDS  what HTTP 429 asks to wait; default 5
  --notify               notify callback_url (http:// only) of each document
  --strict               refuse any Content-Type but application/json; otherwise it is
                         a finding only, since LifePay's page names none
  --scenario FILE        start with these answers, in JSON; README.md has the form
  --quiet                print no requests
  --help, --version

The first line printed is \"listening on http://ADDRESS:PORT\", or https:// with --tls.

http://ADDRESS:PORT/ is a page, also with --tls: it shows every request live, and has
switches for what is answered from now on. README.md describes the same by HTTP.

Clients of --tls have to trust {DEFAULT_CA_FILE}; the library does with its field ca_file.

Notifications are a form field \"data\" with JSON text: uuid, ext_id, status,
callback_data. That form is the sandbox's own. LifePay has not published its own:
build nothing on this one.

Magic values choose the answer. Everything else is accepted, whatever the apikey.
"
    );
    let mut field = "";
    for row in magic::rows() {
        if row.field != field {
            field = row.field;
            text += &format!("\n{field}\n");
        }
        text += &format!("  {:<16}{}\n", row.value, row.effect);
    }
    text + "\nOf a target_serial only the zeros and the last three digits count: 0404 is 00000000000404.\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::published::FOLDERS;

    fn parse_line(line: &str) -> Result<Command, String> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_are_read_with_a_space_or_an_equals_sign() {
        for line in [
            "--port 0 --listen ::1 --slow 0.5 --retry-after 7 --notify --strict --quiet --port-file p --tls --ca-file c --scenario s",
            "--port=0 --listen=::1 --slow=0.5 --retry-after=7 --notify --strict --quiet --port-file=p --tls --ca-file=c --scenario=s",
        ] {
            let Command::Serve {
                options,
                port_file,
                ca_file,
            } = parse_line(line).unwrap()
            else {
                panic!("{line}");
            };
            assert_eq!(options.port, 0);
            assert!(options.listen.is_ipv6());
            assert_eq!(options.slow, Duration::from_millis(500));
            assert_eq!(options.retry_after, 7);
            assert!(options.notify);
            assert!(!options.print && options.strict);
            assert_eq!(options.scenario, Some(PathBuf::from("s")));
            assert_eq!(port_file, Some(PathBuf::from("p")));
            assert!(options.tls);
            assert_eq!(ca_file, Some(PathBuf::from("c")));
        }
    }

    #[test]
    fn without_options_it_listens_on_loopback_and_prints_and_does_not_notify() {
        let Command::Serve {
            options,
            port_file,
            ca_file,
        } = parse_line("").unwrap()
        else {
            panic!("no arguments");
        };
        assert_eq!(options.port, DEFAULT_PORT);
        assert!(options.listen.is_loopback());
        assert!(options.print);
        assert!(!options.notify && !options.strict);
        assert_eq!(port_file, None);
        assert!(!options.tls);
        assert_eq!(ca_file, None);
    }

    #[test]
    fn tls_writes_ca_pem_unless_told_otherwise() {
        let Command::Serve { ca_file, .. } = parse_line("--tls").unwrap() else {
            panic!("--tls");
        };
        assert_eq!(ca_file, Some(PathBuf::from("ca.pem")));
    }

    #[test]
    fn a_bad_argument_is_named() {
        for (line, named) in [
            ("--port", "--port"),
            ("--port 70000", "70000"),
            ("--listen localhost", "localhost"),
            ("--slow -1", "-1"),
            ("--slow NaN", "NaN"),
            ("--slow=", "--slow"),
            ("--retry-after 1.5", "1.5"),
            ("--notify=yes", "--notify"),
            ("--prot 1", "--prot"),
            ("--tls=1", "--tls"),
            ("--ca-file c", "--tls"),
            ("8080", "8080"),
        ] {
            let error = parse_line(line).unwrap_err();
            assert!(error.contains(named), "{line}: {error}");
        }
    }

    #[test]
    fn the_help_names_every_folder() {
        let Command::Print(help) = parse_line("--help").unwrap() else {
            panic!("--help");
        };
        for folder in FOLDERS {
            assert!(help.contains(folder), "{folder}");
        }
    }

    #[test]
    fn the_help_lists_every_magic_value_with_its_effect() {
        let Command::Print(help) = parse_line("--help").unwrap() else {
            panic!("--help");
        };
        for row in magic::rows() {
            let line = help.lines().find(|line| line.contains(row.value));
            assert!(line.unwrap_or_default().ends_with(&row.effect), "{row:?}");
        }
    }
}
