#!/usr/bin/env bash
# Runs the official conformance tool of the OCI distribution specification against Moorage:
#
#   tests/conformance.sh [--registry HOST:PORT] [--results DIR] [stable|dev|sparse|stable-collecting|dev-collecting...]
#
# The released specification, its main branch ("dev"), and dev with sparse manifests: each against a
# server of its own with empty storage (MOORAGE_BIN, else the checkout's release build), or all
# against the given registry (sparse: one that takes manifests whose children are missing). --results keeps the reports of the tool in DIR.
#
# "-collecting": what nothing holds goes after two seconds, and what was deleted does not stay in the recycle bin. The
# tool takes a second, so it runs again and again on that server, and the collector takes away what one run left while
# the next pushes the same. All checks hold: none relies for longer than the grace on something that nothing holds.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

registry=
results=$work/results
names=()
while [ $# -gt 0 ]; do
  case $1 in
    --registry) registry=$2 ;;
    --results) results=$2 ;;
    stable | dev | sparse | stable-collecting | dev-collecting) names+=("$1") && shift && continue ;;
    *) fail "unknown option $1" ;;
  esac
  shift 2
done
[ "${#names[@]}" -gt 0 ] || names=(stable dev sparse stable-collecting dev-collecting)
own_server=$([ -n "$registry" ] || echo yes)

# How many checks another registry that passes everything gets to (angos 1.6, same tool). Fewer means that
# checks were left out: the tool drops what follows a request that was refused in a permitted way.
declare -A checks_least=([stable]=862 [dev]=986 [sparse]=1032)
checks_least[stable-collecting]=${checks_least[stable]}
checks_least[dev-collecting]=${checks_least[dev]}

# Longer than it takes from a tag's end to that of its bytes: each level waits one grace.
collecting_seconds=12

passed=0 failed=0

# One attribute of the report's root element; a count of zero is left out there.
count() {
  local value
  value=$(grep -om1 '<testsuites [^>]*>' "$1/junit.xml" | grep -o " $2=\"[0-9]*\"" | grep -o '[0-9]*') || value=0
  echo "$value"
}

# The tests with a status, one a line: name, then the tool's reason where it gives one.
tests_with_status() {
  sed -n '/<testcase .* status="'"$2"'"/,/<\/testcase>/{
    s|.*<testcase name="\([^"]*\)".*|  \1|p
    s|.*<system-out>\(.*\)|    \1|p
  }' "$1/junit.xml" | sed 's|</system-out>.*||; s|&#34;|"|g; s|&#xA;|; |g' | cut -c1-400
}

# run NAME VERSION SERVER_OPTION...
run() {
  local name=$1 version=$2 dir=$results/$1 verdict=passed
  shift 2
  mkdir -p "$dir"
  [ -z "$own_server" ] || start_server "$work/$name" "$@"
  # The exit status is no verdict: it is 0 even when the tool could not run. The report decides.
  local began=$SECONDS seconds=0
  [[ $name != *-collecting ]] || seconds=$collecting_seconds
  while :; do
    OCI_REGISTRY=$registry OCI_TLS=disabled OCI_REPO1=conformance/one OCI_REPO2=conformance/two \
      OCI_VERSION=$version OCI_DATA_SPARSE=$([ "$name" = sparse ] && echo true || echo false) \
      OCI_RESULTS_DIR=$dir OCI_LOG=error conformance >"$dir/output.txt" 2>&1 || verdict=failed
    grep -qx 'OCI Conformance Result: Pass' "$dir/output.txt" || verdict=failed
    if [ $verdict = failed ] || ((SECONDS - began >= seconds)); then break; fi
  done
  if [ -n "$own_server" ]; then stop_server || verdict=failed; fi
  if [[ $name == *-collecting ]]; then
    local collected
    collected=$(grep -c 'deleted an object that nothing names any more' "$server_log") || verdict=failed
    say "conformance $name: $collected objects were collected meanwhile"
  fi
  if [ ! -s "$dir/junit.xml" ]; then
    cat "$dir/output.txt"
    fail "$name: the tool left no report; what it printed is above"
  fi
  local checks failures errors skipped disabled
  checks=$(count "$dir" tests) failures=$(count "$dir" failures) errors=$(count "$dir" errors)
  skipped=$(count "$dir" skipped) disabled=$(count "$dir" disabled)
  # What the tool skips is what a registry answered in a permitted but lesser way: each can be passed, so none may be.
  if ((failures + errors + skipped > 0 || checks < checks_least[$name])); then verdict=failed; fi

  say "conformance $name: $verdict; $checks checks (at least ${checks_least[$name]} wanted), $failures failed," \
    "$errors errors, $skipped skipped, $disabled not of this version"
  tests_with_status "$dir" skipped
  tests_with_status "$dir" failure
  tests_with_status "$dir" error
  if [ $verdict = passed ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}

need conformance
[ -z "$own_server" ] || build_server
for name in "${names[@]}"; do
  case $name in
    stable) run stable 1.1 ;;
    dev) run dev dev ;;
    sparse) run sparse dev --missing allow ;;
    stable-collecting) run stable-collecting 1.1 --grace 2s --recycle 0s ;;
    dev-collecting) run dev-collecting dev --grace 2s --recycle 0s ;;
  esac
done
say "$passed passed, $failed failed"
((failed == 0))
