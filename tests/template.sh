#!/usr/bin/env bash
# Checks infra/template.yaml without an account: cfn-lint and SAM on the template, cfn-lint on what SAM makes
# of it, that it names exactly the functions that there are, and who may walk the table and tell the bus.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

template=$checkout/infra/template.yaml
python=$MOORAGE_TOOLS/python/sam/bin/python
need cfn-lint sam

# Both want a region, any; nothing here is sent anywhere.
export AWS_DEFAULT_REGION=us-east-1 AWS_EC2_METADATA_DISABLED=true SAM_CLI_TELEMETRY=0
# SAM keeps a file about itself in the home folder.
export HOME=$work

# expand TEMPLATE NAME: what SAM makes of it, in $work.
expand() { "$python" "$checkout/tests/template/expand.py" "$1" >"$work/$2.json"; }

# circles FILE: cfn-lint's rule on resources that wait for each other, and no other.
circles() { cfn-lint --ignore-checks E W I --mandatory-checks E3004 --template "$1"; }

say "cfn-lint on the template"
cfn-lint --template "$template"
say "sam validate --lint"
sam validate --lint --template "$template"

# On a SAM template cfn-lint can't see circles that SAM's own resources close.
say "cfn-lint on the expanded template"
expand "$template" expanded
cfn-lint --template "$work/expanded.json"
# The check is checked: a bucket that functions refer to would wait for Ingest, and Ingest for it.
sed 's/MOORAGE_BUCKET: !Ref BucketName/MOORAGE_BUCKET: !Ref Bucket/' "$template" >"$work/circle.yaml"
if cmp -s "$template" "$work/circle.yaml"; then fail "the template has no MOORAGE_BUCKET: !Ref BucketName to break"; fi
expand "$work/circle.yaml" circle
if circles "$work/circle.json" >"$work/circle.txt"; then fail "a template whose resources wait for each other passed"; fi
grep -q '^E3004' "$work/circle.txt" || fail "cfn-lint said something else than that: $(cat "$work/circle.txt")"

say "rights"
"$python" "$checkout/tests/template/rights.py" "$work/expanded.json"

say "functions of the template, and in functions/"
# Each program of a crate in functions/, but the single process.
HOME=$user_home cargo metadata --manifest-path "$checkout/Cargo.toml" --no-deps --format-version 1 >"$work/metadata.json"
"$python" -c '
import json, sys
for package in json.load(sys.stdin)["packages"]:
    if package["manifest_path"].startswith(sys.argv[1]) and package["name"] != "moorage":
        print(*("../target/lambda/%s/" % t["name"] for t in package["targets"] if "bin" in t["kind"]), sep="\n")
' "$checkout/functions/" <"$work/metadata.json" >"$work/programs" || fail "the programs of functions/ could not be listed"
sed -n 's/^ *CodeUri: *//p' "$template" | sort >"$work/named"
sort "$work/programs" -o "$work/programs"
[ -s "$work/programs" ] || fail "functions/ has no programs"
diff --label "in functions/, as cargo lambda build lays it out" --label "CodeUri in the template" -u "$work/programs" "$work/named" ||
  fail "the template and functions/ differ"
sed 's/^/  /' "$work/named"
say "the template passed"
