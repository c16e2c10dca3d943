//! The 1C component in the host of the crate addin1c-test, whose authors know nothing of this
//! library: what both take the Native API to be must be the same.
//!
//! Run it with `cargo test -p lifepay-addin1c`; it needs a C++ compiler.

use std::path::Path;

use addin1c_test::{name, str1c, TestAddinLib, Variant};
use lifepay_sandbox::{Options, Sandbox};

/// The shared library, which cargo has put beside this test.
fn component() -> TestAddinLib {
    let test = std::env::current_exe().expect("a test has a path");
    let (prefix, suffix) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let library = test.with_file_name(format!("{prefix}lifepay{suffix}"));
    TestAddinLib::new(&library).expect("the host is content with the component")
}

fn sandbox() -> Sandbox {
    Sandbox::start(Options::default()).expect("the sandbox starts")
}

fn text(text: &str) -> Variant {
    Variant::new_str(&text.encode_utf16().collect::<Vec<u16>>())
}

fn shown(variant: &Variant) -> String {
    String::from_utf16(variant.get_str().expect("a text")).expect("UTF-16")
}

#[test]
fn a_shift_is_opened_by_names_of_either_language() {
    let (sandbox, component) = (sandbox(), component());
    let till = component.new_addin("LifePay").expect("an object");
    till.set_property(name!("КлючАПИ"), &text("key")).unwrap();
    till.set_property(name!("LOGIN"), &text("79031234567"))
        .unwrap();
    till.set_property(name!("кассир"), &text("Иванова Ёлка"))
        .unwrap();
    till.set_property(name!("БазовыйАдрес"), &text(&sandbox.url()))
        .unwrap();
    till.set_property(name!("ТаймаутМс"), &Variant::new_f64(20000.0))
        .unwrap();
    for method in [&name!("ОткрытьСмену")[..], &name!("openshift")[..]] {
        let accepted = till.call_as_func(method, &mut []).unwrap();
        assert_eq!(accepted.get_bool(), Some(true));
        let uuid = till.get_property(name!("UUID")).unwrap();
        assert_eq!(shown(&uuid).len(), 36);
        let code = till.get_property(name!("КодОшибки")).unwrap();
        assert_eq!(code.get_i32(), Some(0));
    }
    let requests = sandbox.requests();
    assert_eq!(requests.len(), 2);
    let json = requests[0].json.clone().expect("JSON");
    assert_eq!(json["cashier_name"], "Иванова Ёлка");
    assert_eq!(json["login"], "79031234567");
}

#[test]
fn the_last_error_is_put_into_the_hosts_variable() {
    let component = component();
    let till = component.new_addin("LifePay").expect("an object");
    let accepted = till.call_as_func(name!("OpenShift"), &mut []).unwrap();
    assert_eq!(accepted.get_bool(), Some(false));
    let mut parameters = [text("что было в переменной")];
    let code = till
        .call_as_func(name!("ПолучитьОшибку"), &mut parameters)
        .unwrap();
    assert_eq!(code.get_i32(), Some(-2));
    assert!(shown(&parameters[0]).contains("apikey"));
    let faults = till.get_property(name!("ОшибкиПолей")).unwrap();
    assert!(shown(&faults).contains("\"field\":\"apikey\""));
}

#[test]
fn what_a_program_gets_wrong_is_told() {
    let component = component();
    assert!(component.new_addin("LifePay2").is_err());
    let till = component.new_addin("LifePay").expect("an object");
    assert!(till.get_property(name!("НетТакого")).is_err());
    assert!(till
        .set_property(name!("Логин"), &Variant::new_i32(5))
        .is_err());
    let told = till.get_property(name!("ОписаниеОшибки")).unwrap();
    assert!(shown(&told).contains("ожидается строка"));
    assert!(till.set_property(name!("КодОшибки"), &text("1")).is_err());
    assert!(till.get_property(name!("КлючАПИ")).is_err());
    assert!(till
        .call_as_func(name!("ТекстКода"), &mut [Variant::new_bool(true)])
        .is_err());
}

