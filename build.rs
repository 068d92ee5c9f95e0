//! How the release binary for Linux with glibc is linked, so that less of it is resident.
//!
//! What runs while Relsum serves is laid side by side, with `deploy/layout.ld` (made by `benches/layout`): without it that code lies
//! all over thirty megabytes, and of each page that is touched the kernel maps sixteen. Both linkers in use (lld, GNU ld) understand
//! the script; `RELSUM_LAYOUT=off` leaves all of this out, for one that does not.

use std::{env::var, path::Path, process::Command};

fn main() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/layout.ld");
    println!("cargo:rerun-if-changed={}", script.display());
    println!("cargo:rerun-if-env-changed=RELSUM_LAYOUT");
    let is = |name: &str, value: &str| var(name).is_ok_and(|found| found == value);
    let glibc = is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu");
    if !glibc || !is("PROFILE", "release") || is("RELSUM_LAYOUT", "off") {
        return;
    }
    if script.exists() {
        println!("cargo:rustc-link-arg-bin=relsum=-Wl,-T,{}", script.display());
    }
    // Relocations, which are read once at start and stay, in a sixtieth of their size: loaders know them from glibc 2.36 on.
    if var("HOST") == var("TARGET") && glibc_minor().is_some_and(|minor| minor >= 36) {
        println!("cargo:rustc-link-arg-bin=relsum=-Wl,-z,pack-relative-relocs");
    }
}

/// The second number of the version of the glibc here.
fn glibc_minor() -> Option<u32> {
    let told = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    String::from_utf8(told.stdout).ok()?.trim().strip_prefix("glibc 2.")?.split('.').next()?.parse().ok()
}
