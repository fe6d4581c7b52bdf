"""The label door: chargebacks from the topic fraud-labels into the velocity store."""

from collections.abc import Sequence

from shopsphere_kit import topics
from shopsphere_kit.errors import InvalidArgument
from shopsphere_kit.events import FraudLabel, decode_event
from shopsphere_kit.stream import Record, StreamWorker, run_worker

from fraud import bootstrap, metrics
from fraud.orders import Label
from fraud.settings import Settings
from fraud.store import Reject, VelocityStore
from fraud.units import epoch_ms


class LabelSink:
    """Takes in batches of label records; taking one in twice changes nothing."""

    def __init__(self, store: VelocityStore) -> None:
        self._store = store

    async def __call__(self, records: Sequence[Record]) -> None:
        """Keep the labels and put unreadable records aside, in one atomic step; raises VelocityUnavailable."""
        labels: list[Label] = []
        rejects: list[Reject] = []
        for record in records:
            read = read_label(record)
            if isinstance(read, Label):
                labels.append(read)
            else:
                rejects.append(read)
        await self._store.label(labels, rejects)
        metrics.LABELS.labels("taken").inc(len(labels))
        metrics.LABELS.labels("quarantined").inc(len(rejects))


def read_label(record: Record) -> Label | Reject:
    """Read one record; one that is no label becomes a Reject with its bytes, position and reason."""
    try:
        event = decode_event(record.value, FraudLabel)
    except InvalidArgument as error:
        return Reject(record.topic, record.partition, record.offset, error.reason, error.detail, record.value)
    return Label(event.order_id, event.is_fraud, epoch_ms(event.occurred_at))


async def consume(settings: Settings) -> None:
    """Take in labels until SIGTERM; raises VelocityUnavailable when Redis is away at the start."""
    worker = StreamWorker(
        app_id=settings.stream_app_id,
        topic=topics.FRAUD_LABELS.name,
        bootstrap_servers=settings.kafka.bootstrap_servers,
        datadir=settings.data_dir,
        instance_id=settings.stream_instance,
    )
    async with bootstrap.open_store(settings) as store:
        await store.load_functions()
        await run_worker(worker, LabelSink(store))
