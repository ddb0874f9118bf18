"""Prints what CloudFormation gets of a SAM template: `expand.py TEMPLATE`, with the Python that SAM runs on."""

import json
import sys

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse


class NoManagedPolicies:
    """Policies by name, which SAM asks IAM for. Ours are written out."""

    def load(self):
        return {}


with open(sys.argv[1], encoding="utf-8") as file:
    template = yaml_parse(file.read())
# `sam deploy` uploads the code first, and puts its address here.
for resource in template["Resources"].values():
    if resource["Type"] == "AWS::Serverless::Function":
        resource["Properties"]["CodeUri"] = "s3://uploaded-code/function.zip"
json.dump(transform(template, {}, NoManagedPolicies()), sys.stdout, indent=1)
