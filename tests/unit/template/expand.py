"""Prints the template as SAM's own transform expands it.

Run with the local stack's interpreter: the transform wants another pydantic than our functions do.
"""

import json
import sys

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

if __name__ == "__main__":
    template = json.load(sys.stdin)
    for resource in template["Resources"].values():
        for name in {"CodeUri", "ContentUri"} & resource.get("Properties", {}).keys():
            resource["Properties"][name] = "s3://bucket/key"
    session = boto3.Session(region_name="us-east-1")
    values = {name: one.get("Default", "") for name, one in template["Parameters"].items()}
    expanded = Translator({}, Parser(), boto_session=session).translate(template, values)
    json.dump(expanded, sys.stdout)
