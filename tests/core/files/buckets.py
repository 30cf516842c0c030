"""S3-compatible buckets for tests, in moto's server."""

from uuid import uuid4

import httpx

from holdfast.kernel.settings import Settings
from holdfast.kernel.storage.s3 import S3Storage, open_s3


def settings_for(moto: str, bucket: str, **more) -> Settings:
    given = {
        "storage": "s3",
        "s3_bucket": bucket,
        "s3_endpoint_url": moto,
        "aws_access_key_id": "test",
        "aws_secret_access_key": "test",
        "secret_key": "x" * 40,
        "_env_file": None,
    }
    return Settings(**{**given, **more})


def new_bucket(moto: str) -> str:
    name = f"b{uuid4().hex}"
    assert httpx.put(f"{moto}/{name}").status_code == 200
    return name


def bucket_of(moto: str) -> S3Storage:
    """Return a storage in a bucket of its own."""
    return open_s3(settings_for(moto, new_bucket(moto)))
