//! The Python package of `bindings/python`: installed with pip, checked by mypy and vermin, tested by
//! pytest against the sandbox, and as a wheel that contains the library. Nothing is downloaded: a test
//! is skipped if Python lacks a module of `tests/python.txt` that it needs.
#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use lifepay_sandbox::{Options, Sandbox};
use serde_json::json;

use crate::support::server::{path_and_body, recorder, ACCEPTED};
use crate::support::{library, tools};

pub(crate) fn package() -> PathBuf {
    tools::root().join("bindings/python")
}

/// Returns a command for Python that finds the library only where the test sets it, and writes
/// nothing into the sources.
pub(crate) fn python(program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(tools::scratch("python"))
        .env_remove("LIFEPAY_LIBRARY")
        .env_remove("LIFEPAY_LOG")
        .env_remove("PYTHONPATH")
        // Cargo sets this, and the library would be found through it.
        .env_remove("LD_LIBRARY_PATH")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PIP_DISABLE_PIP_VERSION_CHECK", "1")
        // Offline: flit_core is installed. For pip, 0 in this variable means no isolation.
        .env("PIP_NO_INDEX", "1")
        .env("PIP_NO_BUILD_ISOLATION", "0");
    command
}

/// Makes an empty virtual environment, without pip. Returns its Python.
pub(crate) fn new_venv(name: &str) -> PathBuf {
    let folder = tools::scratch("python").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    let mut venv = python(Path::new("python3"));
    tools::run(venv.args(["-m", "venv", "--without-pip"]).arg(&folder));
    folder.join("bin/python")
}

/// Returns the Python of a virtual environment in which the package is installed, without the
/// library. It also finds the modules of this machine's Python.
pub(crate) fn installed() -> Option<&'static Path> {
    static INSTALLED: OnceLock<Option<PathBuf>> = OnceLock::new();
    let installed = INSTALLED.get_or_init(|| {
        // Checks all modules, so that every missing one is named.
        let found = ["venv", "pip", "flit_core"].map(tools::have_python_module);
        if found.contains(&false) {
            return None;
        }
        let python3 = new_venv("venv");
        let folders =
            "import sys; print(*[f for f in sys.path if f.endswith('-packages')], sep='\\n')";
        let others = printed(python(Path::new("python3")).args(["-c", folders]));
        let own = "import sysconfig; print(sysconfig.get_path('purelib'))";
        let own = PathBuf::from(printed(python(&python3).args(["-c", own])));
        std::fs::write(own.join("others.pth"), others).unwrap();
        let install = ["-m", "pip", "install", "--quiet", "--no-deps"];
        tools::run(python(&python3).args(install).arg(package()));
        Some(python3)
    });
    installed.as_deref()
}

/// The same, if Python also has the module that the test runs.
fn installed_with(module: &str) -> Option<&'static Path> {
    // Checks both, so that every missing one is named.
    let found = tools::have_python_module(module);
    installed().filter(|_| found)
}

#[test]
fn the_package_passes_its_tests() {
    let Some(python3) = installed_with("pytest") else {
        return;
    };
    let sandbox = Sandbox::start(Options::default()).unwrap();
    let output = tools::run(
        python(python3)
            .args(["-m", "pytest", "-p", "no:cacheprovider", "--rootdir"])
            .arg(package())
            .arg(package().join("tests"))
            .env("LIFEPAY_LIBRARY", library::path())
            .env("LIFEPAY_SANDBOX", sandbox.url()),
    );
    let output = String::from_utf8_lossy(&output.stdout);
    let last = output.lines().last().unwrap_or_default();
    assert!(last.contains(" passed"), "{output}");
    assert!(
        !tools::are_required() || !last.contains("skipped"),
        "{output}"
    );
    assert_every_field_arrived(&sandbox);
}

/// Checks the requests that `test_every_field_arrives` and its neighbours send.
fn assert_every_field_arrived(sandbox: &Sandbox) {
    let requests = sandbox.requests();
    let sent = |ext_id: &str| {
        let found = requests
            .iter()
            .find(|request| request.ext_id.as_deref() == Some(ext_id))
            .unwrap_or_else(|| panic!("{ext_id} has not arrived"));
        let mut json = found.json.clone().expect("JSON");
        // The library may send 0 or omit it.
        json["test"] = 0.into();
        json
    };
    let fields = json!({
        "test": 0,
        "apikey": "s3cr3t-apikey",
        "login": "79031234567",
        "cashier_name": "Иванова",
        "cashier_inn": "500100732259",
        "target_serial": "00106304012797",
        "ext_id": "python-every-field",
        "callback_url": "https://example.com/callback",
        "callback_data": {"till": 1, "название": "Касса"},
    });
    assert_eq!(sent("python-every-field"), fields);
    let mut fields = fields;
    fields["ext_id"] = "python-outbox-every-field".into();
    fields["login"] = "79161234567".into();
    fields["callback_data"] = json!([{"till": 1}]);
    assert_eq!(sent("python-outbox-every-field"), fields);
    assert_eq!(
        sent("python-callback-data")["callback_data"],
        json!("{\"till\": 1}")
    );
}

