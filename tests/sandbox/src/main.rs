//! The sandbox as a program.

mod browser;
mod window;

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use lifepay_sandbox::args::{self, Command};
use lifepay_sandbox::{Options, Sandbox};

/// How long the end waits for whatever reads the output.
const FLUSH_LIMIT: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let is_own_window = window::is_own();
    let ended = run(is_own_window);
    if is_own_window && !matches!(ended, Ended::Stopped) {
        window::keep();
    }
    match ended {
        Ended::Stopped | Ended::Printed => ExitCode::SUCCESS,
        Ended::Failed => ExitCode::FAILURE,
        Ended::BadArguments => ExitCode::from(2),
    }
}

enum Ended {
    /// A signal stopped the program after it had served.
    Stopped,
    /// A text was printed, such as the help.
    Printed,
    Failed,
    /// The arguments are wrong.
    BadArguments,
}

fn run(is_own_window: bool) -> Ended {
    let arguments = std::env::args_os().skip(1).map(OsString::into_string);
    let arguments = arguments
        .collect::<Result<Vec<_>, _>>()
        .map_err(|argument| format!("в аргументе {argument:?} не Юникод; запишите его иначе"));
    let served = match arguments.and_then(args::parse) {
        Ok(Command::Serve {
            options,
            port_file,
            ca_file,
            open,
        }) => serve(
            options,
            port_file.as_deref(),
            ca_file.as_deref(),
            open,
            is_own_window,
        ),
        Ok(Command::Print(text)) => {
            say(&text);
            return Ended::Printed;
        }
        Err(error) => {
            eprintln!("lifepay-sandbox: {error}");
            return Ended::BadArguments;
        }
    };
    match served {
        Ok(()) => Ended::Stopped,
        Err(error) => {
            eprintln!("lifepay-sandbox: {error}");
            Ended::Failed
        }
    }
}

fn serve(
    options: Options,
    port_file: Option<&Path>,
    ca_file: Option<&Path>,
    open: bool,
    is_own_window: bool,
) -> io::Result<()> {
    let kept = options.ca_dir.as_ref().map(|folder| folder.join("ca.pem"));
    let print = options.print;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        // Before the first line is printed, so that a signal right after it ends the program
        // cleanly.
        let stopped = stop_signal()?;
        let sandbox = Sandbox::start_announced(options, |listening| {
            if let (Some(path), Some(pem)) = (ca_file, &listening.ca_pem) {
                write(path, pem)?;
            }
            say(&format!("listening on {}\n", listening.url));
            if print {
                for url in &listening.other_urls {
                    say(&format!("from other machines {url}\n"));
                }
                say(&format!("page {}\n", listening.page_url()));
                if let Some(path) = ca_file.or(kept.as_deref()) {
                    say(&format!("trust {}\n", path.display()));
                }
            }
            let port = format!("{}\n", listening.address.port());
            port_file.map_or(Ok(()), |path| write(path, &port))
        })?;
        if is_own_window {
            say("Чтобы остановить песочницу, закройте это окно.\n");
        }
        if open || is_own_window {
            browser::open(sandbox.page_url(), |url| {
                say(&format!(
                    "браузер не открылся; откройте страницу сами: {url}\n"
                ));
            });
        }
        stopped.await;
        io::Result::Ok(())
    })?;
    // A till may end, and stop the sandbox, as soon as it has its answer.
    lifepay_sandbox::flush(FLUSH_LIMIT);
    Ok(())
}

/// Writes a file atomically: a program that waits for it never sees an incomplete one.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}", std::process::id()));
    fs::write(&temporary, text)
        .and_then(|()| fs::rename(&temporary, path))
        .map_err(|error| {
            let text = format!("не удалось записать {}: {error}", path.display());
            io::Error::new(error.kind(), text)
        })
}

#[cfg(unix)]
fn stop_signal() -> io::Result<impl std::future::Future<Output = ()>> {
    use tokio::signal::unix::{signal, SignalKind};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn stop_signal() -> io::Result<impl std::future::Future<Output = ()>> {
    Ok(async {
        // If no handler can be installed, Ctrl-C still ends the program.
        let _ = tokio::signal::ctrl_c().await;
    })
}

/// Prints to stdout. Errors are ignored: the program continues even if nothing reads its output.
fn say(text: &str) {
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes());
    let _ = stdout.flush();
}
