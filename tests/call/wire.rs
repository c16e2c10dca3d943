//! The bytes of a request on the wire.

use std::io::Write;
use std::net::TcpStream;
use std::sync::mpsc::channel;
use std::sync::Mutex;

use crate::support::server::{recorder, ACCEPTED};
use crate::support::{library, read_request, respond, Call, Server};

fn body(request: &str) -> &str {
    request.split_once("\r\n\r\n").expect("a head").1
}

#[test]
fn the_smallest_request_byte_for_byte() {
    let (server, requests) = recorder();
    let answer = Call::to(&server.url()).ext_id("1").send();
    assert_eq!(answer.code, 0, "{answer:?}");
    let body = r#"{"apikey":"s3cr3t-apikey","login":"79031234567","ext_id":"1"}"#;
    let head = format!(
        "POST /cloud-print/create-session HTTP/1.1\r\n\
         host: {}\r\n\
         content-type: application/json\r\n\
         accept: application/json\r\n\
         content-length: {}\r\n\
         user-agent: lifepay/{}\r\n\r\n",
        server.address(),
        body.len(),
        env!("CARGO_PKG_VERSION"),
    );
    // The order of the header fields does not matter; their values do.
    let sorted = |request: &str| {
        let head = request.split_once("\r\n\r\n").unwrap().0.to_owned();
        let (first, fields) = head.split_once("\r\n").unwrap();
        let mut fields: Vec<&str> = fields.lines().collect();
        fields.sort_unstable();
        format!("{first}\n{}", fields.join("\n"))
    };
    let request = requests.recv().unwrap();
    assert_eq!(sorted(&request), sorted(&head));
    assert_eq!(self::body(&request), body);
}

#[test]
fn every_field_of_the_page_is_sent_as_it_was_given() {
    let (server, requests) = recorder();
    let answer = Call::to(&server.url())
        .text(|c| &mut c.apikey, "ключ/1")
        .text(|c| &mut c.cashier_name, "Иванова \"Аня\"\t№1")
        .text(|c| &mut c.cashier_inn, "500100732259")
        .target_serial("00106304012797")
        .ext_id("заказ-1")
        .text(|c| &mut c.callback_url, "https://shop.example/hook?a=1&b=2")
        .text(|c| &mut c.callback_data, "касса \\ 1")
        .with(|c| c.test = 1)
        .send();
    assert_eq!(answer.code, 0, "{answer:?}");
    assert_eq!(
        body(&requests.recv().unwrap()),
        concat!(
            r#"{"apikey":"ключ/1","login":"79031234567","test":1,"#,
            r#""cashier_name":"Иванова \"Аня\"\t№1","cashier_inn":"500100732259","#,
            r#""target_serial":"00106304012797","ext_id":"заказ-1","#,
            r#""callback_url":"https://shop.example/hook?a=1&b=2","callback_data":"касса \\ 1"}"#,
        )
    );
}

