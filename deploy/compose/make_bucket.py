"""Makes the bucket of the lake's warehouse when it is missing, and exits; run by the compose job `bucket`.

It asks the S3 store with the address and the key that the services use, so a wrong one shows here and at once.
"""

# ruff: noqa: INP001 - a program of its own, and no package
import sys
from typing import Any
from urllib.parse import urlsplit

import botocore.session  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import ClientError  # type: ignore[import-untyped]
from pydantic import SecretStr
from shopsphere_kit.settings import LakeSettings


def bucket_of(warehouse: str) -> str:
    """The bucket of s3://bucket/prefix; raises ValueError when the warehouse is not in S3."""
    parts = urlsplit(warehouse)
    if parts.scheme != "s3" or not parts.netloc:
        raise ValueError(f"SHOPSPHERE_LAKE_WAREHOUSE is {warehouse!r}; make it s3://bucket/prefix")
    return parts.netloc


def open_store(settings: LakeSettings) -> Any:
    """A client of the S3 store of the settings."""

    def plain(secret: SecretStr | None) -> str | None:
        return secret.get_secret_value() if secret else None

    return botocore.session.get_session().create_client(
        "s3",
        region_name=settings.s3_region,
        endpoint_url=settings.s3_endpoint,
        aws_access_key_id=plain(settings.s3_access_key_id),
        aws_secret_access_key=plain(settings.s3_secret_access_key),
        # The store has one name; a bucket's name in front of it would resolve to nothing.
        config=Config(s3={"addressing_style": "path"}),
    )


def make(store: Any, bucket: str) -> bool:
    """Make the bucket and return True; False when it is there already. Raises ClientError when refused."""
    try:
        store.head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] not in {"404", "NoSuchBucket"}:
            raise
        store.create_bucket(Bucket=bucket)
        return True
    return False


def main() -> None:
    """Make the bucket of SHOPSPHERE_LAKE_WAREHOUSE."""
    settings = LakeSettings()
    bucket = bucket_of(settings.warehouse)
    sys.stdout.write(f"{bucket}: {'made' if make(open_store(settings), bucket) else 'there already'}\n")


if __name__ == "__main__":
    main()
