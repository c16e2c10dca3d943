//! Runs a row: a server that fails, a call, the end of the fault, another call.

use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;

use super::came::Came;
use super::table::{Means, Place, Row, SENT};
use super::told::{CONNECT_LIMIT, WHOLE_LIMIT};
use crate::support::fault_server::{Fault, FaultServer, Speaks};
use crate::support::tls_server::{pem_file, Authority};
use crate::support::Call;

/// What the rows share: an authority, whom all trust.
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

    pub fn speaks(&self, means: Means) -> Speaks {
        match means {
            Means::Http => Speaks::Http,
            Means::Https | Means::BeforeTls => Speaks::Https(Arc::clone(&self.config)),
            Means::Proxy => Speaks::Proxy(Arc::clone(&self.config)),
        }
    }

    pub fn bring(&self, name: &str, answer: &str) {
        let half = self.names.join(format!("half-{name}"));
        std::fs::write(&half, answer).unwrap();
        std::fs::rename(half, self.names.join(format!("answer-{name}"))).unwrap();
    }

    pub fn run(&self, number: usize, row: Row, measure: bool) -> Came {
        let mut means = Means::Https;
        let mut waiting: Vec<TcpStream> = Vec::new();
        let name = Site::name(number);
        let server = match row.place.clone() {
            Place::Name(brings) => {
                self.bring(&name, brings[0]);
                let server = FaultServer::refusing(self.speaks(means));
                server.mend();
                server
            }
            Place::Refused(by) => {
                means = by;
                FaultServer::refusing(self.speaks(by))
            }
            Place::Full => {
                means = Means::Http;
                let (server, streams) = FaultServer::unaccepting(Speaks::Http);
                waiting = streams;
                server
            }
            Place::Strikes(by, hears, steps) => {
                means = by;
                let fault = Fault {
                    hears,
                    steps,
                    inside_tls: by == Means::Https,
                };
                FaultServer::start(self.speaks(by), fault)
            }
        };
        let address = server.address();
        let (url, proxy) = match (means, &row.place) {
            (_, Place::Name(_)) => (format!("https://{name}:{}", address.port()), None),
            (Means::Http, _) => (format!("http://{address}"), None),
            (Means::Https | Means::BeforeTls, _) => (format!("https://{address}"), None),
            (Means::Proxy, _) => (
                "https://127.0.0.1:1".to_owned(),
                Some(format!("http://{address}")),
            ),
        };
        let call = || {
            let call = Call::to(&url)
                .limits(CONNECT_LIMIT, WHOLE_LIMIT)
                .text(|c| &mut c.ca_file, &self.ca_file)
                // Mozilla's: the system's take a while to load.
                .with(|c| c.trust = 1);
            let call = match &proxy {
                Some(proxy) => call.text(|c| &mut c.proxy, proxy),
                None => call,
            };
            match row.phase {
                // More than the system takes at once.
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
                    self.bring(&name, then);
                });
            }
            call().send()
        });
        let memory = before.map(|before| before.grown());
        server.mend();
        if let Place::Name(_) = row.place {
            self.bring(&name, "127.0.0.1");
        }
        drop(waiting);
        let next = call().limits(10_000, 10_000).send();
        Came {
            row,
            answer,
            next,
            memory,
            written: server.written(),
        }
    }
}

/// The memory of this process, KiB.
pub struct Memory(u64);

impl Memory {
    /// The peak is measured from now on.
    pub fn reset() -> Memory {
        std::fs::write("/proc/self/clear_refs", "5").expect("Linux resets the peak");
        Memory(Memory::line("VmRSS:"))
    }

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
