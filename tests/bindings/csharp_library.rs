//! How .NET programs find the library.

#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;

use crate::support::dotnet::{compile, runtimes};
use crate::support::{library, tools};

/// Prints what is loaded, or why nothing is.
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
        let told = |library: Option<&Path>| {
            let mut command = runtime.command(&program);
            // Not the folder of the program.
            command.current_dir("/");
            if let Some(library) = library {
                command.env("LIFEPAY_LIBRARY", library);
            }
            String::from_utf8(tools::run(&mut command).stdout).unwrap()
        };
        let nothing = told(None);
        assert!(nothing.starts_with("DllNotFoundException "), "{nothing}");
        for said in ["64-битная", "LIFEPAY_LIBRARY", "runtimes/linux-x64/native"] {
            assert!(nothing.contains(said), "{nothing}");
        }
        assert!(nothing.contains(&*folder.to_string_lossy()), "{nothing}");

        let named = told(Some(&library::path()));
        assert_eq!(named, format!("loaded {}\n", library::path().display()));
        let wrong = told(Some(Path::new("/none.so")));
        assert!(wrong.contains("/none.so: нет такого файла"), "{wrong}");

        let mut put_there = vec![];
        for place in [
            "liblifepay.so",
            "liblifepay.so.0",
            "x64/liblifepay.so.0",
            "runtimes/linux-x64/native/liblifepay.so",
        ] {
            let file = put(place, None);
            assert_eq!(told(None), format!("loaded {}\n", file.display()));
            fs::remove_file(&file).unwrap();
            put_there.push(file);
        }
        // A library that does not load is passed over, and named if there is no other.
        let damaged = put("x64/liblifepay.so.0", Some(b"\x7fELF"));
        let nothing = told(None);
        assert!(nothing.contains(&*damaged.to_string_lossy()), "{nothing}");
        assert!(nothing.contains("file too short"), "{nothing}");
        let good = put("liblifepay.so", None);
        assert_eq!(told(None), format!("loaded {}\n", good.display()));
        // Another library, or one that is too old.
        fs::remove_file(&good).unwrap();
        let other = put("liblifepay.so.0", None);
        fs::remove_file(&damaged).unwrap();
        fs::remove_file(&other).unwrap();
        let other = told(Some(Path::new("/lib/x86_64-linux-gnu/libm.so.6")));
        assert!(other.starts_with("EntryPointNotFoundException "), "{other}");
    }
}