#[test]
fn the_types_hold() {
    let Some(python3) = installed_with("mypy") else {
        return;
    };
    // Checks the installed package, because its users see its types only with py.typed.
    let mypy = ["-m", "mypy", "--strict", "--cache-dir=/dev/null"];
    tools::run(python(python3).args(mypy).args(["-p", "lifepay"]));
    let mut command = python(python3);
    command.args(mypy).arg(package().join("build_wheel.py"));
    for folder in ["tests", "examples"] {
        for file in std::fs::read_dir(package().join(folder)).unwrap() {
            let file = file.unwrap().path();
            if file.extension().is_some_and(|extension| extension == "py") {
                command.arg(file);
            }
        }
    }
    tools::run(command.env("MYPYPATH", package().join("tests")));
}

#[test]
fn python_3_8_is_enough() {
    let Some(python3) = installed_with("vermin") else {
        return;
    };
    let mut vermin = python(python3);
    vermin.args(["-c", "import vermin; vermin.main()"]);
    vermin.args(["--no-tips", "--violations", "-t=3.8-"]);
    vermin.args(["--feature", "union-types"]);
    // Annotations are evaluated when a function is defined.
    vermin.args(["--eval-annotations", "--no-parse-comments"]);
    for path in ["lifepay", "examples", "tests", "build_wheel.py"] {
        vermin.arg(package().join(path));
    }
    tools::run(&mut vermin);
    // vermin does not see everything, so Python 3.8 itself is used too if it is installed.
    let python38 = Path::new("python3.8");
    let mut version = Command::new(python38);
    if version
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success())
    {
        let mut import = python(python38);
        tools::run(
            import
                .args(["-c", "import lifepay"])
                .env("PYTHONPATH", package()),
        );
    }
}

/// Returns the blocks of Python in a README.
fn blocks(readme: &str) -> Vec<String> {
    tools::blocks(readme, "python")
}

#[test]
fn the_readmes_programs_run() {
    let Some(python3) = installed() else {
        return;
    };
    let folder = tools::scratch("python/readme");
    let run = |program: &str| {
        let file = folder.join("till.py");
        std::fs::write(&file, program).unwrap();
        let _ = std::fs::remove_file(folder.join("shifts.db"));
        let mut command = python(python3);
        command.arg(&file).current_dir(&folder);
        command.env("LIFEPAY_LIBRARY", library::path());
        printed(command.env("PYTHONIOENCODING", "utf-8"))
    };
    let accepted = |sandbox: &Sandbox| format!("accepted: {}", sandbox.documents()[0].uuid);
    // The programs of the package's README send to LifePay, as a till does.
    let packages = std::fs::read_to_string(package().join("README.md")).unwrap();
    let blocks = blocks(&packages);
    let [smallest, z_report, outbox] = &blocks[..] else {
        panic!("{blocks:?}");
    };
    let to = |url: &str, program: &str| {
        let login = r#"login="79031234567""#;
        assert!(program.contains(login));
        program.replace(login, &format!("{login}, base_url={url:?}"))
    };
    let sandbox = Sandbox::start(Options::default()).unwrap();
    let output = run(&to(&sandbox.url(), smallest));
    assert_eq!(output, accepted(&sandbox));
    let sandbox = Sandbox::start(Options::default()).unwrap();
    let outbox = format!("import lifepay\n{}", to(&sandbox.url(), outbox));
    let output = run(&outbox);
    assert!(
        output.ends_with("00106304012797-2026-11-24-1 LP_OK"),
        "{output}"
    );
    let (server, requests) = recorder();
    let z_report = format!("import lifepay\n{}", to(&server.url(), z_report));
    let output = run(&z_report);
    assert!(ACCEPTED.contains(output.strip_prefix("accepted: ").expect("a uuid")));
    let request = requests.recv().unwrap();
    let body = r#"{"apikey":"your API key","login":"79031234567","cashier_name":"Иванова И. И."}"#;
    assert_eq!(
        path_and_body(&request),
        ("/cloud-print/create-z-report", body)
    );
}

#[test]
fn the_package_has_the_librarys_licence() {
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    let licence = read(&tools::root().join("LICENSE"));
    assert_eq!(read(&package().join("LICENSE")), licence);
}

pub(crate) fn printed(command: &mut Command) -> String {
    let output = tools::run(command);
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
