#!/usr/bin/env bash
# Real clients against Moorage: each pushes, pulls into an empty place and compares the bytes.
#
#   tests/clients.sh [--registry HOST:PORT] [NAME...]
#
# NAME is a script in tests/clients/; without one, all of them run. The server is MOORAGE_BIN, else
# the checkout's release build, on a free port with empty storage; its peak memory is measured and bounded.
# A given registry is used as it is, and its memory is not known.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# These run at once, each on repositories of its own; those below run alone, one after the other.
together=(curl docker containerd skopeo podman buildah crane oras helm regctl cosign oci-client strangers)
alone=(big-blob chunked walk)

# Bytes stream through the server, so its memory does not grow with a blob: 48 MiB is what the project
# promises for all of this at once, in KiB as in /proc.
peak_kib_most=$((48 * 1024))
client_seconds_most=600

registry=
names=()
while [ $# -gt 0 ]; do
  case $1 in
    --registry) registry=$2 && shift ;;
    -*) fail "unknown option $1" ;;
    *)
      [ -x "$checkout/tests/clients/$1.sh" ] || fail "unknown client $1"
      names+=("$1")
      ;;
  esac
  shift
done
if [ "${#names[@]}" -eq 0 ]; then
  names=("${together[@]}" "${alone[@]}")
  # Each script installs what it needs; before all of them, so that what is timed is the clients' work.
  need curl docker skopeo podman buildah crane oras regctl helm cosign
fi
own_server=$([ -n "$registry" ] || echo yes)

passed=0 failed=0
declare -A running=() # names by process id
began=() # microseconds, by process id

begin() {
  start "$work/$1.log" timeout --kill-after 30 $client_seconds_most env "REGISTRY=$registry" "$checkout/tests/clients/$1.sh"
  running[$pid]=$1
  began[pid]=${EPOCHREALTIME/[.,]/}
}

# Waits for all that were begun, and says of each how it went, in the order in which they end.
finish() {
  local pid name status tenths
  while [ "${#running[@]}" -gt 0 ]; do
    status=0
    wait -n -p pid "${!running[@]}" || status=$?
    name=${running[$pid]}
    tenths=$(((${EPOCHREALTIME/[.,]/} - began[pid]) / 100000))
    unset "running[$pid]" "started[$pid]"
    verdict "$status" "$name" "$((tenths / 10)).$((tenths % 10)) s"
    if ((status > 0)); then
      sed "s/^/  $name: /" "$work/$name.log"
      # The repositories of a client are below its name.
      [ -z "$own_server" ] || sed -n "\\|$name/|s/^/  server: /p" "$server_log" | tail -n 50
    fi
  done
}

# verdict STATUS NAME WORDS
verdict() {
  if (($1 == 0)); then
    passed=$((passed + 1))
    say "passed $2: $3"
  else
    failed=$((failed + 1))
    say "FAILED $2: $3 (status $1)"
  fi
}

is_among() { [[ " ${*:2} " == *" $1 "* ]]; }

peak_kib() { awk '/^VmHWM:/ {print $2}' "/proc/$server/status" || fail "the server is gone"; }

if [ -n "$own_server" ]; then
  build_server
  start_server "$work/data"
fi
say "clients against $registry"

for name in "${names[@]}"; do
  is_among "$name" "${alone[@]}" || begin "$name"
done
finish
for name in "${names[@]}"; do
  if is_among "$name" "${alone[@]}"; then
    [ -z "$own_server" ] || say "peak memory so far: $(peak_kib) KiB"
    begin "$name"
    finish
  fi
done

if [ -n "$own_server" ]; then
  peak=$(peak_kib)
  verdict "$((peak > peak_kib_most))" memory "peak $peak KiB of at most $peak_kib_most"
  status=0
  stop_server || status=$?
  verdict "$status" server "stopped"
fi
say "$passed passed, $failed failed"
((failed == 0))
