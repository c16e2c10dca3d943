//! How .NET programs find the library.

#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;

use crate::support::dotnet::{compile, runtimes};
use crate::support::{library, tools};

/// Prints which library is loaded, or why none is.
const PROGRAM: &str = r#"
    using System;
    using LifePay;
    static class Program
    {
        static void Main()
        {
            Console.OutputEncoding = new System.Text.UTF8Encoding(false);
            try { Console.WriteLine("loaded " + LifePayClient.LibraryPath); }
            catch (Exception e) { Console.WriteLine(e.GetType().Name + " " + e.Message); }
        }
    }"#;

fn source(name: &str, program: &str) -> std::path::PathBuf {
    let file = tools::scratch("dotnet").join(format!("{name}.cs"));
    fs::write(&file, program).unwrap();
    file
}

#[test]
fn the_library_is_found_where_packages_put_it() {
    let Some(program) = compile(&source("finds", PROGRAM), "finds") else {
        return;
    };
    let folder = program.parent().unwrap();
    let put = |place: &str, content: Option<&[u8]>| {
        let file = folder.join(place);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        match content {
            Some(content) => fs::write(&file, content).unwrap(),
            None => {
                fs::copy(library::path(), &file).unwrap();
            }
        }
        file
    };
    for runtime in runtimes() {
        let printed = |library: Option<&Path>| {
            let mut command = runtime.command(&program);
            // A folder other than the program's.
            command.current_dir("/");
            if let Some(library) = library {
                command.env("LIFEPAY_LIBRARY", library);
            }
            String::from_utf8(tools::run(&mut command).stdout).unwrap()
        };
        let not_found = printed(None);
        assert!(
            not_found.starts_with("DllNotFoundException "),
            "{not_found}"
        );
        for part in ["64-битная", "LIFEPAY_LIBRARY", "runtimes/linux-x64/native"] {
            assert!(not_found.contains(part), "{not_found}");
        }
        assert!(
            not_found.contains(&*folder.to_string_lossy()),
            "{not_found}"
        );

        let named = printed(Some(&library::path()));
        assert_eq!(named, format!("loaded {}\n", library::path().display()));
        let wrong = printed(Some(Path::new("/none.so")));
        assert!(wrong.contains("/none.so: нет такого файла"), "{wrong}");

        for place in [
            "liblifepay.so",
            "liblifepay.so.0",
            "x64/liblifepay.so.0",
            "runtimes/linux-x64/native/liblifepay.so",
        ] {
            let file = put(place, None);
            assert_eq!(printed(None), format!("loaded {}\n", file.display()));
            fs::remove_file(&file).unwrap();
        }
        // A library that does not load is skipped, and named in the error if there is no other.
        let damaged = put("x64/liblifepay.so.0", Some(b"\x7fELF"));
        let not_found = printed(None);
        assert!(
            not_found.contains(&*damaged.to_string_lossy()),
            "{not_found}"
        );
        assert!(not_found.contains("file too short"), "{not_found}");
        let good = put("liblifepay.so", None);
        assert_eq!(printed(None), format!("loaded {}\n", good.display()));
        // A library without lifepay's functions: another one, or one that is too old.
        fs::remove_file(&good).unwrap();
        let other = put("liblifepay.so.0", None);
        fs::remove_file(&damaged).unwrap();
        fs::remove_file(&other).unwrap();
        let other = printed(Some(Path::new("/lib/x86_64-linux-gnu/libm.so.6")));
        assert!(other.starts_with("EntryPointNotFoundException "), "{other}");
    }
}
