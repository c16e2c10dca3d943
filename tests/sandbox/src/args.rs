//! The program's options.

use std::path::PathBuf;
use std::time::Duration;

use crate::magic;
use crate::sandbox::Options;

/// The default port, which is fixed so that a till has to be set up only once.
const DEFAULT_PORT: u16 = 8080;

/// The default file for the certificate, which --tls writes to the current folder.
const DEFAULT_CA_FILE: &str = "ca.pem";

/// Describes the value of --slow in an error message.
const SECONDS: &str = "число секунд, например 0.5";

/// The command that the arguments select.
#[derive(Debug)]
pub enum Command {
    /// Print this and exit.
    Print(String),
    /// Serve until a signal stops the program.
    Serve {
        /// The given options, or the program's defaults.
        options: Options,
        /// The file to write the port to.
        port_file: Option<PathBuf>,
        /// The file to write the certificate to, which clients have to trust.
        ca_file: Option<PathBuf>,
        /// Whether to open the page in a browser.
        open: bool,
    },
}

/// Reads the arguments that follow the program's name.
///
/// # Errors
/// The fault in the arguments, for display.
pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Command, String> {
    let mut arguments = arguments.into_iter();
    let mut options = Options {
        port: DEFAULT_PORT,
        print: true,
        ..Options::default()
    };
    let mut port_file = None;
    let mut ca_file = None;
    let mut open = false;
    while let Some(argument) = arguments.next() {
        let (name, joined) = match argument.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (argument.as_str(), None),
        };
        if let "--notify" | "--open" | "--strict" | "--tls" | "--quiet" | "--help" | "-h"
        | "--version" | "-V" = name
        {
            if let Some(value) = joined {
                return Err(format!("у ключа {name} нет значения; уберите ={value}"));
            }
        }
        let mut value = || {
            let value = joined.clone().or_else(|| arguments.next());
            value.ok_or(format!(
                "после {name} нет значения; какое нужно, скажет --help"
            ))
        };
        match name {
            "--port" => options.port = read(name, &value()?, "порт от 0 до 65535")?,
            "--listen" => options.listen = read(name, &value()?, "IP-адрес, например 127.0.0.1")?,
            "--slow" => {
                let text = value()?;
                let seconds = read(name, &text, SECONDS)?;
                options.slow = Duration::try_from_secs_f64(seconds)
                    .map_err(|_| unsuitable(name, &text, SECONDS))?;
            }
            "--retry-after" => options.retry_after = read(name, &value()?, "целое число секунд")?,
            "--port-file" => port_file = Some(PathBuf::from(value()?)),
            "--tls" => options.tls = true,
            "--ca-file" => ca_file = Some(PathBuf::from(value()?)),
            "--ca-dir" => options.ca_dir = Some(PathBuf::from(value()?)),
            "--seed" => options.seed = Some(read(name, &value()?, "целое число от 0")?),
            "--open" => open = true,
            "--notify" => options.notify = true,
            "--strict" => options.strict = true,
            "--scenario" => options.scenario = Some(PathBuf::from(value()?)),
            "--quiet" => options.print = false,
            "--help" | "-h" => return Ok(Command::Print(help())),
            "--version" | "-V" => {
                let version = env!("CARGO_PKG_VERSION");
                return Ok(Command::Print(format!("lifepay-sandbox {version}\n")));
            }
            _ => {
                return Err(format!(
                    "неизвестный ключ {argument}; все ключи покажет --help"
                ))
            }
        }
    }
    if !options.tls && ca_file.is_some() {
        return Err("--ca-file действует только с --tls; добавьте --tls".to_owned());
    }
    if !options.tls && options.ca_dir.is_some() {
        return Err("--ca-dir действует только с --tls; добавьте --tls".to_owned());
    }
    if options.tls && options.ca_dir.is_none() {
        ca_file.get_or_insert_with(|| PathBuf::from(DEFAULT_CA_FILE));
    }
    Ok(Command::Serve {
        options,
        port_file,
        ca_file,
        open,
    })
}

fn read<T: std::str::FromStr>(name: &str, text: &str, needed: &str) -> Result<T, String> {
    text.parse().map_err(|_| unsuitable(name, text, needed))
}

fn unsuitable(name: &str, text: &str, needed: &str) -> String {
    format!("{name}: {text:?} не подходит, нужно: {needed}")
}