#[test]
fn callback_data_json_is_sent_unchanged() {
    let (server, requests) = recorder();
    for json in [r#"{ "b":1.50,"a" : [1.8e308, "ё"] }"#, "[1,\n 2]"] {
        let answer = Call::to(&server.url())
            .ext_id("1")
            .text(|c| &mut c.callback_data_json, json)
            .send();
        assert_eq!(answer.code, 0, "{answer:?}");
        let request = requests.recv().unwrap();
        let end = format!(r#""ext_id":"1","callback_data":{json}}}"#);
        assert!(body(&request).ends_with(&end), "{request}");
    }
}

#[test]
fn an_empty_string_means_not_given() {
    let (server, requests) = recorder();
    Call::to(&server.url())
        .ext_id("1")
        .text(|c| &mut c.cashier_name, "")
        .text(|c| &mut c.callback_data, "")
        .text(|c| &mut c.callback_data_json, "")
        .text(|c| &mut c.ca_file, "")
        .send();
    let request = requests.recv().unwrap();
    assert_eq!(
        body(&request),
        r#"{"apikey":"s3cr3t-apikey","login":"79031234567","ext_id":"1"}"#
    );
}

#[test]
fn without_an_ext_id_one_is_made_sent_and_returned() {
    let (server, requests) = recorder();
    let generated: Vec<String> = (0..2)
        .map(|_| {
            let ext_id = Call::to(&server.url()).send().ext_id.expect("an ext_id");
            let request = requests.recv().unwrap();
            assert!(
                body(&request).contains(&format!(r#""ext_id":"{ext_id}""#)),
                "{request}"
            );
            ext_id
        })
        .collect();
    assert_eq!(generated[0].len(), 36);
    assert_ne!(generated[0], generated[1]);
}

#[test]
fn a_repeat_within_a_call_is_byte_identical() {
    let (sender, requests) = channel();
    let sender = Mutex::new(sender);
    let server = Server::start(move |mut stream: TcpStream, _| {
        let mut left = 3;
        while let Some(request) = read_request(&mut stream) {
            let _ = sender.lock().unwrap().send(request);
            left -= 1;
            let answer = match left {
                0 => respond("200 OK", ACCEPTED),
                _ => respond("503 Service Unavailable", ""),
            };
            let _ = stream.write_all(&answer);
        }
    });
    let answer = Call::to(&server.url()).repeat(10_000, &[100]).send();
    assert_eq!((answer.code, answer.attempts), (0, 3), "{answer:?}");
    let first = requests.recv().unwrap();
    assert_eq!(first, requests.recv().unwrap());
    assert_eq!(first, requests.recv().unwrap());
}

#[test]
fn a_path_in_the_base_url_precedes_the_request_path() {
    let (server, requests) = recorder();
    Call::to(&format!("{}/prefix/", server.url())).send();
    let request = requests.recv().unwrap();
    assert!(request.starts_with("POST /prefix/cloud-print/create-session HTTP/1.1\r\n"));
}

#[test]
fn invalid_arguments_are_reported_together_and_nothing_is_sent() {
    let (server, _requests) = recorder();
    let answer = Call::to(&server.url())
        .text(|c| &mut c.apikey, "")
        .login("")
        .ext_id(&"ж".repeat(51))
        .text(|c| &mut c.callback_url, &"ж".repeat(256))
        .text(|c| &mut c.callback_data, "a")
        .text(|c| &mut c.callback_data_json, "{}")
        .text(|c| &mut c.ca_file, "/nowhere/ca.pem")
        .with(|c| {
            c.test = 2;
            c.trust = -1;
            c.retry_delay_count = 1;
        })
        .send();
    assert_eq!(answer.code, lifepay::ffi::LP_ERR_ARGUMENT);
    assert_eq!(answer.outcome, 1);
    assert_eq!(answer.ext_id, None);
    let mut fields = answer.fields();
    fields.sort_unstable();
    assert_eq!(
        fields,
        [
            "apikey",
            "ca_file",
            "callback_data_json",
            "callback_url",
            "ext_id",
            "login",
            "retry_delays_ms",
            "test",
            "trust"
        ]
    );
    for (field, message) in &answer.errors {
        assert!(
            answer.message.contains(field.as_str()) && answer.message.contains(message.as_str())
        );
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn limits_count_characters() {
    let (server, requests) = recorder();
    let answer = Call::to(&server.url())
        .ext_id(&"ж".repeat(50))
        .text(|c| &mut c.callback_url, &"ж".repeat(255))
        .send();
    assert_eq!(answer.code, 0, "{answer:?}");
    requests.recv().unwrap();
}

#[test]
fn plain_http_to_another_machine_is_refused() {
    let answer = Call::to("http://192.0.2.1:80").send();
    assert_eq!(answer.code, lifepay::ffi::LP_ERR_ARGUMENT);
    assert_eq!(answer.fields(), ["base_url"]);
}

#[test]
fn an_ext_id_made_beforehand_is_used() {
    let (server, requests) = recorder();
    let mut buffer = [0; 37];
    // SAFETY: the buffer has the size that is passed.
    let code = unsafe { (library().ext_id_new)(buffer.as_mut_ptr(), 37) };
    assert_eq!(code, 0);
    let bytes: Vec<u8> = buffer[..36].iter().map(|byte| *byte as u8).collect();
    let ext_id = String::from_utf8(bytes).unwrap();
    assert_eq!(
        Call::to(&server.url()).ext_id(&ext_id).send().ext_id,
        Some(ext_id.clone())
    );
    assert!(requests.recv().unwrap().contains(&ext_id));
}
