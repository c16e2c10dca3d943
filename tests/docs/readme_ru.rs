//! The Russian documentation says what is so, and its programs in Pascal compile and run. Those in
//! 1C's language are read by tests/bindings/onec.rs and run by tests/addin1c.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lifepay_sandbox::{Options, Sandbox};

use crate::support::pascal::{compile, fresh, test_program};
use crate::support::{library, tools};

/// Where the samples send to.
const SANDBOX: &str = "http://127.0.0.1:8080";

fn read(file: &str) -> String {
    fs::read_to_string(tools::root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn readme() -> String {
    read("README.ru.md")
}

/// The samples in Pascal.
fn samples(text: &str) -> Vec<String> {
    tools::blocks(text, "pascal")
}

fn is_whole(sample: &str) -> bool {
    sample.starts_with("program ") || sample.starts_with("unit ")
}

/// The sample that begins with this.
fn sample(beginning: &str) -> String {
    let found = samples(&readme())
        .into_iter()
        .find(|sample| sample.starts_with(beginning));
    found.unwrap_or_else(|| panic!("no sample begins with {beginning}"))
}

fn sandbox() -> Sandbox {
    Sandbox::start(Options::default()).expect("the sandbox starts")
}

fn printed(program: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    command.args(arguments).env("LC_ALL", "C.UTF-8");
    // cargo's: a library of another test would be found there.
    command
        .env_remove("LIFEPAY_LOG")
        .env_remove("LD_LIBRARY_PATH");
    command.current_dir(program.parent().expect("a folder"));
    String::from_utf8(tools::run(&mut command).stdout).expect("UTF-8")
}

#[test]
fn the_smallest_pascal_program_opens_a_shift() {
    if !tools::have("fpc") {
        return;
    }
    let sandbox = sandbox();
    let source = fresh("readme-ru-source").join("Till.dpr");
    let program = sample("program Till;");
    assert!(program.contains(SANDBOX));
    fs::write(&source, program.replace(SANDBOX, &sandbox.url())).unwrap();
    let program = compile(&source, "readme-ru", "delphi", &[]);
    let told = printed(&program, &[]);
    assert_eq!(
        told,
        format!("Запрос принят: {}\n", sandbox.documents()[0].uuid)
    );
}

/// The form's unit, as a program that presses its button.
fn form(name: &str, login: &str, base_url: &str) -> PathBuf {
    let unit = sample("unit TillForm;");
    for part in ["{$R *.dfm}", SANDBOX, "79031234567"] {
        assert!(unit.contains(part), "{part}");
    }
    let unit = unit
        .replace("{$R *.dfm}", "")
        .replace(SANDBOX, base_url)
        .replace("79031234567", login);
    let folder = fresh(&format!("{name}-source"));
    fs::write(folder.join("TillForm.pas"), unit).unwrap();
    let own = format!("-Fu{}", folder.display());
    let vcl = tools::root().join("tests/pascal/vcl");
    let vcl = format!("-Fu{}", vcl.display());
    compile(
        &test_program("PressButton"),
        name,
        "delphi",
        &[&own, &vcl, "-gl"],
    )
}

#[test]
fn the_pascal_form_opens_a_shift_from_its_timer() {
    if !tools::have("fpc") {
        return;
    }
    let sandbox = sandbox();
    let program = form("readme-ru-form", "79031234567", &sandbox.url());
    let accepted = "LifePay принял запрос. Оформлен ли документ, покажет касса или \
                    личный кабинет LifePay.\nready\n";
    assert_eq!(printed(&program, &[]), accepted);
    assert_eq!(sandbox.documents().len(), 1);
    let request = sandbox.requests()[0].json.clone().expect("JSON");
    assert_eq!(request["cashier_name"], "Иванова И. И.");
    assert!(program.with_file_name("shifts.db").is_file());

    let refused = form("readme-ru-refused", "70000006080", &sandbox.url());
    let told = printed(&refused, &[]);
    assert!(told.contains("фискализация запрещена"), "{told}");

    // The file cannot be used: the form says so, and its button is off.
    let file = program.with_file_name("shifts.db");
    fs::write(
        &file,
        "not an outbox, but a text that is long enough".repeat(20),
    )
    .unwrap();
    let told = printed(&program, &[]);
    assert!(told.contains("файл"), "{told}");
    assert!(!told.contains("ready"), "{told}");
}

/// The samples that are no programs, as procedures of one program; its arguments are the
/// sandbox's URL, a login, the number of the one that is run and a serial number.
fn fragments(name: &str, samples: &[String]) -> PathBuf {
    let mut text = String::from(
        "program Fragments;
uses cthreads, cwstring, SysUtils, LifePay;
var
  Shift, Settings: TLifePay;
  Outbox: TLifePayOutbox;
  Answer: TLifePayResult;
  Uuid, Error: string;
  I: Integer;

procedure ShowMessage(const Text: string);
begin
  WriteLn('shown: ', Text);
end;

procedure Log(const Text: string);
begin
  WriteLn('logged: ', Text);
end;

",
    );
    for (number, sample) in samples.iter().enumerate() {
        text += &format!("procedure Fragment{number};\nbegin\n{sample}end;\n\n");
    }
    text += "begin
  Shift := TLifePay.Create('key', ParamStr(2));
  Shift.BaseUrl := ParamStr(1);
  Shift.ExtId := 'fragment';
  Shift.TargetSerial := ParamStr(4);
  Settings := Shift;
  Outbox := nil;
  I := 0;
  case StrToInt(ParamStr(3)) of
";
    for number in 0..samples.len() {
        text += &format!("    {number}: Fragment{number};\n");
    }
    text += "  end;\n  Outbox.Free;\n  Shift.Free;\nend.\n";
    let source = fresh(&format!("{name}-source")).join("Fragments.pas");
    fs::write(&source, text).unwrap();
    compile(&source, name, "delphi", &["-gl"])
}

#[test]
fn the_pascal_samples_compile_and_do_what_they_say() {
    if !tools::have("fpc") {
        return;
    }
    let (_, parts): (Vec<_>, Vec<_>) = samples(&readme()).into_iter().partition(|s| is_whole(s));
    assert!(parts.len() >= 6, "{parts:?}");
    let program = fragments("readme-ru-fragments", &parts);
    let run_with = |beginning: &str, url: &str, login: &str, serial: &str| {
        let number = parts
            .iter()
            .position(|part| part.starts_with(beginning))
            .unwrap_or_else(|| panic!("no sample begins with {beginning}"));
        printed(&program, &[url, login, &number.to_string(), serial])
    };
    let run = |beginning: &str, url: &str, login: &str| run_with(beginning, url, login, "");
    let (sandbox, other) = (sandbox(), sandbox());
    let url = sandbox.url();
    let with_exceptions = "try\n  Uuid := Shift.OpenShift;";
    let without = "if Shift.TryOpenShift(Answer)";

    assert_eq!(run(with_exceptions, &url, "79031234567"), "");
    let uuid = sandbox.documents()[0].uuid.clone();
    let told = run(without, &url, "79031234567");
    assert_eq!(told, format!("logged: UUID {uuid}\n"));
    let told = run(with_exceptions, &url, "70000000400");
    assert!(told.starts_with("shown: Ошибка данных."), "{told}");
    assert!(
        told.contains("logged: target_serial: Принтер не найден"),
        "{told}"
    );
    assert!(told.contains("logged: LP_DATA_ERROR fragment"), "{told}");
    assert!(!told.contains("мог дойти"), "{told}");
    let lost = "00000000000504";
    let told = run_with(with_exceptions, &other.url(), "79031234567", lost);
    assert!(told.contains("shown: Запрос мог дойти"), "{told}");
    let told = run(without, &url, "70000006010");
    assert!(told.starts_with("shown: Не удалось найти"), "{told}");

    assert_eq!(run("if not LifePayTryLoad", &url, ""), "");
    fs::remove_file(program.with_file_name("liblifepay.so.0")).unwrap();
    let told = run("if not LifePayTryLoad", &url, "");
    assert!(told.contains("liblifepay.so.0 не найдена"), "{told}");
    let told = run(with_exceptions, &url, "79031234567");
    assert!(told.starts_with("shown: Библиотека"), "{told}");
}

#[test]
fn the_samples_of_the_units_own_readme_compile() {
    if !tools::have("fpc") {
        return;
    }
    let text = read("bindings/delphi/README.md");
    let (whole, parts): (Vec<_>, Vec<_>) = samples(&text).into_iter().partition(|s| is_whole(s));
    assert!(!whole.is_empty() && parts.len() >= 2, "{parts:?}");
    fragments("unit-readme-fragments", &parts);
    for (number, program) in whole.iter().enumerate() {
        let name = format!("unit-readme-{number}");
        let source = fresh(&format!("{name}-source")).join("Till.dpr");
        fs::write(&source, program).unwrap();
        compile(&source, &name, "delphi", &[]);
    }
}

#[test]
fn the_table_of_settings_has_every_property_of_the_unit() {
    let (readme, unit) = (readme(), read("bindings/delphi/LifePay.pas"));
    let (_, settings) = readme.split_once("## Настройки").expect("a table");
    let (_, class) = unit.split_once("TLifePay = class").expect("the class");
    let (class, _) = class.split_once("  end;").expect("its end");
    let names = class
        .lines()
        .filter_map(|line| line.trim().strip_prefix("property ")?.split(':').next());
    // No settings, and told elsewhere.
    let names: Vec<_> = names
        .filter(|name| !["Last", "OnProgress"].contains(name))
        .collect();
    assert!(names.len() >= 20, "{names:?}");
    for name in names {
        assert!(settings.contains(&format!("`{name}`")), "missing: {name}");
    }
}

#[test]
fn the_table_of_codes_has_every_code_by_its_name() {
    let readme = readme();
    let codes = tools::constants().into_iter().filter_map(|(name, value)| {
        let value = i32::try_from(value).ok()?;
        // The name that the library gives the number is the constant's for codes only.
        // SAFETY: a static string.
        let known = unsafe { std::ffi::CStr::from_ptr((library().code_name)(value)) };
        let is_outcome = name.starts_with("LP_OUTCOME_");
        (is_outcome || known.to_str() == Ok(&name[..])).then_some((name, value))
    });
    let codes: Vec<_> = codes.collect();
    assert!(codes.len() >= 24, "{codes:?}");
    for (name, value) in codes {
        let row = format!("| {value} | `{name}` |");
        assert!(readme.contains(&row), "missing: {row}");
    }
}
