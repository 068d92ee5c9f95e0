//! Lays the code that runs while Relsum serves side by side, with `deploy/layout.ld` (made by `benches/layout`).
//!
//! Without it that code lies all over thirty megabytes, and of each page that is touched the kernel maps sixteen: 14 MB more are
//! resident. Only the release build for Linux with glibc does so, where both linkers in use (lld, GNU ld) understand the script;
//! `RELSUM_LAYOUT=off` leaves it out, for a linker that does not.

use std::{env::var, path::Path};

fn main() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/layout.ld");
    println!("cargo:rerun-if-changed={}", script.display());
    println!("cargo:rerun-if-env-changed=RELSUM_LAYOUT");
    let is = |name: &str, value: &str| var(name).is_ok_and(|found| found == value);
    let served = is("PROFILE", "release") && is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu");
    if served && !is("RELSUM_LAYOUT", "off") && script.exists() {
        println!("cargo:rustc-link-arg-bin=relsum=-Wl,-T,{}", script.display());
    }
}
