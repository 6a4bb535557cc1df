//! TLS on the gRPC listener, over real sockets.

mod certificates;
mod clients;
mod files;
mod hygiene;
mod reload;
mod revoked;
mod server;
