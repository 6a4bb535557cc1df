//! The program: everything it does is in the library.

use std::process::ExitCode;

/// Many small allocations of short life on several threads are what this program
/// does all day.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = std::env::args_os();
    let environment = poolgate::config::environment();
    poolgate::cli::run(arguments, environment).into()
}
