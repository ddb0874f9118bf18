#!/usr/bin/env bash
# Builds every function of infra/template.yaml as it is deployed, for arm64 and in the shipping profile, and
# prints how large each is and how long it took. Needs rustup, which brings Rust's standard library for arm64.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need cargo-lambda
target=aarch64-unknown-linux-gnu
cd "$checkout"
unset CARGO_TARGET_DIR # the template names what is built, so it lies where the template says
rustup target list --installed | grep -qx $target || rustup target add $target

mapfile -t functions < <(sed -n 's|^ *CodeUri: *\.\./target/lambda/\(.*\)/$|\1|p' infra/template.yaml)
((${#functions[@]} > 0)) || fail "infra/template.yaml names no function"
programs=()
for function in "${functions[@]}"; do
  programs+=(--package "moorage-$function")
  # What a former build left must not be taken for this one's.
  rm -f "target/lambda/$function/bootstrap"
done

began=$SECONDS
cargo lambda build --locked --arm64 --profile shipping --lambda-dir target/lambda "${programs[@]}"
took=$((SECONDS - began))

for function in "${functions[@]}"; do
  file=target/lambda/$function/bootstrap
  [ -s "$file" ] || fail "$function was not built: there is no $file"
  # Bytes 18 and 19 of an ELF file are the machine; 183 is AArch64.
  machine=$(od -An -j18 -N2 -tu2 "$file" | tr -d ' ')
  [ "$machine" = 183 ] || fail "$function was built for another machine ($machine)"
  size=$(stat -c %s "$file")
  printf '%-10s %9d bytes  %5d kB zipped\n' "$function" "$size" $(($(gzip -9c "$file" | wc -c) / 1000))
done
say "built in $((took / 60)) min $((took % 60)) s"
