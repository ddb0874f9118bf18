#!/usr/bin/env bash
# Clients of images meet what is none: a type that nobody defined, pushed by ORAS under the default policy, a chart of
# Helm's type, an image under a config that is none, and a typed index. Docker, podman and skopeo must fail with words,
# leave no image behind, and not hang; ORAS gets all of it.
# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need docker podman skopeo oras
start_docker_engine
# podman and skopeo read it too, once they know where it would be.
mkdir -p "$DOCKER_CONFIG"
echo '{}' >"$DOCKER_CONFIG/config.json"

podman() {
  command podman --root "$work/podman/root" --runroot "$work/podman/run" --tmpdir "$work/podman/tmp" \
    --storage-driver vfs --events-backend file --cgroup-manager cgroupfs "$@"
}

repository=$REGISTRY/strangers
cd "$work"
echo 'no image' >note.txt
printf '{"name": "stranger", "version": "1.0.0"}' >config.json

# Under the default policy any type passes, known or not.
oras push --plain-http --no-tty "$repository/typed:v1" --artifact-type application/vnd.example.note note.txt:text/plain
oras push --plain-http --no-tty "$repository/config:v1" \
  --config config.json:application/vnd.cncf.helm.config.v1+json \
  note.txt:application/vnd.cncf.helm.chart.content.v1.tar+gzip
oras push --plain-http --no-tty "$repository/layer:v1" \
  --config config.json:application/vnd.unknown.config.v1+json note.txt:application/vnd.cncf.openpolicyagent.policy.layer.v1+rego
oras push --plain-http --no-tty "$repository/index:part" --artifact-type application/vnd.example.note note.txt:text/plain
oras manifest index create --plain-http "$repository/index:v1" part --artifact-type application/vnd.example.notes

# fails WORDS COMMAND...: with a status that is not 0, within a minute, and with words of its own.
fails() {
  local words=$1 status=0
  shift
  timeout 60 "$@" >"$work/said" 2>&1 || status=$?
  ((status > 0)) || fail "took it: $*"
  ((status != 124 && status < 128)) || fail "hung or died ($status): $*"
  grep -qiE "$words" "$work/said" || fail "$*: said $(cat "$work/said")"
}
export -f podman
export work

for kind in typed config layer index; do
  image=$repository/$kind:v1
  fails 'unsupported|not supported|no matching manifest|mediatype|not a|invalid|unexpected|unknown' docker pull "$image"
  fails 'unsupported|not supported|no image found|mime type|artifact|invalid|unmarshal|unexpected' \
    bash -c 'podman "$@"' podman pull --quiet --tls-verify=false "$image"
  fails 'unsupported|not supported|no image found|artifact|invalid|unexpected|unmarshal' \
    skopeo copy --quiet --src-tls-verify=false "docker://$image" "docker-archive:$work/$kind.tar:stranger:v1"
done
equal "docker's images" '' "$(docker images --all --quiet)"
equal "podman's images" '' "$(podman images --all --quiet)"

# They are whole for who knows them.
mkdir pulled
(cd pulled && oras pull --plain-http --no-tty "$repository/typed:v1")
same note.txt pulled/note.txt
