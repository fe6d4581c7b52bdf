"""Where profiles are kept: generations, each a complete copy of one gold release.

A generation is written aside, then published in one step; readers hold the generation that they started with. The one
before the current one stays readable, so that a reader in the middle of a timeline can finish it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, Self

from customer360.errors import LoadRunning, NothingLoaded, ReleaseReplaced
from customer360.overview import Overview
from customer360.profile import Profile, ReleaseStamp, TimelineEntry


@dataclass(frozen=True, slots=True)
class CustomerRecord:
    """One customer as it is written: the profile, the timeline newest first, the digests that find it."""

    profile: Profile
    timeline: Sequence[TimelineEntry] = ()
    digests: Iterable[bytes] = ()


@dataclass(frozen=True, slots=True)
class GenerationInfo:
    """What a generation says about itself; `key_fingerprint` tells which lookup key its digests were made with."""

    release: ReleaseStamp
    key_fingerprint: str
    profiles: int = 0


class Generation(Protocol):
    """A complete, unchanging copy of one release."""

    @property
    def info(self) -> GenerationInfo:
        """Which release, and how many profiles."""
        ...

    def profile(self, customer_id: str) -> Profile | None:
        """The customer's profile, a tombstone when deleted, None when unknown."""
        ...

    def find(self, digest: bytes) -> tuple[str, ...]:
        """The ids of the customers known under the digest, sorted."""
        ...

    def timeline(self, customer_id: str, start: int, count: int) -> list[TimelineEntry]:
        """At most `count` entries from position `start` on, newest first."""
        ...

    def overview(self) -> Overview:
        """The figures of the overview page."""
        ...


class GenerationWriter(Protocol):
    """A generation in the making; leaving its context without `publish` throws it away."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: object) -> None: ...

    def add(self, records: Iterable[CustomerRecord]) -> None:
        """Write customers; each customer once."""
        ...

    def publish(self, overview: Overview) -> None:
        """Make the generation the current one, in one step."""
        ...


class ProfileStore(Protocol):
    """Generations of profiles, of which one is current."""

    def current(self) -> Generation:
        """The current generation; raises `NothingLoaded` before the first."""
        ...

    def at(self, release_id: str) -> Generation:
        """The current or the previous generation, by its release; raises `ReleaseReplaced`."""
        ...

    def writer(self, release: ReleaseStamp, key_fingerprint: str) -> GenerationWriter:
        """Begin a generation; raises `LoadRunning` while another one is being written."""
        ...

    def refresh(self) -> bool:
        """Take up a generation that another process has published; True when the current one changed."""
        ...

    def close(self) -> None:
        """Let go of every file."""
        ...


def nothing_loaded() -> NothingLoaded:
    """Before the first load."""
    return NothingLoaded("no release is loaded yet; run `python -m customer360 load`", retry_after_seconds=30)


def release_replaced() -> ReleaseReplaced:
    """The wanted release is neither the current nor the previous one."""
    return ReleaseReplaced("the page belongs to a replaced release; start again without page_token", field="page_token")


def load_running() -> LoadRunning:
    """Two loads into one store at once."""
    return LoadRunning("another load is writing to this store; wait for it to end")


@dataclass
class InMemoryGeneration:
    """A generation in dictionaries."""

    info: GenerationInfo
    profiles: dict[str, Profile] = field(default_factory=dict)
    timelines: dict[str, tuple[TimelineEntry, ...]] = field(default_factory=dict)
    customers_by_digest: dict[bytes, set[str]] = field(default_factory=dict)
    figures: Overview | None = None

    def profile(self, customer_id: str) -> Profile | None:
        """The customer's profile, a tombstone when deleted, None when unknown."""
        return self.profiles.get(customer_id)

    def find(self, digest: bytes) -> tuple[str, ...]:
        """The ids of the customers known under the digest, sorted."""
        return tuple(sorted(self.customers_by_digest.get(digest, ())))

    def timeline(self, customer_id: str, start: int, count: int) -> list[TimelineEntry]:
        """At most `count` entries from position `start` on, newest first."""
        return list(self.timelines.get(customer_id, ())[start : start + count])

    def overview(self) -> Overview:
        """The figures of the overview page."""
        if self.figures is None:
            raise NothingLoaded("the generation was never published")
        return self.figures


class InMemoryGenerationWriter:
    """Collects a generation for an `InMemoryProfileStore`."""

    def __init__(self, store: "InMemoryProfileStore", info: GenerationInfo) -> None:
        self._store = store
        self._made = InMemoryGeneration(info)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._store.release_writer()

    def add(self, records: Iterable[CustomerRecord]) -> None:
        """Write customers; each customer once."""
        for record in records:
            customer_id = record.profile.customer_id
            self._made.profiles[customer_id] = record.profile
            self._made.timelines[customer_id] = tuple(record.timeline)
            for digest in record.digests:
                self._made.customers_by_digest.setdefault(digest, set()).add(customer_id)

    def publish(self, overview: Overview) -> None:
        """Make the generation the current one, in one step."""
        self._made.figures = overview
        info = self._made.info
        self._made.info = GenerationInfo(info.release, info.key_fingerprint, len(self._made.profiles))
        self._store.switch_to(self._made)


class InMemoryProfileStore:
    """A `ProfileStore` for tests, and for trying the doors without a file."""

    def __init__(self) -> None:
        self._kept: list[InMemoryGeneration] = []
        self._writing = False

    def current(self) -> InMemoryGeneration:
        """The current generation; raises `NothingLoaded` before the first."""
        if not self._kept:
            raise nothing_loaded()
        return self._kept[0]

    def at(self, release_id: str) -> InMemoryGeneration:
        """The current or the previous generation, by its release; raises `ReleaseReplaced`."""
        for generation in self._kept:
            if generation.info.release.release_id == release_id:
                return generation
        raise release_replaced()

    def writer(self, release: ReleaseStamp, key_fingerprint: str) -> InMemoryGenerationWriter:
        """Begin a generation; raises `LoadRunning` while another one is being written."""
        if self._writing:
            raise load_running()
        self._writing = True
        return InMemoryGenerationWriter(self, GenerationInfo(release, key_fingerprint))

    def refresh(self) -> bool:
        """Nothing can change behind this store's back."""
        return False

    def close(self) -> None:
        """There is nothing to let go of."""

    def release_writer(self) -> None:
        """Another generation may be written."""
        self._writing = False

    def switch_to(self, generation: InMemoryGeneration) -> None:
        """Make the generation the current one and keep the one before."""
        self._kept = [generation, *self._kept[:1]]
