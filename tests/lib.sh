# shellcheck shell=bash
# What the test scripts share: a scratch folder, processes that end with the script, and a server to test.
# Source it; it sets `set -euo pipefail` and an EXIT trap.
set -euo pipefail

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export MOORAGE_TOOLS=${MOORAGE_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/moorage-tools}
PATH=$MOORAGE_TOOLS/bin:$PATH

work=$(mktemp -d "${TMPDIR:-/tmp}/moorage-test.XXXXXX")
started=() # by process id

say() { printf '%s\n' "$*"; }

fail() {
  printf 'FAILED: %s\n' "$*" >&2
  exit 1
}

# Builds use the caches of the user's home, also where a test has a home of its own.
user_home=$HOME
need() { HOME=$user_home "$checkout/tests/tools/install.sh" "$@"; }

# Starts a process that ends with the script: start LOG COMMAND...; its id is then in $pid.
start() {
  local log=$1
  shift
  "$@" >"$log" 2>&1 &
  pid=$!
  started[pid]=$*
}

# stop PID: asks a process that `start` started to end, and gives its exit status.
stop() {
  local status=0 deadline=$((SECONDS + 20))
  kill -TERM "$1" 2>/dev/null || true # it may have ended by itself
  while kill -0 "$1" 2>/dev/null; do
    if ((SECONDS >= deadline)); then
      say "not ended within 20 s of SIGTERM, so killed: ${started[$1]}" >&2
      kill -KILL "$1"
      break
    fi
    sleep 0.05
  done
  wait "$1" || status=$?
  unset "started[$1]"
  return "$status"
}

clean_up() {
  local status=$? left
  trap - EXIT INT TERM
  for left in "${!started[@]}"; do
    stop "$left" || true # how it ended matters to those who stop it themselves
  done
  # dockerd leaves its data folder mounted on itself where the mounts of the machine are private.
  awk -v below="$work/" 'index($5, below) == 1 {print $5}' /proc/self/mountinfo | sort -r | xargs -r umount
  rm -rf "$work"
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# wait_for PID LOG COMMAND...: until the command succeeds; the process's log is shown when it ends or takes over 180 s.
wait_for() {
  local pid=$1 log=$2 deadline=$((SECONDS + 180))
  shift 2
  until "$@" >/dev/null 2>&1; do
    if ! kill -0 "$pid" 2>/dev/null || ((SECONDS >= deadline)); then
      cat "$log" >&2
      fail "not ready: ${started[pid]}; its log is above"
    fi
    sleep 0.05
  done
}

# A Docker Engine of the script's own, which the docker command then talks to. Neither network nor containers are
# needed, and vfs works on any file system, also where the script itself is in a container.
start_docker_engine() {
  export DOCKER_HOST=unix://$work/docker.sock DOCKER_CONFIG=$work/docker-config
  start "$work/dockerd.log" dockerd --host "$DOCKER_HOST" --data-root "$work/docker" --exec-root "$work/docker-exec" \
    --pidfile "$work/dockerd.pid" --iptables=false --ip-forward=false --bridge=none --storage-driver=vfs
  wait_for "$pid" "$work/dockerd.log" docker version
}

# Without MOORAGE_BIN, what is tested is always built from the checkout, never a stale binary.
build_server() {
  [ -z "${MOORAGE_BIN:-}" ] || return 0
  (cd "$checkout" && cargo build --release --bin moorage)
  MOORAGE_BIN=${CARGO_TARGET_DIR:-$checkout/target}/release/moorage
}

# start_server DATA [OPTION...]: serves a folder on a free port; sets $server (process id), $server_log and $registry (host:port).
start_server() {
  local data=$1
  shift
  server_log=$data.log
  start "$server_log" "$MOORAGE_BIN" serve --listen 127.0.0.1:0 --data "$data" "$@"
  server=$pid
  # The line that says where the server listens is printed once it does.
  wait_for "$server" "$server_log" grep -q 'http://127\.0\.0\.1:[0-9]' "$server_log"
  registry=$(grep -om1 'http://127\.0\.0\.1:[0-9]*' "$server_log")
  registry=${registry#http://}
}

# SIGTERM is how an operator stops it, and it ends with status 0 then; any other is a failure, as when it died before.
stop_server() {
  local status=0
  stop "$server" || status=$?
  if ((status > 0)); then
    tail -n 50 "$server_log" | sed 's/^/  server: /'
    say "the server ended with status $status instead of 0"
  fi
  return "$status"
}
