//! Sets the linker options of the shared library.

use std::env;
use std::path::PathBuf;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    match env::var("CARGO_CFG_TARGET_OS").as_deref() {
        Ok("linux") => {
            // Programs look for the library by its interface version, not by its file name.
            println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,liblifepay.so.0");
            // Once loaded, the library stays mapped: dlclose must not unmap it under its threads.
            println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
        }
        Ok("windows") if env::var("CARGO_CFG_TARGET_ENV").as_deref() == Ok("gnu") => {
            let resource = version_resource();
            println!("cargo:rustc-cdylib-link-arg={}", resource.display());
        }
        _ => {}
    }
}

/// Compiles the name, version and description that Windows Explorer shows. Returns the object file.
fn version_resource() -> PathBuf {
    const SOURCE: &str = "packaging/windows/lifepay.rc";
    println!("cargo:rerun-if-changed={SOURCE}");
    let variable = |name: &str| env::var(name).expect("cargo sets it");
    let tool = match variable("CARGO_CFG_TARGET_ARCH").as_str() {
        "x86" => "i686-w64-mingw32-windres",
        _ => "x86_64-w64-mingw32-windres",
    };
    let object = PathBuf::from(variable("OUT_DIR")).join("version.o");
    let mut command = Command::new(tool);
    command.args(["--codepage=65001", SOURCE]).arg(&object);
    for part in ["MAJOR", "MINOR", "PATCH"] {
        let number = variable(&format!("CARGO_PKG_VERSION_{part}"));
        command.arg(format!("-D{part}={number}"));
    }
    let status = command.status();
    assert!(
        matches!(status, Ok(status) if status.success()),
        "{tool} is needed for {SOURCE}: {status:?}"
    );
    object
}