#[test]
fn a_request_in_the_outbox_gets_its_answer() {
    let (sandbox, component) = (sandbox(), component());
    let till = component.new_addin("LifePay").expect("an object");
    till.set_property(name!("ApiKey"), &text("key")).unwrap();
    till.set_property(name!("Login"), &text("79031234567"))
        .unwrap();
    till.set_property(name!("BaseURL"), &text(&sandbox.url()))
        .unwrap();
    till.set_property(name!("ExtId"), &text("смена-1")).unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("addin1c");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("смены.db");
    let call = |method: &[u16], parameter: Variant| {
        till.call_as_func(method, &mut [parameter])
            .unwrap()
            .get_bool()
    };
    assert_eq!(
        call(name!("ОткрытьОчередь"), text(file.to_str().unwrap())),
        Some(true)
    );
    let submitted = till
        .call_as_func(name!("ПоставитьВОчередь"), &mut [])
        .unwrap();
    assert_eq!(submitted.get_bool(), Some(true));
    let mut parameters = [Variant::new_str(str1c!("смена-1")), Variant::new_i32(20000)];
    let code = till
        .call_as_func(name!("СостояниеВОчереди"), &mut parameters)
        .unwrap();
    assert_eq!(code.get_i32(), Some(0));
    let list = till.call_as_func(name!("ОчередьJSON"), &mut []).unwrap();
    assert!(shown(&list).contains("\"ext_id\":\"смена-1\""));
    assert_eq!(sandbox.requests().len(), 1);
    // The object is destroyed with the outbox open.
}

/// A name for the host, which wants a NUL at its end.
fn member(name: &str) -> Vec<u16> {
    name.encode_utf16().chain([0]).collect()
}

/// Runs a program in 1C's language that is as simple as the documentation's smallest ones: what it
/// says with Сообщить. It sends to `base_url` unless it sets its own.
fn run(program: &str, base_url: &str) -> Vec<String> {
    let component = component();
    let till = component.new_addin("LifePay").expect("an object");
    let set = |name: &str, value: &str| till.set_property(&member(name), &text(value)).unwrap();
    set("БазовыйАдрес", base_url);
    let evaluate = |part: &str| match part.strip_prefix("Касса.") {
        Some(name) => shown(&till.get_property(&member(name)).unwrap()),
        None => part.trim_matches('"').to_owned(),
    };
    let mut said = Vec::new();
    // Whether the branch that is open is taken.
    let mut branch = None;
    for line in program.lines() {
        let line = line.split(" // ").next().unwrap_or_default().trim();
        if let Some(condition) = line.strip_prefix("Если Касса.") {
            let method = condition.strip_suffix("() Тогда").expect("a call");
            let answer = till.call_as_func(&member(method), &mut []).unwrap();
            branch = Some(answer.get_bool().expect("Булево"));
        } else if line == "Иначе" {
            branch = branch.map(|taken| !taken);
        } else if line == "КонецЕсли;" {
            branch = None;
        } else if branch == Some(false) {
            // Passed over.
        } else if let Some(message) = line.strip_prefix("Сообщить(") {
            let message = message.strip_suffix(");").expect("an end");
            said.push(message.split(" + ").map(evaluate).collect());
        } else if let Some(assignment) = line.strip_prefix("Касса.") {
            let assignment = assignment.strip_suffix(';').expect("an end");
            let (name, value) = assignment.split_once(" = ").expect("a value");
            set(name, &evaluate(value));
        } else {
            let begins = line.starts_with("ПодключитьВнешнююКомпоненту(")
                || line == "Касса = Новый(\"AddIn.LifePay.LifePay\");";
            assert!(begins, "{line}");
        }
    }
    said
}

#[test]
fn the_smallest_programs_of_the_documentation_open_a_shift() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let read = |file: &str| std::fs::read_to_string(root.join(file)).expect("a text");
    let first = |file: &str| -> String {
        let text = read(file);
        let (_, program) = text.split_once("```bsl\n").expect("a program");
        program.split_once("```").expect("its end").0.to_owned()
    };
    let for_programmers = read("bindings/onec/README.md");
    let lines = for_programmers.lines();
    let indented: Vec<&str> = lines
        .skip_while(|line| !line.starts_with("    "))
        .take_while(|line| line.starts_with("    "))
        .collect();
    let programs = [
        first("README.md"),
        first("README.ru.md"),
        indented.join("\n"),
    ];
    for program in programs {
        let sandbox = sandbox();
        let program = program.replace("http://127.0.0.1:8080", &sandbox.url());
        let said = run(&program, &sandbox.url());
        let uuid = &sandbox.documents()[0].uuid;
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].ends_with(&format!(": {uuid}")), "{said:?}");
        // The other branch.
        let refused = program.replace("79031234567", "70000006080");
        let said = run(&refused, &sandbox.url());
        assert!(said[0].contains("фискализация запрещена"), "{said:?}");
    }
}
