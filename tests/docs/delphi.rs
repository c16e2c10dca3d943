//! The programs in the README of the unit for Delphi and Free Pascal compile and do what they say.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lifepay_sandbox::{Options, Sandbox};

use crate::support::pascal::{compile, fresh, test_program};
use crate::support::tools;

/// The address to which the samples send.
const SANDBOX: &str = "http://127.0.0.1:8080";

fn samples() -> Vec<String> {
    let readme = tools::root().join("bindings/delphi/README.md");
    tools::blocks(&fs::read_to_string(readme).expect("a README"), "pascal")
}

fn is_whole(sample: &str) -> bool {
    sample.starts_with("program ") || sample.starts_with("unit ")
}

/// Returns the sample that begins with this text.
fn sample(beginning: &str) -> String {
    let found = samples()
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
    // Cargo sets LD_LIBRARY_PATH, where the program would find the library of another test.
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
    let source = fresh("readme-smallest-source").join("Till.dpr");
    let program = sample("program Till;");
    assert!(program.contains(SANDBOX));
    fs::write(&source, program.replace(SANDBOX, &sandbox.url())).unwrap();
    let program = compile(&source, "readme-smallest", "delphi", &[]);
    let output = printed(&program, &[]);
    assert_eq!(
        output,
        format!("Запрос принят: {}\n", sandbox.documents()[0].uuid)
    );
}

/// Compiles the form's unit into a program that presses its button.
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
    let program = form("readme-form", "79031234567", &sandbox.url());
    let accepted = "LifePay принял запрос. Оформлен ли документ, покажет касса или \
                    личный кабинет LifePay.\nready\n";
    assert_eq!(printed(&program, &[]), accepted);
    assert_eq!(sandbox.documents().len(), 1);
    let request = sandbox.requests()[0].json.clone().expect("JSON");
    assert_eq!(request["cashier_name"], "Иванова И. И.");
    assert!(program.with_file_name("shifts.db").is_file());

    let refused = form("readme-form-refused", "70000006080", &sandbox.url());
    let output = printed(&refused, &[]);
    assert!(output.contains("фискализация запрещена"), "{output}");

    // If the file cannot be used, the form says so and disables its button.
    let file = program.with_file_name("shifts.db");
    fs::write(
        &file,
        "not an outbox, but a text that is long enough".repeat(20),
    )
    .unwrap();
    let output = printed(&program, &[]);
    assert!(output.contains("файл"), "{output}");
    assert!(!output.contains("ready"), "{output}");
}

/// Compiles the samples that are not whole programs, as procedures of one program. Its arguments
/// are the sandbox's URL, a login, the number of the sample to run and a serial number.
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
    let (_, parts): (Vec<_>, Vec<_>) = samples().into_iter().partition(|s| is_whole(s));
    assert!(parts.len() >= 8, "{parts:?}");
    let program = fragments("readme-fragments", &parts);
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
    let output = run(without, &url, "79031234567");
    assert_eq!(output, format!("logged: UUID {uuid}\n"));
    let output = run(with_exceptions, &url, "70000000400");
    assert!(output.starts_with("shown: Ошибка данных."), "{output}");
    assert!(
        output.contains("logged: target_serial: Принтер не найден"),
        "{output}"
    );
    assert!(
        output.contains("logged: LP_DATA_ERROR fragment"),
        "{output}"
    );
    assert!(!output.contains("мог дойти"), "{output}");
    let lost = "00000000000504";
    let output = run_with(with_exceptions, &other.url(), "79031234567", lost);
    assert!(output.contains("shown: Запрос мог дойти"), "{output}");
    let output = run(without, &url, "70000006010");
    assert!(output.starts_with("shown: Не удалось найти"), "{output}");

    assert_eq!(run("Shift.ExtId := '';", &url, "79031234567"), "");
    let documents = sandbox.documents();
    let last = documents.last().expect("a document");
    assert_eq!(last.path, "/cloud-print/create-z-report");

    assert_eq!(run("if not LifePayTryLoad", &url, ""), "");
    fs::remove_file(program.with_file_name("liblifepay.so.0")).unwrap();
    let output = run("if not LifePayTryLoad", &url, "");
    assert!(output.contains("liblifepay.so.0 не найдена"), "{output}");
    let output = run(with_exceptions, &url, "79031234567");
    assert!(output.starts_with("shown: Библиотека"), "{output}");
}
