//! Runs a row: a server that fails, a call, the end of the fault, another call.

use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;

use super::expected::{CONNECT_LIMIT, WHOLE_LIMIT};
use super::observed::Observed;
use super::table::{Place, Row, Transport, SENT};
use crate::support::fault_server::{Fault, FaultServer, Speaks};
use crate::support::tls_server::{pem_file, Authority};
use crate::support::Call;

/// Shared by all rows: an authority that all calls trust, and the folder of the replaced lookup.
pub struct Site {
    ca_file: String,
    config: Arc<ServerConfig>,
    names: PathBuf,
}

impl Site {
    pub fn name(row: usize) -> String {
        format!("name{row}.example")
    }

    pub fn new(rows: usize, names: PathBuf) -> Site {
        let authority = Authority::new();
        let mut certified: Vec<String> = (0..rows).map(Site::name).collect();
        certified.push("127.0.0.1".to_owned());
        let certified: Vec<&str> = certified.iter().map(String::as_str).collect();
        Site {
            ca_file: pem_file("faults", authority.pem()),
            config: authority.issue(&certified).config(rustls::ALL_VERSIONS),
            names,
        }
    }

    pub fn speaks(&self, transport: Transport) -> Speaks {
        match transport {
            Transport::Http => Speaks::Http,
            Transport::Https | Transport::BeforeTls => Speaks::Https(Arc::clone(&self.config)),
            Transport::Proxy => Speaks::Proxy(Arc::clone(&self.config)),
        }
    }

    /// Sets the answer of lookups of `name` from now on.
    pub fn set_answer(&self, name: &str, answer: &str) {
        let partial = self.names.join(format!("half-{name}"));
        std::fs::write(&partial, answer).unwrap();
        std::fs::rename(partial, self.names.join(format!("answer-{name}"))).unwrap();
    }

    pub fn run(&self, number: usize, row: Row, measure: bool) -> Observed {
        let mut transport = Transport::Https;
        let mut waiting: Vec<TcpStream> = Vec::new();
        let name = Site::name(number);
        let server = match row.place.clone() {
            Place::Name(answers) => {
                self.set_answer(&name, answers[0]);
                let server = FaultServer::refusing(self.speaks(transport));
                server.recover();
                server
            }
            Place::Refused(via) => {
                transport = via;
                FaultServer::refusing(self.speaks(via))
            }
            Place::Full => {
                transport = Transport::Http;
                let (server, streams) = FaultServer::unaccepting(Speaks::Http);
                waiting = streams;
                server
            }
            Place::Connected(via, hears, steps) => {
                transport = via;
                let fault = Fault {
                    hears,
                    steps,
                    inside_tls: via == Transport::Https,
                };
                FaultServer::start(self.speaks(via), fault)
            }
        };
        let address = server.address();
        let (url, proxy) = match (transport, &row.place) {
            (_, Place::Name(_)) => (format!("https://{name}:{}", address.port()), None),
            (Transport::Http, _) => (format!("http://{address}"), None),
            (Transport::Https | Transport::BeforeTls, _) => (format!("https://{address}"), None),
            (Transport::Proxy, _) => (
                "https://127.0.0.1:1".to_owned(),
                Some(format!("http://{address}")),
            ),
        };
        let call = || {
            let call = Call::to(&url)
                .limits(CONNECT_LIMIT, WHOLE_LIMIT)
                .text(|c| &mut c.ca_file, &self.ca_file)
                // Mozilla's roots: the system's are slow to load.
                .with(|c| c.trust = 1);
            let call = match &proxy {
                Some(proxy) => call.text(|c| &mut c.proxy, proxy),
                None => call,
            };
            match row.phase {
                // More than the system's buffers hold.
                "send" => call.text(|c| &mut c.callback_data, &"x".repeat(SENT)),
                _ => call,
            }
        };
        let later = match row.place {
            Place::Name([_, then]) => Some(*then),
            _ => None,
        };
        let before = measure.then(Memory::reset);
        let answer = std::thread::scope(|scope| {
            if let Some(then) = later {
                scope.spawn(|| {
                    std::thread::sleep(Duration::from_secs(1));
                    self.set_answer(&name, then);
                });
            }
            call().send()
        });
        let memory = before.map(|before| before.grown());
        server.recover();
        if let Place::Name(_) = row.place {
            self.set_answer(&name, "127.0.0.1");
        }
        drop(waiting);
        let next = call().limits(10_000, 10_000).send();
        Observed {
            row,
            answer,
            next,
            memory,
            written: server.written(),
        }
    }
}

/// The memory of this process at the beginning of a measurement, in KiB.
pub struct Memory(u64);

impl Memory {
    /// Resets the system's record of the peak, and begins a measurement.
    pub fn reset() -> Memory {
        std::fs::write("/proc/self/clear_refs", "5").expect("Linux resets the peak");
        Memory(Memory::line("VmRSS:"))
    }

    /// Returns by how much the peak exceeds the memory at the beginning.
    pub fn grown(&self) -> u64 {
        Memory::line("VmHWM:").saturating_sub(self.0)
    }

    pub fn line(name: &str) -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_whitespace().next());
        number.and_then(|kib| kib.parse().ok()).expect("KiB")
    }
}
