//! The gate with any text: it must neither panic nor run on.

#![no_main]

use std::sync::LazyLock;

use async_graphql::Variables;
use libfuzzer_sys::fuzz_target;
use relsum::{
    config::Settings,
    graphql::{documents::Documents, gate::Gate, schema::shapes},
};

static GATE: LazyLock<Gate> = LazyLock::new(|| Gate::new(&Settings::default(), shapes()));

fuzz_target!(|text: &str| {
    if let Ok(document) = Documents::parse(&GATE, text) {
        for name in [None, Some("A")] {
            let _ = GATE.document(&document, name, &Variables::default());
        }
    }
});
