//! Several AWS accounts behind one endpoint.

mod accounts;
mod choice;
mod failures;
mod sessions;
mod world;
