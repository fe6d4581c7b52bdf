"""The invented people: stable, unique, changing at the stated rates, and spelled differently on the marketplace."""

from collections import Counter
from datetime import UTC, datetime

from journey_builders import CHANCE, people
from shopsphere_local.journey.people import Profile
from shopsphere_local.journey.spelling import Habit, habit_of, spell


def first_profiles() -> list[Profile]:
    return [versions[0] for versions in people().versions.values()]


def digits(phone: str | None) -> str:
    return "".join(c for c in phone or "" if c.isdigit())[-10:]


def test_every_household_of_the_year_is_a_customer_from_december_on() -> None:
    profiles = first_profiles()
    assert len(profiles) == 2_469
    start, end = datetime(2016, 12, 1, tzinfo=UTC), datetime(2017, 1, 1, tzinfo=UTC)
    assert all(start <= p.created_at < end and p.updated_at == p.created_at for p in profiles)


def test_no_two_households_share_an_email_a_phone_or_a_loyalty_number() -> None:
    for column in ("email", "phone", "loyalty_number"):
        owners: dict[str, set[int]] = {}
        for versions in people().versions.values():
            for profile in versions:
                owners.setdefault(getattr(profile, column), set()).add(profile.user_id)
        assert max(map(len, owners.values())) == 1, column


def test_the_second_emails_and_mistyped_ones_belong_to_one_household() -> None:
    shop = {p.email.lower(): p.user_id for versions in people().versions.values() for p in versions}
    for versions in people().versions.values():
        for profile in versions:
            email = spell(CHANCE, profile).email.lower()
            assert shop.setdefault(email, profile.user_id) == profile.user_id


def test_a_quarter_of_the_households_change_something_in_a_year() -> None:
    changes = sum(len(versions) - 1 for versions in people().versions.values())
    assert 0.22 < changes / 2_469 < 0.28


def test_versions_follow_each_other_in_time_and_end_when_the_account_does() -> None:
    for household, versions in people().versions.items():
        times = [profile.updated_at for profile in versions]
        closed_at = people().closed_at(household)
        assert times == sorted(set(times))
        assert closed_at is None or times[-1] < closed_at


def test_two_percent_of_the_accounts_are_closed_in_a_year() -> None:
    closed = sum(map(len, people().closures.values()))
    assert 0.012 < closed / 2_469 < 0.028


def test_the_birth_date_agrees_with_the_age_the_data_gives() -> None:
    for profile in first_profiles():
        if profile.age_band == "35-44":
            age = 2017 - profile.birth_date.year - ((profile.birth_date.month, profile.birth_date.day) > (1, 1))
            assert 35 <= age <= 44


def test_a_profile_is_the_version_valid_at_the_moment() -> None:
    changed = next(versions for versions in people().versions.values() if len(versions) > 1)
    before, after = changed[0], changed[1]
    assert people().profile_at(before.user_id, after.created_at) == before
    assert people().profile_at(before.user_id, after.updated_at) == after


def test_every_habit_of_spelling_leaves_the_link_it_names() -> None:
    habits: Counter[Habit] = Counter()
    for profile in first_profiles():
        buyer, habit = spell(CHANCE, profile), habit_of(CHANCE, profile.user_id)
        habits[habit] += 1
        assert (buyer.email.lower() == profile.email) == (habit is Habit.SAME_EMAIL)
        assert (digits(buyer.phone) == digits(profile.phone)) == (habit in {Habit.SAME_EMAIL, Habit.SAME_PHONE})
        assert (buyer.loyalty_number == profile.loyalty_number) == (habit is Habit.LOYALTY_NUMBER)
    assert 0.35 < habits[Habit.SAME_EMAIL] / 2_469 < 0.45
