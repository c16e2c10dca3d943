//! The wheels of the Python package.

#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use lifepay_sandbox::{Options, Sandbox};

use super::python::{installed, new_venv, package, printed, python};
use crate::support::{library, tools};

/// Returns the shared library without its debug information, which is as large as everything else.
fn small_library() -> &'static Path {
    static SMALL: OnceLock<PathBuf> = OnceLock::new();
    SMALL.get_or_init(|| {
        let small = tools::scratch("python/library").join("liblifepay.so.0");
        std::fs::copy(library::path(), &small).unwrap();
        let mut strip = Command::new("strip");
        // Without binutils the wheels are only larger.
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

    // pip does not check the hashes.
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
    // The same library with another name, and another time.
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
    // The beginning of a DLL, which names its machine.
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
    for (library, platform, message) in [
        (dll(0x8664), "win32", "is for win_amd64"),
        (dll(0x014c), "manylinux2014_x86_64", "is for win32"),
        (small_library().to_owned(), "win_amd64", "not for win_amd64"),
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
        assert!(errors.contains(message), "{errors}");
    }
}

/// The library is used as the program here, because only a file's processor is checked.
/// packaging/tests/python.rs installs the real program.
#[test]
fn the_sandboxes_wheel_is_the_same_whenever_it_is_built_and_its_platform_is_checked() {
    let Some(python3) = installed() else {
        return;
    };
    let build = |out: &str, platform: &str, epoch: &str| {
        let mut command = python(python3);
        command.arg(package().join("build_sandbox_wheel.py"));
        command.arg("--program").arg(small_library());
        let out = tools::scratch("python").join(out);
        command.arg("--out").arg(out).args(["--platform", platform]);
        command.env("SOURCE_DATE_EPOCH", epoch);
        command
    };
    let platform = format!("linux_{}", std::env::consts::ARCH);
    let bytes = [
        ("sandbox-1", "0"),
        ("sandbox-2", "0"),
        ("sandbox-3", "1764000000"),
    ];
    let bytes = bytes.map(|(out, epoch)| {
        let wheel = printed(&mut build(out, &platform, epoch));
        let name = format!(
            "lifepay_sandbox-{}-py3-none-{platform}.whl",
            env!("CARGO_PKG_VERSION")
        );
        assert!(wheel.ends_with(&name), "{wheel}");
        std::fs::read(wheel).unwrap()
    });
    assert!(bytes[0] == bytes[1]);
    assert!(bytes[0] != bytes[2]);
    let output = build("refused", "win_amd64", "0").output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("not for win_amd64"), "{errors}");
}

/// Makes a library that needs this version of a symbol of glibc. It is linked with a fake glibc.
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