fn help() -> String {
    let mut text = format!(
        "\
Небольшой сервер вместо LifePay: отвечает так, как обещает страница LifePay об
открытии смены. Ключ АПИ, касса и интернет не нужны.

Он принимает и все прочие документы: запросы POST по любому пути внутри
/cloud-print/ и /cloud-print-ffd1_2/. Проверяются apikey и login, а поля самого
документа лишь настолько, насколько они опубликованы. Остальное принимается как есть.

Запуск: lifepay-sandbox [КЛЮЧИ]

  --port N               слушать этот порт; 0: любой свободный; без ключа {DEFAULT_PORT}
  --listen АДРЕС         слушать этот IP-адрес; без ключа 127.0.0.1, то есть только
                         для этого компьютера; 0.0.0.0: все адреса компьютера
  --open                 открыть страницу песочницы в браузере
  --tls                  HTTPS с сертификатом, новым при каждом запуске
  --ca-file ФАЙЛ         с --tls: куда записать сертификат, которому должна доверять
                         касса; без ключа {DEFAULT_CA_FILE}
  --ca-dir ПАПКА         с --tls: хранить его там вместе с ключом ({DEFAULT_CA_FILE} и ca.key),
                         чтобы касса доверяла песочнице и после перезапуска
  --port-file ФАЙЛ       записать туда порт, когда запросы уже принимаются
  --slow СЕКУНДЫ         сколько отвечает медленный принтер; без ключа 60
  --retry-after СЕКУНДЫ  сколько просит подождать HTTP 429; без ключа 5
  --notify               уведомлять callback_url о каждом документе
  --strict               отклонять любой Content-Type, кроме application/json; иначе
                         это лишь замечание: страница LifePay его не называет
  --seed N               случайность ответов с probability и задержки с jitter при каждом
                         запуске одна и та же
  --scenario ФАЙЛ        начать с этих ответов, в JSON; как их записать, сказано
                         в tests/sandbox/README.ru.md
  --quiet                не печатать запросы
  --help, --version      напечатать эту справку, версию

Первая строка вывода всегда «listening on http://АДРЕС:ПОРТ», с --tls https://:
её читают программы.

По адресу http://АДРЕС:ПОРТ/ (с --tls тоже) открывается страница: на ней видно каждый
запрос, и на ней выбирается, что отвечать дальше. То же по HTTP описано в README.ru.md.
В Windows программу можно запустить двойным щелчком: страница откроется сама.

С --tls касса должна доверять файлу {DEFAULT_CA_FILE}; у библиотеки это поле ca_file.

Уведомление - это поле формы «data» с текстом JSON: uuid, ext_id, status,
callback_data. Этот вид песочница придумала сама, LifePay свой не опубликовал: не
полагайтесь на него.

Ответ можно выбрать логином или серийным номером. Любые другие значения приняты,
каким бы ни был apikey.
"
    );
    let mut field = "";
    for row in magic::rows() {
        if row.field != field {
            field = row.field;
            text += &format!("\n{field}\n");
        }
        text += &format!("  {:<16}{}\n", row.value, row.effect_ru);
    }
    text + "\nВ target_serial важны только нули и последние три цифры: 0404 то же, что 00000000000404.\n"
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
            "--port 0 --listen ::1 --slow 0.5 --retry-after 7 --notify --open --strict --quiet --port-file p --tls --ca-file c --ca-dir d --seed 9 --scenario s",
            "--port=0 --listen=::1 --slow=0.5 --retry-after=7 --notify --open --strict --quiet --port-file=p --tls --ca-file=c --ca-dir=d --seed=9 --scenario=s",
        ] {
            let Command::Serve {
                options,
                port_file,
                ca_file,
                open,
            } = parse_line(line).unwrap()
            else {
                panic!("{line}");
            };
            assert_eq!(options.port, 0);
            assert!(options.listen.is_ipv6());
            assert_eq!(options.slow, Duration::from_millis(500));
            assert_eq!(options.retry_after, 7);
            assert!(options.notify && open);
            assert!(!options.print && options.strict);
            assert_eq!(options.scenario, Some(PathBuf::from("s")));
            assert_eq!(options.ca_dir, Some(PathBuf::from("d")));
            assert_eq!(options.seed, Some(9));
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
            open,
        } = parse_line("").unwrap()
        else {
            panic!("no arguments");
        };
        assert_eq!(options.port, DEFAULT_PORT);
        assert!(options.listen.is_loopback());
        assert!(options.print);
        assert!(!options.notify && !options.strict && !open);
        assert_eq!(port_file, None);
        assert!(!options.tls);
        assert_eq!(ca_file, None);
    }

    #[test]
    fn tls_writes_ca_pem_by_default() {
        let Command::Serve { ca_file, .. } = parse_line("--tls").unwrap() else {
            panic!("--tls");
        };
        assert_eq!(ca_file, Some(PathBuf::from("ca.pem")));
    }

    #[test]
    fn a_kept_authority_is_written_to_its_folder_only() {
        let Command::Serve { ca_file, .. } = parse_line("--tls --ca-dir d").unwrap() else {
            panic!("--ca-dir");
        };
        assert_eq!(ca_file, None);
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
            ("--open=1", "=1"),
            ("--ca-file c", "--tls"),
            ("--ca-dir d", "--tls"),
            ("--seed -1", "--seed"),
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
            assert!(
                line.unwrap_or_default().ends_with(&row.effect_ru),
                "{row:?}"
            );
        }
    }
}
