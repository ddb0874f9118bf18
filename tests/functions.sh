#!/usr/bin/env bash
# The functions as they run on AWS: behind the front door (tests/front-door), which reads infra/template.yaml, on
# MinIO or versitygw and DynamoDB Local.
#
#   tests/functions.sh [--s3 minio|versitygw] [PART...]
#
# stable, dev, sparse   the official tool: the released specification, its main branch, that with sparse manifests
# redirected    the stable run once more, with every blob redirected
# clients       real clients, with blobs that fit a request of a function
# limits        what does not fit gets Lambda's own 413
# chunked       200 MB in chunks, by regctl and by the Rust crate oci-client
# rough         clients again, while instances are killed and events come late, twice and out of order
# events        objects that came straight to S3 are recorded, changes of the table are read; late, twice, out of order
# told          what happens in the registry arrives on a bus of EventBridge, each thing under one id, whatever the bus does
# judged        the same, where the bus is somebody else's: moto, whose archive and rules have the say
# searched      what was pushed is found by what it is, and no longer once it is deleted
# fuzz          requests that no client means: each is answered, and no function panics
#
# All of them without a name. The functions are MOORAGE_FUNCTIONS (a folder), else the checkout's release build.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$(dirname "${BASH_SOURCE[0]}")/parts.sh"

all=(stable dev sparse redirected clients limits chunked rough events told judged searched fuzz)
take_parts "$@"

# Base64 and the rest of an event make 4,000,000 bytes some 5.4 million, of the 6,291,456 that Lambda takes.
fitting_bytes=4000000

build_functions
use_engines "$engine"

start_registry() {
  local setting parameters=()
  for setting in "${@:2}"; do
    case $setting in
      missing=allow) parameters+=(--parameter Missing=allow) ;;
      redirect=all) parameters+=(--parameter RedirectBytesMin=0) ;;
      *) fail "unknown setting $setting" ;;
    esac
  done
  start_functions "$1" --parameter Anonymous=push "${parameters[@]}"
}

stop_registry() { stop_functions; }

