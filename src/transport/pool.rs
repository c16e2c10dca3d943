//! The connections that are kept for later calls, by the settings that they share.

use std::sync::Mutex;

use ureq::{Agent, Proxy};

use super::dial::Dial;
use super::resolve::Names;
use super::roots::{CaFile, Looked, Roots};
use super::{base_url, tcp};
use crate::process::lock::lock;
use crate::recent::Recent;
use crate::state;

/// For how many sets of connection settings connections are kept.
const MOST_AGENTS: usize = 8;
/// How many idle connections an agent keeps.
const MOST_IDLE: usize = 32;
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
    /// Each agent has its pool of connections.
    agents: Mutex<Recent<(PoolKey, Agent), MOST_AGENTS>>,
    /// Shared by all agents.
    names: Names,
    pub base_urls: base_url::Known,
    pub ca_files: Mutex<Recent<Looked, MOST_CA_FILES>>,
}

/// Returns the pooled agent for these settings.
pub fn agent(key: &PoolKey) -> Agent {
    let pool = &state::current().transport;
    let mut agents = lock(&pool.agents);
    if let Some((_, agent)) = agents.find(|(known, _)| known == key) {
        return agent;
    }
    let agent = new_agent(key, pool.names.clone());
    agents.add((key.clone(), agent.clone()));
    agent
}

fn new_agent(key: &PoolKey, names: Names) -> Agent {
    // ureq's time limits are not used: with one, ureq would start a thread at every call.
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(key.proxy.clone())
        .input_buffer_size(tcp::BUFFER)
        .output_buffer_size(tcp::BUFFER)
        // Less than the buffer, so that a larger head is not reported as a closed connection.
        .max_response_header_size(tcp::BUFFER - 1)
        .max_idle_connections(MOST_IDLE)
        .max_idle_connections_per_host(MOST_IDLE)
        .timeout_await_100(None)
        .build();
    Agent::with_parts(config, Dial::new(key.roots, key.ca_file.clone()), names)
}
