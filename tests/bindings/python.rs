//! The Python package of `bindings/python`: installed with pip, checked by mypy and vermin, tested
//! by pytest against the sandbox, and as a wheel that carries the library. Nothing is downloaded: a
//! test is skipped if Python lacks a module of `tests/python.txt` that it needs.
#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use lifepay_sandbox::{Options, Sandbox};
use serde_json::json;

use crate::support::server::{path_and_body, recorder, ACCEPTED};
use crate::support::{library, tools};

fn package() -> PathBuf {
    tools::root().join("bindings/python")
}

/// Python as a test runs it: the library comes from where the test says, and nothing is left behind
/// in the sources.
fn python(program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(tools::scratch("python"))
        .env_remove("LIFEPAY_LIBRARY")
        .env_remove("LIFEPAY_LOG")
        .env_remove("PYTHONPATH")
        // Cargo's: the library would be found by it.
        .env_remove("LD_LIBRARY_PATH")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PIP_DISABLE_PIP_VERSION_CHECK", "1")
        // Offline: flit_core is installed. For pip, 0 in this variable means no isolation.
        .env("PIP_NO_INDEX", "1")
        .env("PIP_NO_BUILD_ISOLATION", "0");
    command
}

/// A virtual environment with nothing in it, not even pip.
fn new_venv(name: &str) -> PathBuf {
    let folder = tools::scratch("python").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    let mut venv = python(Path::new("python3"));
    tools::run(venv.args(["-m", "venv", "--without-pip"]).arg(&folder));
    folder.join("bin/python")
}

