#!/usr/bin/env bash
# Docker Engine itself, with a daemon of its own: POST, one PATCH of unknown length, PUT.
# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need docker
start_docker_engine

image=$REGISTRY/docker/sample:v1
make_files "$work/files"
tar -C "$work/files" -cf "$work/pushed.tar" .
id=$(docker import "$work/pushed.tar" "$image")
docker push "$image"
pushed=$(docker image inspect --format '{{index .RepoDigests 0}}' "$image")
docker rmi "$image"
equal "images left" '' "$(docker images --all --quiet)"

docker pull "$image"
# The image's id is the digest of its configuration, which names the layers' digests.
equal "image id" "$id" "$(docker image inspect --format '{{.Id}}' "$image")"
equal digest "$pushed" "$(docker image inspect --format '{{index .RepoDigests 0}}' "$image")"
mkdir "$work/pulled"
docker save "$image" | tar -C "$work/pulled" -x
same "$work/pushed.tar" "$(echo "$work"/pulled/*/layer.tar)"
