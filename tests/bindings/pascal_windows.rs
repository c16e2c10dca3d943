//! `LifePay.pas` on Windows: compiled for 32 and 64 bit by Free Pascal, and checked for Delphi.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::pascal::{
    compiler, compiler_alone, cross_compilers, example, fresh, unit_code, unit_file, CONVERSIONS,
    MODES, STRICT, STRICTEST,
};
use crate::support::tools;

const TARGETS: [&str; 2] = ["win32", "win64"];
const LINKING: [&str; 2] = ["-dLIFEPAY_STATIC", "-uLIFEPAY_STATIC"];
const EXAMPLES: [&str; 3] = ["OpenShift", "CloseShift", "OutboxTill"];

fn assert_is_program(out: &Path, name: &str) {
    let program = fs::read(out.join(format!("{name}.exe"))).unwrap();
    assert!(program.starts_with(b"MZ"));
}

#[test]
fn unit_and_examples_compile_for_windows() {
    let Some(cross) = cross_compilers() else {
        return;
    };
    for target in TARGETS {
        let command = cross.join(format!("fpc-{target}"));
        for mode in MODES {
            for linking in LINKING {
                let out = fresh(&format!("{target}-{mode}"));
                let mut strictest = compiler(&command, mode, &out);
                strictest.args(STRICTEST).arg(linking).arg(unit_file());
                tools::run(&mut strictest);
                for name in EXAMPLES {
                    let mut strict = compiler(&command, mode, &out);
                    strict.args(STRICT).args(CONVERSIONS).arg(linking);
                    tools::run(strict.arg(example(name)));
                    assert_is_program(&out, name);
                }
            }
        }
    }
}

/// Copies a source file so that it treats Free Pascal as Delphi.
fn as_for_delphi(file: &Path, folder: &Path) -> PathBuf {
    let text = fs::read_to_string(file).unwrap();
    let text = text.replace("DEF FPC}", "DEF NOT_DELPHI}");
    // Only Delphi 7 has these warnings.
    let lines = text.lines().filter(|line| !line.contains("{$WARN UNSAFE_"));
    let copy = folder.join(file.file_name().unwrap());
    fs::write(&copy, lines.collect::<Vec<_>>().join("\n")).unwrap();
    copy
}

/// Free Pascal compiles the code that is for Delphi only, in the mode that resembles Delphi 7 and
/// in the one that resembles Delphi 2009.
#[test]
fn code_that_only_delphi_compiles_compiles_too() {
    let Some(cross) = cross_compilers() else {
        return;
    };
    for target in TARGETS {
        let command = cross.join(format!("fpc-{target}"));
        for (mode, version) in [("delphi", 15), ("delphiunicode", 20)] {
            for linking in LINKING {
                let out = fresh(&format!("{target}-{mode}-{version}"));
                let files = EXAMPLES.map(example);
                for file in [unit_file()].iter().chain(&files) {
                    let mut strict = compiler_alone(&command, mode, &out);
                    strict
                        .args(STRICT)
                        .args(CONVERSIONS)
                        .arg(linking)
                        .args(["-Sm", &format!("-dCompilerVersion:={version}")]);
                    tools::run(strict.arg(as_for_delphi(file, &out)));
                }
                for name in EXAMPLES {
                    assert_is_program(&out, name);
                }
            }
        }
    }
}

#[test]
fn the_unit_is_one_that_delphi_7_reads() {
    let unit = fs::read(unit_file()).unwrap();
    // Delphi 7 reads the file as CP1251, newer versions as UTF-8.
    assert!(unit.is_ascii());
    let code = format!(" {} ", unit_code().to_lowercase());
    // Syntax and types that Delphi 7 lacks.
    let newer = [
        " strict private",
        " strict protected",
        " helper for ",
        " generic ",
        " specialize ",
        "tarray<",
        "tlist<",
        " reference to ",
        "; inline",
        " nativeint",
        " uint64",
        " qword",
        " operator ",
        " record private",
        " sealed",
        " for var ",
        " begin var ",
        "exit(",
        "+=",
    ];
    for word in newer {
        let word_found = code.contains(word);
        assert!(!word_found, "{word}");
    }
    let loops = code.split(" for ").skip(1);
    for text in loops {
        let head = text.split(" do ").next().unwrap();
        assert!(head.contains(":="), "for {head}");
    }
}
