"""Deploys Lorry when LocalStack is ready: LocalStack runs the scripts in ready.d by itself.

Reads template.json, deployment.zip (if the template has functions) and parameters.json in LORRY_PACKAGE, and writes
outputs.json there. `make up STACK=localstack` makes them. Runs in LocalStack's own process, with its libraries.
"""

import json
import os
import time
from pathlib import Path

import boto3

STACK, ARTIFACTS, CODE = "lorry", "lorry-artifacts", "deployment.zip"
FOLDER = Path(os.environ.get("LORRY_PACKAGE", "/lorry"))
PORT = os.environ.get("GATEWAY_LISTEN", ":4566").rpartition(":")[2]
AWS = {
    "endpoint_url": f"http://127.0.0.1:{PORT}",
    "region_name": "us-east-1",
    "aws_access_key_id": "test",
    "aws_secret_access_key": "test",
}

outputs = FOLDER / "outputs.json"
outputs.unlink(missing_ok=True)
template = json.loads((FOLDER / "template.json").read_text())
parameters = json.loads((FOLDER / "parameters.json").read_text())

s3 = boto3.client("s3", **AWS)
s3.create_bucket(Bucket=ARTIFACTS)
for resource in template["Resources"].values():
    if resource["Type"] == "AWS::Serverless::Function":
        resource["Properties"]["CodeUri"] = f"s3://{ARTIFACTS}/{CODE}"
if (FOLDER / CODE).exists():
    s3.upload_file(str(FOLDER / CODE), ARTIFACTS, CODE)
s3.put_object(Bucket=ARTIFACTS, Key="template.json", Body=json.dumps(template).encode())

cloudformation = boto3.client("cloudformation", **AWS)
cloudformation.create_stack(
    StackName=STACK,
    TemplateURL=f"{AWS['endpoint_url']}/{ARTIFACTS}/template.json",
    Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
    Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
)
while True:
    (stack,) = cloudformation.describe_stacks(StackName=STACK)["Stacks"]
    if not stack["StackStatus"].endswith("_IN_PROGRESS"):
        break
    time.sleep(0.5)

found = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
if parameters.get("S3Endpoint"):  # CloudFormation made the archive bucket, but not where the functions look for it
    keys = {"aws_access_key_id": parameters["S3AccessKeyId"], "aws_secret_access_key": parameters["S3SecretAccessKey"]}
    store = boto3.client("s3", **{**AWS, "endpoint_url": parameters["S3Endpoint"], **keys})
    wanted = [parameters["SourceBucket"], *([found["ArchiveBucket"]] if "ArchiveBucket" in found else [])]
else:
    store, wanted = s3, [parameters["SourceBucket"]]
there = {bucket["Name"] for bucket in store.list_buckets()["Buckets"]}
for name in wanted:
    if name not in there:
        store.create_bucket(Bucket=name)

temporary = outputs.with_suffix(".tmp")
temporary.write_text(json.dumps({"Status": stack["StackStatus"], **found}, indent=2, sort_keys=True) + "\n")
temporary.replace(outputs)