/// Python of a virtual environment in which the package is installed, without the library. It also sees
/// the modules of this machine's Python.
fn installed() -> Option<&'static Path> {
    static INSTALLED: OnceLock<Option<PathBuf>> = OnceLock::new();
    let installed = INSTALLED.get_or_init(|| {
        // All are checked, so that every missing one is named.
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

/// The same if there is also a module that the test runs.
fn installed_with(module: &str) -> Option<&'static Path> {
    // Both are checked, so that every missing one is named.
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
    every_field_came(&sandbox);
}

/// What `test_every_field_arrives` and its neighbours have sent.
fn every_field_came(sandbox: &Sandbox) {
    let requests = sandbox.requests();
    let sent = |ext_id: &str| {
        let found = requests
            .iter()
            .find(|request| request.ext_id.as_deref() == Some(ext_id))
            .unwrap_or_else(|| panic!("{ext_id} has not come"));
        let mut json = found.json.clone().expect("JSON");
        // Whether 0 is sent is the library's affair.
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
    // The installed package: its users see its types only with py.typed.
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
    // vermin does not see everything; where there is the interpreter itself, it is asked, too.
    let python38 = Path::new("python3.8");
    let mut there = Command::new(python38);
    if there
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

/// The shared library without its debug information, which is as large as all else.
fn small_library() -> &'static Path {
    static SMALL: OnceLock<PathBuf> = OnceLock::new();
    SMALL.get_or_init(|| {
        let small = tools::scratch("python/library").join("liblifepay.so.0");
        std::fs::copy(library::path(), &small).unwrap();
        let mut strip = Command::new("strip");
        // Without binutils the wheels are large, and the same otherwise.
        let _ = strip.arg("--strip-debug").arg(&small).status();
        small
    })
}

fn build_wheel(python3: &Path, library: &Path, out: &str, platform: &str) -> Command {
    let mut command = python(python3);
    command
        .arg(package().join("build_wheel.py"))
        .arg("--library")
        .arg(library)
        .arg("--out")
        .arg(tools::scratch("python").join(out));
    if !platform.is_empty() {
        command.args(["--platform", platform]);
    }
    command
}

fn printed(command: &mut Command) -> String {
    let output = tools::run(command);
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_wheel_carries_the_library() {
    let Some(python3) = installed() else {
        return;
    };
    let wheel = PathBuf::from(printed(&mut build_wheel(
        python3,
        small_library(),
        "wheel",
        "",
    )));
    let name = wheel.file_name().unwrap().to_str().unwrap();
    let version = env!("CARGO_PKG_VERSION");
    assert!(
        name.starts_with(&format!("lifepay-{version}-py3-none-linux_")) && name.ends_with(".whl"),
        "{name}"
    );

    let fresh = new_venv("fresh");
    let mut pip = python(python3);
    pip.args(["-m", "pip", "--python"]).arg(&fresh);
    tools::run(pip.args(["install", "--quiet", "--no-deps"]).arg(&wheel));
    let sandbox = Sandbox::start(Options::default()).unwrap();
    let program = "
import sys, ctypes, lifepay
shift = lifepay.open_shift(apikey='s3cr3t', login='79031234567', base_url=sys.argv[1])
from lifepay import _library
print(shift.uuid, _library.library()._name.startswith(sys.prefix))";
    let output = printed(python(&fresh).args(["-c", program, &sandbox.url()]));
    assert_eq!(output, format!("{} True", sandbox.documents()[0].uuid));

    // pip does not compare them.
    let hashes = "
import base64, csv, hashlib, io, sys, zipfile
wheel = zipfile.ZipFile(sys.argv[1])
record = [name for name in wheel.namelist() if name.endswith('.dist-info/RECORD')][0]
rows = list(csv.reader(io.StringIO(wheel.read(record).decode())))
assert sorted(row[0] for row in rows) == sorted(wheel.namelist()), rows
for name, listed, size in rows:
    if name != record:
        content = wheel.read(name)
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip('=')
        assert (listed, int(size)) == ('sha256=' + digest, len(content)), name
print(len(rows))";
    let mut check = python(python3);
    let files = printed(check.args(["-c", hashes]).arg(&wheel));
    assert!(files.parse::<u32>().unwrap() > 15, "{files}");
}

#[test]
fn a_wheel_is_the_same_whenever_and_wherever_it_is_built() {
    let Some(python3) = installed() else {
        return;
    };
    let platform = format!("linux_{}", std::env::consts::ARCH);
    // Another name, and another time.
    let copy = tools::scratch("python/copy").join("lifepay-copy.so");
    std::fs::write(&copy, std::fs::read(small_library()).unwrap()).unwrap();
    let mut bytes = Vec::new();
    for (library, out, epoch) in [
        (small_library(), "once", None),
        (&copy, "twice", None),
        (small_library(), "dated", Some("1764000000")),
    ] {
        let mut command = build_wheel(python3, library, out, &platform);
        command.env_remove("SOURCE_DATE_EPOCH");
        if let Some(epoch) = epoch {
            command.env("SOURCE_DATE_EPOCH", epoch);
        }
        let wheel = PathBuf::from(printed(&mut command));
        assert!(wheel
            .to_str()
            .unwrap()
            .ends_with(&format!("-py3-none-{platform}.whl")));
        bytes.push(std::fs::read(wheel).unwrap());
    }
    assert!(bytes[0] == bytes[1]);
    assert!(bytes[0] != bytes[2]);
}

#[test]
fn a_wheel_of_another_platform_has_the_dll() {
    let Some(python3) = installed() else {
        return;
    };
    // As much of a DLL as says for which machine it is.
    let dll = |machine: u16| {
        let mut file = b"MZ".to_vec();
        file.resize(60, 0);
        file.extend(64u32.to_le_bytes());
        file.extend(b"PE\0\0");
        file.extend(machine.to_le_bytes());
        let path = tools::scratch("python/dll").join(format!("{machine}.dll"));
        std::fs::write(&path, file).unwrap();
        path
    };
    let list = "import sys, zipfile
wheel = zipfile.ZipFile(sys.argv[1])
print(wheel.read([name for name in wheel.namelist() if name.endswith('/WHEEL')][0]).decode())
print(*wheel.namelist(), sep='\\n')";
    for (machine, platform) in [(0x014c, "win32"), (0x8664, "win_amd64")] {
        let wheel = printed(&mut build_wheel(
            python3,
            &dll(machine),
            "windows",
            platform,
        ));
        let contents = printed(python(python3).args(["-c", list, &wheel]));
        for line in [
            "Root-Is-Purelib: false",
            &format!("Tag: py3-none-{platform}"),
            "lifepay/lifepay.dll",
            "lifepay/py.typed",
            "lifepay/__init__.py",
        ] {
            assert!(
                contents.lines().any(|found| found == line),
                "{line}: {contents}"
            );
        }
        assert_eq!(contents.matches("Tag:").count(), 1);
        assert!(!contents.contains("liblifepay.so"));
    }
    let none = tools::scratch("python").join("none.so");
    for (library, platform, said) in [
        (dll(0x8664), "win32", "is for win_amd64"),
        (dll(0x014c), "manylinux2014_x86_64", "is for win32"),
        (
            small_library().to_owned(),
            "win_amd64",
            "which is not what win_amd64 says",
        ),
        (
            package().join("pyproject.toml"),
            "win32",
            "is not a shared library",
        ),
        (none, "win32", "no such file"),
    ] {
        let output = build_wheel(python3, &library, "refused", platform)
            .output()
            .unwrap();
        assert!(!output.status.success());
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(errors.contains(said), "{errors}");
    }
}

/// A library, linked with one that calls itself a glibc with this version of a symbol.
fn library_for_glibc(version: &str, machine: &str) -> PathBuf {
    let folder = tools::scratch("python").join(format!("glibc-{version}{machine}"));
    std::fs::create_dir_all(&folder).unwrap();
    let versions = folder.join("versions");
    std::fs::write(
        &versions,
        format!("GLIBC_2.0 {{}}; GLIBC_{version} {{ f; }};"),
    )
    .unwrap();
    let compile = |source: &str, out: &str, more: &[&str]| {
        let file = folder.join(out).with_extension("c");
        std::fs::write(&file, source).unwrap();
        let out = folder.join(out);
        let mut gcc = Command::new("gcc");
        gcc.args([machine, "-shared", "-fPIC", "-nostdlib", "-o"]);
        tools::run(gcc.args([&out, &file]).args(more));
        out
    };
    let script = format!("-Wl,--version-script={}", versions.display());
    let libc = compile("void f(void) {}", "libc.so", &[&script]);
    let libc = libc.to_str().unwrap();
    compile("void f(void); void g(void) { f(); }", "till.so", &[libc])
}

#[test]
#[cfg(target_arch = "x86_64")]
fn a_wheel_is_refused_for_a_platform_whose_glibc_is_older_than_the_library_needs() {
    let Some(python3) = installed() else {
        return;
    };
    if !tools::have("gcc") {
        return;
    }
    for (flag, machine) in [("-m64", "x86_64"), ("-m32", "i686")] {
        for (needs, platform, refusal) in [
            ("2.17", "manylinux2014", None),
            (
                "2.18",
                "manylinux2014",
                Some("needs glibc 2.18, and manylinux2014"),
            ),
            ("2.2.5", "manylinux1", None),
            ("2.6", "manylinux1", Some("needs glibc 2.6")),
            ("2.34", "manylinux_2_34", None),
            ("2.34", "manylinux_2_28", Some("has 2.28")),
            ("2.34", "linux", None),
            ("2.17", "musllinux_1_2", Some("has none")),
        ] {
            let library = library_for_glibc(needs, flag);
            let platform = format!("{platform}_{machine}");
            let output = build_wheel(python3, &library, "glibc", &platform).output();
            let output = output.unwrap();
            let errors = String::from_utf8_lossy(&output.stderr);
            assert_eq!(
                output.status.success(),
                refusal.is_none(),
                "{platform}: {errors}"
            );
            assert!(errors.contains(refusal.unwrap_or_default()), "{errors}");
        }
    }
    let whole = std::fs::read(library_for_glibc("2.17", "-m64")).unwrap();
    let half = tools::scratch("python").join("half.so");
    std::fs::write(&half, &whole[..whole.len() / 2]).unwrap();
    let output = build_wheel(python3, &half, "glibc", "manylinux2014_x86_64").output();
    let errors = String::from_utf8(output.unwrap().stderr).unwrap();
    assert!(errors.contains("half.so is damaged"), "{errors}");
}

/// The blocks of Python in a README.
fn blocks(readme: &str) -> Vec<String> {
    let begun = readme.split("```python\n").skip(1);
    begun
        .map(|rest| rest.split_once("```").expect("its end").0.to_owned())
        .collect()
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
    let projects = std::fs::read_to_string(tools::root().join("README.md")).unwrap();
    let sandbox = Sandbox::start(Options::default()).unwrap();
    let program = blocks(&projects)[0].replace("http://127.0.0.1:8080", &sandbox.url());
    let output = run(&program);
    assert_eq!(output, accepted(&sandbox));

    // The package's own speak to LifePay, as a till does.
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
fn the_package_has_the_librarys_version_and_licence() {
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    let version = format!("__version__ = \"{}\"\n", env!("CARGO_PKG_VERSION"));
    assert!(read(&package().join("lifepay/_version.py")).ends_with(&version));
    let licence = read(&tools::root().join("LICENSE"));
    assert_eq!(read(&package().join("LICENSE")), licence);
}
