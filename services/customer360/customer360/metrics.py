"""What Customer 360 counts beside what every door counts; no label holds personal data."""

from prometheus_client import Counter, Gauge

LOOKUPS = Counter(
    "shopsphere_customer360_lookups_total",
    "Lookups by e-mail or phone, by outcome (found, unknown).",
    ["by", "outcome"],
)
PROFILES = Gauge("shopsphere_customer360_profiles", "Profiles in the generation being served.")
RELEASE_PUBLISHED = Gauge(
    "shopsphere_customer360_release_published_timestamp_seconds",
    "When the release being served was published, Unix time.",
)
SWITCHES = Counter("shopsphere_customer360_generation_switches_total", "Generations taken up since the start.")
SIGN_INS = Counter(
    "shopsphere_customer360_sign_ins_total",
    "Dashboard sign-ins, by outcome (ok, refused).",
    ["outcome"],
)
