"""The settings of every service on this machine: state folder, ports and credentials as environment variables."""

from collections.abc import Callable

from shopsphere_kit.settings import LakeSettings

from shopsphere_local.ports import LOOPBACK, Ports
from shopsphere_local.servers import kafka, mongo, postgres, redis
from shopsphere_local.state import State

INVENTORY_DATABASE, FRAUD_DATABASE = 0, 1
# Kafka consumer groups of the stream workers.
INVENTORY_GROUP, FRAUD_GROUP = "shopsphere-inventory", "fraud-labels-worker"

Variables = dict[str, str]


def of_service(service: str, state: State, ports: Ports) -> Variables:
    """Return the variables of one service: what all share, and its own ports, folders and secrets."""
    return shared(state, ports) | _OWN[service](state, ports)


def lake_settings(state: State) -> LakeSettings:
    """Return how this machine's lake is opened."""
    return LakeSettings(
        catalog_type="sql", catalog_uri=f"sqlite:///{state.catalog}", warehouse=f"file://{state.warehouse}"
    )


def shared(state: State, ports: Ports) -> Variables:
    """Return what means the same to every process."""
    lake = lake_settings(state)
    return {
        "SHOPSPHERE_ENVIRONMENT": "dev",
        "SHOPSPHERE_AUTH_JWKS_FILE": str(state.jwks_file),
        "SHOPSPHERE_LAKE_CATALOG_NAME": lake.catalog_name,
        "SHOPSPHERE_LAKE_CATALOG_TYPE": lake.catalog_type,
        "SHOPSPHERE_LAKE_CATALOG_URI": lake.catalog_uri,
        "SHOPSPHERE_LAKE_WAREHOUSE": lake.warehouse,
        "SHOPSPHERE_SUPPRESSION_KEY_FILE": str(state.suppression_key_file),
        "SHOPSPHERE_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap(ports.kafka),
    }


def _ingest(state: State, ports: Ports) -> Variables:
    return {
        "INGEST_POSTGRES_DSN": postgres.dsn(ports.postgres, state.credentials().postgres_password),
        "INGEST_MONGO_URI": mongo.uri(ports.mongo),
        "INGEST_REST_PORT": str(ports.ingest_rest),
    }


def _transform(state: State, _ports: Ports) -> Variables:
    return {"TRANSFORM_CACHE_DIR": str(state.cache)}


def _inventory(state: State, ports: Ports) -> Variables:
    return {
        "INVENTORY_REDIS_URL": redis.url(ports.redis, state.credentials().redis_password, INVENTORY_DATABASE),
        "INVENTORY_REST_PORT": str(ports.inventory_rest),
        "INVENTORY_GRPC_PORT": str(ports.inventory_grpc),
        "INVENTORY_STREAM_APP_ID": INVENTORY_GROUP,
        "INVENTORY_STREAM_DATADIR": str(state.data / "inventory" / "stream"),
    }


def _fraud(state: State, ports: Ports) -> Variables:
    return {
        "FRAUD_REDIS_URL": redis.url(ports.redis, state.credentials().redis_password, FRAUD_DATABASE),
        "FRAUD_REST_PORT": str(ports.fraud_rest),
        "FRAUD_GRPC_PORT": str(ports.fraud_grpc),
        "FRAUD_STREAM_APP_ID": FRAUD_GROUP,
        "FRAUD_MODEL_DIR": str(state.data / "fraud" / "models"),
        "FRAUD_DATA_DIR": str(state.data / "fraud" / "stream"),
    }


def _customer360(state: State, ports: Ports) -> Variables:
    return {
        "CUSTOMER360_REST_PORT": str(ports.customer360_rest),
        "CUSTOMER360_GRPC_PORT": str(ports.customer360_grpc),
        "CUSTOMER360_PUBLIC_URL": f"http://{LOOPBACK}:{ports.customer360_rest}",
        "CUSTOMER360_DATA_DIR": str(state.data / "customer360"),
        "CUSTOMER360_LOOKUP_KEY": state.credentials().customer360_lookup_key,
        "CUSTOMER360_SESSION_KEY": state.credentials().customer360_session_key,
    }


_OWN: dict[str, Callable[[State, Ports], Variables]] = {
    "ingest": _ingest,
    "transform": _transform,
    "inventory": _inventory,
    "fraud": _fraud,
    "customer360": _customer360,
}
