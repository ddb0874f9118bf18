# shellcheck shell=bash
# What scripts share that hold a registry to the same parts: the command line, the parts of the official conformance
# tool, and the order. Source it after lib.sh.
#
# The script says how it starts a registry, on the engines in use:
#
#   start_registry NAME [SETTING...]   one with storage of its own of that name, where everyone may push; sets $registry
#                                      (host:port). A setting is missing=allow or redirect=all.
#   stop_registry                      ends it; fails where it did not end well
#   registry_logs                      prints its log lines

# take_parts ARGUMENT...: reads `[--s3 minio|versitygw] [PART...]`, of the parts in ${all[@]}; sets $engine and $parts.
take_parts() {
  engine=minio
  parts=()
  while [ $# -gt 0 ]; do
    case $1 in
      --s3)
        [[ ${2:-} =~ ^(minio|versitygw)$ ]] || fail "--s3 is minio or versitygw"
        engine=$2 && shift
        ;;
      -*) fail "unknown option $1" ;;
      *)
        [[ " ${all[*]} " == *" $1 "* ]] || fail "unknown part $1; known are ${all[*]}"
        parts+=("$1")
        ;;
    esac
    shift
  done
  [ "${#parts[@]}" -gt 0 ] || parts=("${all[@]}")
}

# conforms NAME SPECIFICATION [SETTING...]: the tool on a registry with these settings, which goes on.
conforms() {
  start_registry "$1" "${@:3}"
  "$checkout/tests/conformance.sh" --registry "$registry" "$2"
}

part_stable() {
  conforms stable stable
  stop_registry
}

part_dev() {
  conforms dev dev
  stop_registry
}

part_sparse() {
  conforms sparse sparse missing=allow
  stop_registry
}

# blob_gets STATUS: how many GETs of blobs were answered with a status that begins so.
blob_gets() {
  registry_logs | { grep '"operation":"blob"' || :; } | { grep '"method":"GET"' || :; } | grep -c "\"status\":$1" || :
}

part_redirected() {
  local redirected streamed
  conforms redirected stable redirect=all
  redirected=$(blob_gets 307) streamed=$(blob_gets 20)
  say "$redirected GETs of blobs were redirected, $streamed were not"
  ((redirected > 0 && streamed == 0)) || fail "not every blob was redirected"
  stop_registry
}

# run_parts WHAT: each of $parts in turn, a function `part_<name>`.
run_parts() {
  local part began
  for part in "${parts[@]}"; do
    began=$SECONDS
    "part_$part"
    say "passed $1 on $engine: $part, $((SECONDS - began)) s"
  done
}
