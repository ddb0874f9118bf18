#!/usr/bin/env bash
# The Rust crate oci-client: POST, PATCHes of 4 MiB, PUT. The test itself is the small crate beside this script.
# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# Built outside the checkout, like the other tools, and once for all checkouts.
export HOME=$user_home CARGO_TARGET_DIR=$MOORAGE_TOOLS/oci-client
cargo build --locked --manifest-path "$checkout/tests/clients/oci-client/Cargo.toml"
"$CARGO_TARGET_DIR/debug/moorage-test-oci-client" "$REGISTRY" "${MOORAGE_CHUNKED_BYTES:-9437184}"
