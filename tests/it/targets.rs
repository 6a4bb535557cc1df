//! Several AWS accounts behind one endpoint.

mod accounts;
mod choice;
mod emulated;
mod failures;
mod revoked;
mod sessions;
mod waiting;
mod world;
