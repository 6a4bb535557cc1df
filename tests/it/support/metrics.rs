//! What poolgate counts, read as Prometheus does.

use std::net::SocketAddr;

use super::admin;

/// The text of `/metrics`.
pub struct Metrics(String);

/// Reads them.
pub async fn read(admin: SocketAddr) -> Metrics {
    Metrics(admin::get(admin, "/metrics").await)
}

/// Reads them until something is so.
pub async fn until(admin: SocketAddr, is_so: impl Fn(&Metrics) -> bool) {
    while !is_so(&read(admin).await) {
        tokio::task::yield_now().await;
    }
}

impl Metrics {
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The sum over all labels of a metric of our service.
    pub fn sum(&self, name: &str) -> usize {
        let lines = self.0.lines().filter(|line| {
            line.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with(['{', ' ']))
        });
        lines
            .map(|line| line.rsplit(' ').next().unwrap().parse::<usize>().unwrap())
            .sum()
    }

    /// The number of a metric without labels.
    pub fn value(&self, name: &str) -> f64 {
        let mut values = self
            .0
            .lines()
            .filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        values.next().unwrap().parse().unwrap()
    }

    /// Calls begun.
    pub fn started(&self) -> usize {
        self.sum("grpc_server_started_total")
    }

    /// Calls ended.
    pub fn handled(&self) -> usize {
        self.sum("grpc_server_handled_total")
    }
}
