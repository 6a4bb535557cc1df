//! Compiles the protocol with protox, so that no protoc has to be installed.

use std::fmt::Write;
use std::path::PathBuf;

use protox::prost_reflect::{DescriptorPool, MessageDescriptor};

const SERVICE: &str = "cognito/identity/v1/cognito_identity_service.proto";
const PACKAGE: &str = "cognito.identity.v1";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto");
    let out = PathBuf::from(std::env::var("OUT_DIR")?);

    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler
        .include_source_info(true)
        .include_imports(true)
        .open_file(SERVICE)?;
    std::fs::write(
        out.join("descriptor.bin"),
        compiler.encode_file_descriptor_set(),
    )?;

    let secret = secret_messages(&compiler.descriptor_pool());
    let mut debug = String::new();
    for message in &secret {
        writeln!(debug, "secret_debug!({});", message.name())?;
    }
    std::fs::write(out.join("secret_debug.rs"), debug)?;

    tonic_prost_build::configure()
        .skip_debug(secret.iter().map(MessageDescriptor::full_name))
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}

/// Messages with a field marked `debug_redact`: a derived `Debug` would print
/// their secrets.
fn secret_messages(pool: &DescriptorPool) -> Vec<MessageDescriptor> {
    pool.all_messages()
        .filter(|message| message.package_name() == PACKAGE)
        .filter(|message| {
            message.fields().any(|field| {
                let options = field.options();
                let redact = options.get_field_by_name("debug_redact");
                redact.is_some_and(|value| value.as_bool() == Some(true))
            })
        })
        .collect()
}
