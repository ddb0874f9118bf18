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
  # The same line may also say where the storage is.
  registry=$(sed -n 's|.*listens on \(http://127\.0\.0\.1:[0-9]*\).*|\1|p' "$server_log")
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

# ---- Engines that stand in for S3 and DynamoDB. Everything in them ends with the script.

# Sets $port to one that is free on loopback, for servers that can't say which one the system gave them. It is
# below those that the system gives out, so nobody gets it by chance, and other scripts leave it alone: its lock
# is held until the script and what it started have ended.
claim_port() {
  local locks=${TMPDIR:-/tmp}/moorage-ports first first_given_out lock try
  read -r first_given_out _ </proc/sys/net/ipv4/ip_local_port_range
  first=$((first_given_out / 2))
  mkdir -p "$locks"
  for ((try = 0; try < 1000; try++)); do
    port=$((first + RANDOM % (first_given_out - first)))
    exec {lock}>"$locks/$port"
    if flock --nonblock "$lock" && ! { : <>"/dev/tcp/127.0.0.1/$port"; } 2>/dev/null; then return; fi
    exec {lock}>&-
  done
  fail "no free port was found from $first to $first_given_out"
}

# What all engines here are given. MinIO wants at least 8 characters in a secret.
engine_key=moorage engine_secret=moorage-secret

# start_minio and start_versitygw: S3 on a free port; set $s3 (process id) and $s3_url.
start_minio() {
  need curl minio
  claim_port
  s3_url=http://127.0.0.1:$port
  # A home of its own: MinIO looks for certificates there. No console, and no question whether there is an update.
  start "$work/minio.log" env HOME="$work" MINIO_ROOT_USER=$engine_key MINIO_ROOT_PASSWORD=$engine_secret \
    MINIO_BROWSER=off MINIO_UPDATE=off minio server --address "127.0.0.1:$port" "$work/minio"
  s3=$pid
  wait_for "$s3" "$work/minio.log" curl --silent --fail "$s3_url/minio/health/ready"
}

start_versitygw() {
  need curl versitygw
  claim_port
  s3_url=http://127.0.0.1:$port
  mkdir -p "$work/versitygw"
  start "$work/versitygw.log" versitygw --access $engine_key --secret $engine_secret --port "127.0.0.1:$port" \
    --health /health --keep-alive posix "$work/versitygw"
  s3=$pid
  wait_for "$s3" "$work/versitygw.log" curl --silent --fail "$s3_url/health"
}

# start_dynamodb_local: DynamoDB and its streams on a free port, in memory; sets $dynamodb and $dynamodb_url.
# It can't be told to listen on loopback only.
start_dynamodb_local() {
  need curl dynamodb-local
  claim_port
  dynamodb_url=http://127.0.0.1:$port
  # Otherwise each access key and region would have tables of its own, as if they were accounts.
  start "$work/dynamodb-local.log" dynamodb-local -port "$port" -inMemory -sharedDb -disableTelemetry
  dynamodb=$pid
  # It has no question without a signature, so it is ready once it refuses one.
  wait_for "$dynamodb" "$work/dynamodb-local.log" curl --silent "$dynamodb_url"
}

# use_engines minio|versitygw: starts that one and DynamoDB Local, and points everything of AWS to them.
use_engines() {
  case $1 in
    minio | versitygw) "start_$1" ;;
    *) fail "unknown S3 server $1; known are minio and versitygw" ;;
  esac
  start_dynamodb_local
  # DynamoDB's streams are a service of their own to the SDK.
  export AWS_ENDPOINT_URL_S3=$s3_url AWS_ENDPOINT_URL_DYNAMODB=$dynamodb_url AWS_ENDPOINT_URL_DYNAMODB_STREAMS=$dynamodb_url
  export AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=$engine_key AWS_SECRET_ACCESS_KEY=$engine_secret
  # What the caller has of AWS is not for tests: no session, no profile, no files, and no look at the machine's own.
  unset AWS_SESSION_TOKEN AWS_PROFILE AWS_DEFAULT_REGION AWS_ENDPOINT_URL
  export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true
}

# Stops both, so that others can take their place.
stop_engines() {
  local status=0
  stop "$s3" || status=$?
  stop "$dynamodb" || true # Java's own status after SIGTERM is 143
  ((status == 0)) || say "the S3 server ended with status $status"
}

# build_tool PACKAGE PROGRAM: sets $tool to a program of the tests: the one in MOORAGE_FUNCTIONS, where the functions
# are given, else built from the checkout.
build_tool() {
  tool=${MOORAGE_FUNCTIONS:-}/$2
  [ -z "${MOORAGE_FUNCTIONS:-}" ] || return 0
  (cd "$checkout" && cargo build --release --locked -p "$1" --bin "$2")
  tool=${CARGO_TARGET_DIR:-$checkout/target}/release/$2
}

# start_gateway NAME [OPTION...]: `moorage serve` on the engines in use, with a bucket and a table of that name;
# sets what start_server sets.
start_gateway() {
  local name=$1
  shift
  start_server "$work/$name" --bucket "$name" --table "$name" --create "$@"
}

# Without MOORAGE_FUNCTIONS (a folder), the functions that are tested are built from the checkout.
build_functions() {
  build_tool moorage-front-door front-door
  front_door=$tool
  build_server
  [ -z "${MOORAGE_FUNCTIONS:-}" ] || return 0
  (cd "$checkout" && cargo build --release --locked -p moorage-pull -p moorage-push -p moorage-ingest -p moorage-collect)
  MOORAGE_FUNCTIONS=${CARGO_TARGET_DIR:-$checkout/target}/release
}

# start_functions NAME [OPTION...]: the functions behind the front door, on a fresh bucket and table of that name;
# sets $functions (process id), $functions_log (their logs, a folder), $registry and $control (host:port each).
start_functions() {
  local name=$1 log=$work/$1-front-door.log
  shift
  # Only the process makes a bucket and a table; on AWS the template does.
  start_gateway "$name"
  stop_server
  functions_bucket=$name
  functions_log=$work/$name-functions
  mkdir -p "$functions_log"
  start "$log" "$front_door" --template "$checkout/infra/template.yaml" --functions "$MOORAGE_FUNCTIONS" \
    --bucket "$name" --table "$name" --logs "$functions_log" "$@"
  functions=$pid
  wait_for "$functions" "$log" grep -q 'takes events on' "$log"
  registry=$(sed -n 's|.*listens on http://||p' "$log")
  control=$(sed -n 's|.*takes events on http://||p' "$log")
}

# Ends the front door, and the functions with it; says what they went through.
stop_functions() {
  say "front door: $(curl --silent --fail "http://$control/state")"
  stop "$functions"
}
