#!/usr/bin/env bash
# What must hold on servers that we did not write: S3 by MinIO and by versitygw, which disagree in places, so
# neither is the only witness; DynamoDB by Amazon's own DynamoDB Local.
#
#   tests/engines.sh [--s3 minio|versitygw] [--all-stories] [PART...]
#
# contract      every clause of the ports: table, blobs, both together
# stories       the stories of the whole registry (tests/stories) that turn most on what S3 does; with --all-stories
#               every one, which takes many minutes a server. Those that cannot be told there say so and why.
#
# All parts on both S3 servers, each with engines of its own, where nothing else is said.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

all=(contract stories)
engines=(minio versitygw)
parts=()
# Filters of the test program. Left out for its length, 87 s on MinIO on a busy machine of two cores: an upload of long
# parts for each call that can fail.
stories=(budgets:: kept:: redirects:: tails:: uploads:: --skip while_the_storage_fails)
while [ $# -gt 0 ]; do
  case $1 in
    --s3)
      [[ ${2:-} =~ ^(minio|versitygw)$ ]] || fail "--s3 is minio or versitygw"
      engines=("$2") && shift
      ;;
    --all-stories) stories=() ;;
    -*) fail "unknown option $1" ;;
    *)
      [[ " ${all[*]} " == *" $1 "* ]] || fail "unknown part $1; known are ${all[*]}"
      parts+=("$1")
      ;;
  esac
  shift
done
[ "${#parts[@]}" -gt 0 ] || parts=("${all[@]}")

# A part is a function here; it runs on the engines in use, and what it prints tells how it went. It gets a
# process of its own, so that one that fails ends there and the others still run.
part_contract() {
  local known
  read -ra known <<<"${known_failures[$engine]}"
  RUST_BACKTRACE=0 "$contract" "${known[@]}"
}

part_stories() {
  cd "$checkout"
  MOORAGE_STORIES_ON=engines cargo test --locked --workspace --test stories_on_aws -- "${stories[@]}"
}

# Where an engine is known to differ from S3, each for one reason: both keep an object as a file or a folder of its
# key, so one whose key goes on behind another's and a `/` can't be stored (versitygw) or is not listed (MinIO).
declare -A known_failures=(
  [minio]="puts::a_key_may_begin_with_another"
  [versitygw]="puts::a_key_may_begin_with_another deletes::a_delete_takes_one_object_only"
)

for part in "${parts[@]}"; do
  case $part in
    contract)
      # Of the whole workspace, as `cargo test` has built it: of one package, features and so all crates are others.
      (cd "$checkout" && cargo build --locked --workspace --example contract)
      contract=${CARGO_TARGET_DIR:-$checkout/target}/debug/examples/contract
      ;;
    # As cargo test does it, so that nothing is built while engines wait.
    stories) (cd "$checkout" && cargo test --locked --no-run --workspace --test stories_on_aws) ;;
  esac
done

passed=0 failed=0
for engine in "${engines[@]}"; do
  for part in "${parts[@]}"; do
    began=$SECONDS
    use_engines "$engine"
    log=$work/$engine-$part.log
    # Not `if (...)`: commands there would go on after a failure.
    start "$log" "part_$part"
    status=0
    wait "$pid" || status=$?
    unset "started[$pid]"
    if ((status == 0)); then
      passed=$((passed + 1)) verdict=passed
    else
      failed=$((failed + 1)) verdict="failed with status $status"
    fi
    sed "s/^/  $part: /" "$log"
    ((status == 0)) || tail -n 30 "$work/$engine.log" "$work/dynamodb-local.log"
    say "$part on $engine and DynamoDB Local: $verdict, $((SECONDS - began)) s"
    stop_engines
    # Old bytes would be another part's surprise.
    rm -rf "${work:?}/minio" "${work:?}/versitygw"
  done
done
say "$passed passed, $failed failed"
((failed == 0))
