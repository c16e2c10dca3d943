//! The 1C component in the host of the crate addin1c-test, which was written independently of this
//! library: both must agree on the Native API.
//!
//! Run it with `cargo test -p lifepay-addin1c`; it needs a C++ compiler.

mod language;
#[allow(dead_code)]
#[path = "../../support/server.rs"]
mod server;

use std::path::Path;
use std::time::Duration;

use addin1c_test::{name, str1c, TestAddinLib, Variant};
use language::{Program, Value};
use lifepay_sandbox::{Options, Sandbox};
use server::{path_and_body, recorder, respond, Server};

/// Loads the shared library, which cargo has put beside this test.
fn component() -> TestAddinLib {
    let test = std::env::current_exe().expect("a test has a path");
    let (prefix, suffix) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let library = test.with_file_name(format!("{prefix}lifepay{suffix}"));
    TestAddinLib::new(&library).expect("the host loads the component")
}

fn sandbox() -> Sandbox {
    Sandbox::start(Options::default()).expect("the sandbox starts")
}

fn text(text: &str) -> Variant {
    Variant::new_str(&text.encode_utf16().collect::<Vec<u16>>())
}

fn string_of(variant: &Variant) -> String {
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
        assert_eq!(string_of(&uuid).len(), 36);
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
    assert!(string_of(&parameters[0]).contains("apikey"));
    let faults = till.get_property(name!("ОшибкиПолей")).unwrap();
    assert!(string_of(&faults).contains("\"field\":\"apikey\""));
}

#[test]
fn misuse_is_reported() {
    let component = component();
    assert!(component.new_addin("LifePay2").is_err());
    let till = component.new_addin("LifePay").expect("an object");
    assert!(till.get_property(name!("НетТакого")).is_err());
    assert!(till
        .set_property(name!("Логин"), &Variant::new_i32(5))
        .is_err());
    let description = till.get_property(name!("ОписаниеОшибки")).unwrap();
    assert!(string_of(&description).contains("ожидается строка"));
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
    assert!(string_of(&list).contains("\"ext_id\":\"смена-1\""));
    assert_eq!(sandbox.requests().len(), 1);
    // The object is destroyed with the outbox open.
}