registry_logs() { cat "$functions_log"/*; }

part_clients() {
  start_registry clients
  MOORAGE_LAYER_BYTES=$fitting_bytes MOORAGE_CHUNKED_BYTES=9437184 "$checkout/tests/clients.sh" --registry "$registry" \
    curl docker containerd skopeo podman buildah crane oras helm regctl cosign oci-client
  stop_functions
}

part_limits() {
  start_registry limits
  head -c 5000000 /dev/urandom >"$work/too-long"
  local location status
  location=$(curl --silent --fail --request POST --dump-header - "http://$registry/v2/limits/blobs/uploads/" |
    tr -d '\r' | sed -n 's/^[Ll]ocation: //p')
  for method in PUT PATCH; do
    status=$(curl --silent --request "$method" --header 'content-type: application/octet-stream' \
      --data-binary "@$work/too-long" --output "$work/answer" --write-out '%{http_code}' \
      "http://$registry$location?digest=sha256:$(sha256sum "$work/too-long" | cut -d' ' -f1)")
    [ "$status" = 413 ] || fail "a $method of 5,000,000 bytes was answered $status, not 413: $(cat "$work/answer")"
    say "$method of 5,000,000 bytes: 413 $(cat "$work/answer")"
  done
  # A real client says so too.
  if MOORAGE_LAYER_BYTES=6000000 REGISTRY=$registry "$checkout/tests/clients/crane.sh" >"$work/crane.log" 2>&1; then
    fail "crane pushed more than a request of a function takes"
  fi
  grep -q '413' "$work/crane.log" || fail "crane failed in another way: $(cat "$work/crane.log")"
  stop_functions
}

part_chunked() {
  start_registry chunked
  MOORAGE_CHUNKED_BYTES=200000000 "$checkout/tests/clients.sh" --registry "$registry" chunked
  stop_functions
}

part_rough() {
  start_functions rough --parameter Anonymous=push --kill-every 40 --events rough --seed 7
  # A client that is told 502 in the middle may give up, so each is asked up to three times.
  local name try
  for name in skopeo crane oras regctl; do
    for try in 1 2 3 failed; do
      [ $try != failed ] || fail "$name failed three times: $(cat "$work/rough.log")"
      ! REGISTRY=$registry MOORAGE_LAYER_BYTES=$fitting_bytes "$checkout/tests/clients/$name.sh" >"$work/rough.log" 2>&1 || break
    done
    say "passed $name at try $try"
  done
  stop_functions
}

# put_straight REPOSITORY FILE: puts a file into the bucket as the edge does, S3 checking its digest; sets $key.
put_straight() {
  local digest
  digest=$(sha256sum "$2" | cut -d' ' -f1)
  key=sha256:$digest/$1/$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')
  curl --silent --show-error --fail --aws-sigv4 "aws:amz:$AWS_REGION:s3" --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \
    --header "x-amz-content-sha256: $digest" --upload-file "$2" "$AWS_ENDPOINT_URL_S3/$functions_bucket/${key//:/%3A}"
}

# tell EVENT JSON: hands an event to the front door, which delivers it when and how often it likes.
tell() { curl --silent --show-error --fail --output /dev/null --data "$2" "http://$control/events/$1"; }

state() { curl --silent --fail "http://$control/state"; }

# counted NAME: one of the numbers that the front door counts of events.
counted() { state | grep -o "\"$1\":[0-9]*" | cut -d: -f2; }

nothing_pending() { state | grep -q '"pending":0'; }

# stream_record NUMBER FORMAT [PARTITION SORT SECONDS]: a record of the table's stream, as Lambda hands it on, of an item
# of that format; made now, where no time is said. Those without a key are of one item, and so in one shard.
stream_record() {
  local keys="\"PK\": {\"S\": \"${3:-repo#straight/up}\"}, \"SK\": {\"S\": \"${4:-policy}\"}"
  cat <<JSON
    {"eventID": "$1", "eventName": "INSERT", "eventVersion": "1.1", "eventSource": "aws:dynamodb", "awsRegion": "us-east-1",
     "eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/events/stream/2026-11-24T00:00:00.000",
     "dynamodb": {"ApproximateCreationDateTime": ${5:-$(date +%s)}, "Keys": {$keys}, "SequenceNumber": "$1", "SizeBytes": 50,
       "StreamViewType": "NEW_AND_OLD_IMAGES",
       "NewImage": {$keys, "format": {"N": "$2"}, "kind": {"S": "catalog"}}}}
JSON
}

part_events() {
  start_functions events --parameter Anonymous=push --events rough --seed 11
  local n digests=() digest
  for n in 1 2 3 4 5 6; do
    head -c $((n * 1000000)) /dev/urandom >"$work/straight-$n"
    put_straight straight/up "$work/straight-$n"
    tell s3 "{\"key\": \"$key\", \"size\": $((n * 1000000)), \"bucket\": \"$functions_bucket\"}"
    digests+=("${key%%/*}")
  done
  # Of no object, and of none of ours: seen, and left alone.
  tell s3 "{\"key\": \"sha256:$(printf '%064d' 0)/straight/up/$(printf '%032d' 0)\", \"size\": 5, \"bucket\": \"$functions_bucket\"}"
  tell s3 "{\"key\": \"sha256:nonsense\", \"size\": 5, \"bucket\": \"$functions_bucket\"}"
  tell schedule '{}'
  wait_for "$functions" "$work/events-front-door.log" nothing_pending
  for n in 1 2 3 4 5 6; do
    digest=${digests[n - 1]}
    curl --silent --show-error --fail --location --output "$work/pulled" "http://$registry/v2/straight/up/blobs/$digest"
    cmp "$work/straight-$n" "$work/pulled"
    ! curl --silent --fail --output /dev/null "http://$registry/v2/other/blobs/$digest" || fail "another repository got the blob"
  done
  state | grep -q '"failed":0' || fail "an event failed for good: $(state)"
  state | grep -q '"duplicates":[1-9]' || fail "no event came twice: $(state)"

  # Of a batch with one record that nobody can read, the others are read, and that one alone is given up. What the
  # template filters out never comes, nor what is older than it says.
  local before
  before=$(counted delivered)
  tell stream "{\"Records\": [$(stream_record 1 1), $(stream_record 2 99), $(stream_record 3 1),
    $(stream_record 4 1 'review#07' '0000'), $(stream_record 5 1 "manifest#a#sha256:$(printf '%064d' 0)" '0#body'),
    $(stream_record 6 1 'repo#straight/old' policy 1583348638)]}"
  wait_for "$functions" "$work/events-front-door.log" nothing_pending
  [ "$(($(counted delivered) - before)) $(counted failed) $(counted too_old) $(counted filtered)" = "2 2 1 2" ] ||
    fail "not two records were read, and one given up, one too old, two filtered: $(state)"
  stop_functions
}

part_told() {
  need python3
  start_functions told --parameter Anonymous=push --parameter EventBus=the-bus --parameter EventSource=the-registry \
    --events rough --seed 13
  python3 "$checkout/tests/front-door/told.py" "$registry" "$control" "$dynamodb_url" told "$functions_log"
  stop_functions
}

# judged ARGUMENT...: with the Python that moto runs on.
judged() { "$MOORAGE_TOOLS/python/moto_server/bin/python" "$checkout/tests/front-door/judged.py" "$@"; }

part_judged() {
  need moto_server
  claim_port
  local moto=http://127.0.0.1:$port moto_process
  start "$work/moto.log" moto_server --port "$port"
  moto_process=$pid
  wait_for "$moto_process" "$work/moto.log" curl --silent --fail "$moto/moto-api/data.json"
  judged start "$moto"
  AWS_ENDPOINT_URL_EVENTBRIDGE=$moto start_functions judged --parameter Anonymous=push \
    --parameter EventBus=the-bus --parameter EventSource=the-registry
  judged look "$moto" "$registry" "$control" "$dynamodb_url" judged
  stop_functions
  stop "$moto_process" || true # Python's own status after SIGTERM
}

part_searched() {
  need python3
  start_functions searched --parameter Anonymous=push --events rough --seed 17
  python3 "$checkout/tests/front-door/searched.py" "$registry" "$control" "$dynamodb_url" searched
  stop_functions
  # Where it is switched off, that is said.
  start_functions unsearched --parameter Search=off
  ! curl --silent --fail --output /dev/null "http://$registry/v2/_moorage/search" || fail "a search was answered"
  curl --silent "http://$registry/v2/_moorage/search" | grep -q UNSUPPORTED || fail "a search was refused without a word"
  stop_functions
}

part_fuzz() {
  need python3
  start_registry fuzz
  python3 "$checkout/tests/front-door/fuzz.py" "$registry" "${MOORAGE_FUZZ_REQUESTS:-2000}" "${MOORAGE_FUZZ_SEED:-9}"
  ! grep -r -m 3 panicked "$functions_log" || fail "a function panicked"
  ! state | grep -q '"errors":[1-9]' || fail "a function failed: $(state)"
  stop_functions
}

run_parts functions
