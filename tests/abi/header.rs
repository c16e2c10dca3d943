//! The committed header is the one that cbindgen makes of the sources.

use std::path::Path;

/// Set to rewrite the header instead of comparing it.
const BLESS: &str = "LIFEPAY_BLESS";

#[test]
fn the_committed_header_is_the_generated_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_root_or_default(root);
    let bindings =
        cbindgen::generate_with_config(root, config).expect("cbindgen reads the sources");
    let mut generated = Vec::new();
    bindings.write(&mut generated);

    let header = root.join("include/lifepay.h");
    if std::env::var_os(BLESS).is_some() {
        std::fs::write(&header, &generated).expect("the header can be written");
    }
    let committed = std::fs::read(&header).unwrap_or_default();
    assert!(
        committed == generated,
        "include/lifepay.h is not what the sources say; rewrite it with {BLESS}=1 cargo test --test abi header"
    );
}