fn read(file: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::read_to_string(root.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Returns the samples of 1C's language in a file.
fn samples(file: &str) -> Vec<String> {
    let text = read(file);
    let starts = text.split("```bsl\n").skip(1);
    let samples = starts.map(|sample| sample.split("```").next().unwrap_or_default());
    samples.map(str::to_owned).collect()
}

/// The component's reference.
const REFERENCE: &str = "bindings/onec/README.md";

#[test]
fn the_z_report_of_the_reference_closes_a_shift() {
    let component = component();
    let samples = samples(REFERENCE);
    let z_report = samples
        .iter()
        .find(|sample| sample.contains("create-z-report"));
    let message_of = |url: String| -> String {
        let mut program = Program::new(&component);
        program.is_installed = true;
        program.settings = vec![
            ("КлючАПИ", "key".into()),
            ("Логин", "79031234567".into()),
            ("ВнешнийИдентификатор", "смена-1".into()),
            ("БазовыйАдрес", url),
        ];
        program.run("Касса = Новый(\"AddIn.LifePay.LifePay\");");
        program.run(z_report.expect("a sample"));
        assert_eq!(program.messages.len(), 1, "{:?}", program.messages);
        program.messages.remove(0)
    };
    let (server, received) = recorder();
    let uuid = "dabe3833-43ff-5e5c-a45e-9cff664503fd";
    let message = message_of(server.url());
    assert_eq!(message, format!("Запрос принят: {uuid}"));
    let body = r#"{"apikey":"key","login":"79031234567"}"#;
    let path = "/cloud-print/create-z-report";
    assert_eq!(path_and_body(&received.recv().unwrap()), (path, body));
    // The other branch: it is unknown whether LifePay has the request.
    let portal = Server::always(respond("200 OK", "<html>"));
    let message = message_of(portal.url());
    assert!(message.contains("личном кабинете"), "{message}");
}

#[test]
fn the_smallest_program_of_the_reference_opens_a_shift() {
    let text = samples(REFERENCE).remove(0);
    let (sandbox, component) = (sandbox(), component());
    let text = text.replace("http://127.0.0.1:8080", &sandbox.url());
    let message_of = |text: &str| -> String {
        let mut program = Program::new(&component);
        let path = Value::Text("liblifepay.so".into());
        program.variables.insert("ПутьКБиблиотеке".into(), path);
        program.is_installed = true;
        // For samples that do not set it.
        program.settings = vec![("БазовыйАдрес", sandbox.url())];
        program.run(text);
        assert_eq!(program.messages.len(), 1, "{:?}", program.messages);
        program.messages.remove(0)
    };
    let accepted = message_of(&text);
    let uuid = &sandbox.documents()[0].uuid;
    assert!(accepted.ends_with(&format!(": {uuid}")), "{accepted}");
    // The other branch.
    let refused = message_of(&text.replace("79031234567", "70000006080"));
    assert!(refused.contains("фискализация запрещена"), "{refused}");
}

#[test]
fn the_samples_of_the_reference_do_what_they_say() {
    let (sandbox, component) = (sandbox(), component());
    let samples = samples(REFERENCE);
    let sample = |beginning: &str| -> &str {
        let found = samples.iter().find(|sample| sample.starts_with(beginning));
        found.unwrap_or_else(|| panic!("no sample begins with {beginning}"))
    };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("addin1c-samples");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    // Starts a program with the component from a template and a till's settings.
    let start = |login: &str, sandbox: &Sandbox| -> Program {
        let mut program = Program::new(&component);
        program.settings = vec![
            ("КлючАПИ", "key".into()),
            ("Логин", login.into()),
            ("БазовыйАдрес", sandbox.url()),
        ];
        program.documents = folder.clone();
        program.run(sample("Макет = "));
        program
    };

    let errors = sample("Если Не Касса.ОткрытьСмену()");
    let mut program = start("70000006010", &sandbox);
    program.run(errors);
    assert_eq!(program.messages.len(), 1, "{:?}", program.messages);
    assert!(program.logged[0].starts_with("LP_CREDENTIALS_UNKNOWN "));

    // A new connection: on a kept one, a request whose answer is lost is retried at once.
    let other = self::sandbox();
    let mut program = start("79031234567", &other);
    program.run("Касса.СерийныйНомер = \"00000000000504\";");
    program.run(errors);
    assert!(
        program.messages[1].contains("мог дойти"),
        "{:?}",
        program.messages
    );
    // A retry with the same identifier makes no second document.
    program.run(sample(
        "Касса.ВнешнийИдентификатор = Касса.ИдентификаторЗапроса;",
    ));
    program.run(errors);
    assert_eq!(program.messages.len(), 2, "{:?}", program.messages);
    assert_eq!(other.requests().len(), 2);
    assert_eq!(other.documents().len(), 1);

    let mut program = start("79031234567", &sandbox);
    program.run(sample("&НаКлиенте"));
    program.call("ОткрытьСмену");
    // Pressing the button again before the outcome makes no new request.
    program.call("ОткрытьСмену");
    assert!(program.messages.is_empty(), "{:?}", program.messages);
    for _ in 0..1000 {
        let Some(procedure) = program.idle_handler.clone() else {
            break;
        };
        std::thread::sleep(Duration::from_millis(20));
        program.call(&procedure);
    }
    assert!(
        program.messages[0].starts_with("LifePay принял"),
        "{:?}",
        program.messages
    );
    assert_eq!(sandbox.documents().len(), 1);
    assert!(folder.join("lifepay-shifts.db").is_file());
    program.call("ПриЗакрытии");

    let mut program = start("79031234567", &sandbox);
    let file = folder.join("server.db").display().to_string();
    program
        .variables
        .insert("ФайлОчереди".into(), Value::Text(file));
    program.run(sample("Если Касса.ОткрытьОчередь(ФайлОчереди)"));
    assert_eq!(program.variables["Состояние"], Value::Number(0.0));
    assert_eq!(sandbox.documents().len(), 2);
    program.run(sample("Касса.Путь = "));
    program.run("Состояние = Касса.СостояниеВОчереди(\"order-4711\", 60000);");
    assert_eq!(program.variables["Состояние"], Value::Number(0.0));
    assert_eq!(sandbox.documents()[2].path, "/cloud-print/create-receipt");

    program.run(sample("Касса.ПовторятьВТечениеМс"));
    let log = folder.join("lifepay.log").display().to_string();
    let logs = sample("Касса.ЖурналВФайл").replace("C:\\Till\\lifepay.log", &log);
    program.run(&logs);
    program.run("Касса.ОткрытьСмену();");
    assert!(std::fs::read_to_string(log).unwrap().contains("LP_OK"));
    program.run("Касса.ЖурналВФайл(\"\");");
}
