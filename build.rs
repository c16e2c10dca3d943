//! What the linker must know about the shared library.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        // Programs look for the version of the interface, not for the file they were linked with.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,liblifepay.so.0");
        // Once used, the library stays mapped: dlclose must not pull it from under its threads.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
