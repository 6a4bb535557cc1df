//! TLS for connections that we open.

use std::path::Path;
use std::sync::Arc;

use hyper_rustls::ConfigBuilderExt;
use rustls::ClientConfig;

use super::{files, provider};

/// A client that trusts the authorities in a file, or else the system's. Blocks.
///
/// # Errors
///
/// What is wrong with the file, or why the system's certificates cannot be read.
pub(in crate::server) fn config(ca_file: Option<&Path>) -> Result<ClientConfig, String> {
    let builder = ClientConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let builder = match ca_file {
        Some(path) => {
            let authorities = files::authorities(path);
            let told = |mistakes| super::Mistakes(mistakes).to_string();
            builder.with_root_certificates(authorities.map_err(told)?)
        }
        None => builder
            .with_native_roots()
            .map_err(|error| format!("cannot read the system's certificates: {error}"))?,
    };
    Ok(builder.with_no_client_auth())
}
