#!/usr/bin/env bash
# Clients push, delete, restore and pull while collectors take away what nothing holds after two seconds and processes
# are killed at random (tests/soak). Nothing may be lost, at the end nothing may be left, the events tell of each life from
# its push to its end (not with --functions: tests/functions.sh has that), and an audit finds nothing but what somebody
# left behind who died.
#
#   tests/soak.sh [--gateway | --functions] [--seconds N | --full] [--seed N] [--clients N]
#
# Against `moorage serve` on a folder; --gateway: against two of them on MinIO and DynamoDB Local, one of which
# collects; --functions: against the functions behind the front door on these two, whose instances are killed and whose
# events come late, twice and out of order. 40 seconds without a choice, an hour with --full. The server is
# MOORAGE_BIN, the functions are MOORAGE_FUNCTIONS (a folder), else the checkout's release build.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

where=serve seconds=40 seed=1
options=()
while [ $# -gt 0 ]; do
  case $1 in
    --gateway) where=gateway ;;
    --functions) where=functions ;;
    --full) seconds=3600 ;;
    --seconds) seconds=$2 && shift ;;
    --seed) seed=$2 && shift ;;
    --clients) options+=("$1" "$2") && shift ;;
    *) fail "unknown option $1" ;;
  esac
  shift
done

build_server
if [ $where = functions ]; then build_functions; fi
# Not the caller's target folder, which is the registry's: one that the crates apart share, as what they need is much the same.
(cd "$checkout/tests/soak" && CARGO_TARGET_DIR=$checkout/tests/target cargo build --release --locked)
# A build may replace the binary meanwhile.
cp "$MOORAGE_BIN" "$work/registry"

logs=$work/logs
mkdir -p "$logs"
keeping="--grace 2s --recycle 2s --upload-age-max 20"

# soak OPTION...: the clients; what the collectors deleted, as their logs say.
soak() {
  local status=0
  "$checkout/tests/target/release/moorage-soak" --seconds "$seconds" --seed "$seed" --logs "$logs" \
    --patience $((60 + seconds)) "${options[@]}" "$@" || status=$?
  say "objects collected: $(cat_logs | grep -c 'deleted an object that nothing names any more' || :)"
  say "reviews that failed and were tried again: $(cat_logs | grep -c 'a review could not be done' || :)"
  if ((status > 0)); then
    if [ -n "${MOORAGE_SOAK_KEEP:-}" ]; then cp -r "$logs" "$MOORAGE_SOAK_KEEP"; fi
    fail "the soak of $where, seed $seed (MOORAGE_SOAK_KEEP=folder keeps the logs)"
  fi
}

# audit OPTION...: of the storage, when its processes have ended. It may find only what no collector can know of
# (somebody died between two writes), and puts that right.
audit() {
  local status=0 keep others
  read -ra keep <<<"$keeping"
  "$work/registry" audit --log warn "${keep[@]}" "$@" >"$work/audit" || status=$?
  sed 's/^/audit: /' "$work/audit" | tail -n 20
  others=$(grep -vcE "^($may_be_found)|^[0-9]+ items and " "$work/audit" || :)
  ((status <= 1)) || fail "the audit of $where ended with status $status"
  ((others == 0)) || fail "the audit of $where, seed $seed, found $others things that should not be"
  ((status == 1)) || return 0
  "$work/registry" audit --log warn "${keep[@]}" --repair "$@" >/dev/null || (($? == 1))
  "$work/registry" audit --log warn "${keep[@]}" "$@" | sed 's/^/audit, repaired: /' || fail "a repaired $where is not whole"
}

# told OPTION...: the events, when all of them are handed over.
told() {
  local keep
  read -ra keep <<<"$keeping"
  "$work/registry" collect --once --log warn "${keep[@]}" --events-file "$work/events" "$@" >/dev/null
  python3 "$checkout/tests/soak/told.py" "$work/events" || fail "the events of $where, seed $seed, do not tell it all"
}

may_be_found='(dead hold|left over|nameless object): '

no_event_is_pending() { curl --silent --fail "http://$control/state" | grep -q '"pending":0'; }

cat_logs() { find "$logs" -name '*.log' -exec cat {} +; }

case $where in
  serve)
    soak --binary "$work/registry" --process "--data $work/data $keeping --events-file $work/events" \
      --objects "$work/data/blobs"
    told --data "$work/data"
    audit --data "$work/data"
    ;;
  gateway)
    use_engines minio
    on="--bucket soak --table soak --create $keeping"
    # Objects that a signed URL may lead to stay for as long as that: here they are in the trash at the end.
    soak --binary "$work/registry" --process "$on --collect --events-file $work/events" --process "$on" \
      --objects "$work/minio/soak" --dynamodb "${dynamodb_url#http://}" --table soak
    told --bucket soak --table soak
    audit --bucket soak --table soak
    ;;
  functions)
    use_engines minio
    start_functions soak --parameter Anonymous=push --parameter Grace=2s --parameter Recycle=2s --kill-every 60 \
      --events rough --seed "$seed"
    logs=$functions_log
    soak --registry "$registry" --objects "$work/minio/soak" --dynamodb "${dynamodb_url#http://}" --table soak \
      --control "$control"
    wait_for "$functions" "$work/soak-front-door.log" no_event_is_pending
    stop_functions
    # The schedule goes on until then: what it forgot in its last moments, an event was still to tell of.
    may_be_found+='|no review: object#'
    audit --bucket soak --table soak
    ;;
esac
