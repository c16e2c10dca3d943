//! The connections that are kept for later calls, by the settings that they share.
//!
//! ureq's agents have a pool of their own, but one that looks at its connections under its lock, with a
//! system call: calls on many threads would wait for each other. Here an agent serves one call at a
//! time, and keeps one connection.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{mem, ptr};

use ureq::{Agent, Proxy};

use super::base_url::BaseUrl;
use super::dial::Dial;
use super::resolve::Names;
use super::roots::{CaFile, Looked, Roots};
use super::{base_url, tcp};
use crate::failure::Failure;
use crate::process::lock::lock;
use crate::recent::Recent;
use crate::state;

/// For how many sets of connection settings connections are kept.
const MOST_SETTINGS: usize = 8;
/// How many idle connections are kept for each of them.
const MOST_IDLE: usize = 32;
/// How long an idle connection is kept.
const LONGEST_IDLE: Duration = Duration::from_secs(15);
/// How many `ca_file`s are kept in memory.
const MOST_CA_FILES: usize = 8;

/// The settings that must be equal for connections to be shared.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PoolKey {
    pub roots: Roots,
    pub ca_file: Option<CaFile>,
    pub proxy: Option<Proxy>,
}

/// The data that a process keeps between exchanges.
#[derive(Default)]
pub struct Pool {
    kept: Mutex<Recent<Arc<Kept>, MOST_SETTINGS>>,
    /// Shared by all agents.
    names: Names,
    pub base_urls: base_url::Known,
    pub ca_files: Mutex<Recent<Looked, MOST_CA_FILES>>,
}

/// The connections that are kept with the same settings.
struct Kept {
    key: PoolKey,
    dial: Dial,
    /// The most recently used is last.
    idle: Mutex<Vec<Idle>>,
}

/// An agent that no call uses, with the connection that its last call has left.
struct Idle {
    server: Arc<BaseUrl>,
    since: Instant,
    agent: Agent,
}

/// Runs `exchange` with an agent for this server and these settings. If it succeeds, the connection is
/// kept.
pub fn with_agent<T>(
    server: &Arc<BaseUrl>,
    key: &PoolKey,
    exchange: impl FnOnce(&Agent) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let pool = &state::current().transport;
    let kept = pool.kept(key);
    let agent = kept
        .take(server)
        .unwrap_or_else(|| new_agent(&kept, pool.names.clone()));
    let done = exchange(&agent);
    if !ptr::eq(pool, &state::current().transport) {
        // A callback has forked, and this is the child: the connection is the parent's.
        mem::forget(agent);
    } else if done.is_ok() {
        kept.give_back(server, agent);
    }
    done
}

impl Pool {
    fn kept(&self, key: &PoolKey) -> Arc<Kept> {
        let mut recent = lock(&self.kept);
        recent.find(|kept| kept.key == *key).unwrap_or_else(|| {
            let kept = Arc::new(Kept {
                key: key.clone(),
                dial: Dial::new(key.roots, key.ca_file.clone()),
                idle: Mutex::default(),
            });
            recent.add(Arc::clone(&kept));
            kept
        })
    }
}

impl Kept {
    fn take(&self, server: &BaseUrl) -> Option<Agent> {
        let mut idle = lock(&self.idle);
        let is_it = |idle: &Idle| idle.server.text == server.text;
        let place = idle.iter().rposition(is_it)?;
        // If its connection has become too old, ureq replaces it.
        Some(idle.remove(place).agent)
    }

    fn give_back(&self, server: &Arc<BaseUrl>, agent: Agent) {
        let since = Instant::now();
        let mut idle = lock(&self.idle);
        let is_old = |idle: &&Idle| since - idle.since >= LONGEST_IDLE;
        let old = idle.iter().take_while(is_old).count();
        let surplus = (idle.len() + 1).saturating_sub(MOST_IDLE);
        let closed: Vec<Idle> = idle.drain(..old.max(surplus)).collect();
        idle.push(Idle {
            server: Arc::clone(server),
            since,
            agent,
        });
        // Not under the lock, because it closes connections.
        drop(idle);
        drop(closed);
    }
}

fn new_agent(kept: &Kept, names: Names) -> Agent {
    // ureq's time limits are not used: with one, ureq would start a thread at every call.
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(kept.key.proxy.clone())
        .input_buffer_size(tcp::BUFFER)
        .output_buffer_size(tcp::BUFFER)
        // Less than the buffer, so that a larger head is not reported as a closed connection.
        .max_response_header_size(tcp::BUFFER - 1)
        .max_idle_connections(1)
        .max_idle_age(LONGEST_IDLE)
        .timeout_await_100(None)
        .build();
    Agent::with_parts(config, kept.dial.clone(), names)
}
