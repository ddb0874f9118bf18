#!/usr/bin/env bash
# Helm: a chart is pushed and pulled.
# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need helm

cd "$work"
helm create sample
helm package sample --version 1.2.3+build.4
helm push --plain-http sample-1.2.3+build.4.tgz "oci://$REGISTRY/helm"
mkdir pulled
# `+` is not allowed in a tag; Helm writes `_` and turns it back.
helm pull --plain-http --destination pulled --version 1.2.3+build.4 "oci://$REGISTRY/helm/sample"
same sample-1.2.3+build.4.tgz pulled/sample-1.2.3+build.4.tgz
