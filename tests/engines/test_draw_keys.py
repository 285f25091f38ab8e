"""The secret of the draw: two custodians hold it, neither alone; a day's key tells nothing of another day."""

import hmac
import json
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import date, timedelta
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidewaiter.core.errors import ConflictError, InputError, NotKnownError
from tidewaiter.engines.selection.key_shares import parse_share, read_share, share_text, write_share
from tidewaiter.engines.selection.keys import Custody, Master, Share, combine, day_key, new_shares
from tidewaiter.engines.selection.sealed_store import Cost, open_sealed, read_sealed, seal, write_sealed

MARCH = date(2026, 3, 1)
JUNE = date(2026, 6, 1)
CHEAP = Cost(n=1 << 14, r=1)
FIRST, SECOND = "ten lighters at the quay", "the tide waits for nobody"

SECRETS = st.binary(min_size=32, max_size=32)
DAYS = st.dates(min_value=MARCH, max_value=date(2060, 1, 1))


def giving(*parts: bytes) -> Callable[[int], bytes]:
    """Return a source of randomness that gives these."""
    left = iter(parts)
    return lambda _: next(left)


def a_pair(from_day: date = MARCH) -> tuple[Share, Share]:
    return new_shares(secrets.token_bytes, from_day=from_day)


def a_master(from_day: date = MARCH) -> Master:
    return combine(*a_pair(from_day))


# --- shares and the master


@given(SECRETS, SECRETS)
def test_both_shares_make_the_master_in_either_order(first: bytes, second: bytes) -> None:
    one, other = new_shares(giving(first, second), from_day=MARCH)
    assert combine(one, other) == combine(other, one)


@given(SECRETS, SECRETS, SECRETS)
def test_one_share_alone_fits_every_master(first: bytes, second: bytes, third: bytes) -> None:
    """Whatever a master was made from, some second share makes the same master beside any first one."""
    _, other = new_shares(giving(first, second), from_day=MARCH)
    matching = bytes(a ^ b ^ c for a, b, c in zip(first, second, third, strict=True))
    assert combine(*new_shares(giving(third, matching), from_day=MARCH)).pair == other.pair


def test_keys_stay_what_they_are_from_release_to_release() -> None:
    master = combine(*new_shares(giving(b"\x01" * 32, b"\x02" * 32), from_day=MARCH))
    assert master.pair == "3991d0b4df73d2f3dc956a57d9b2b685"
    assert day_key(master, date(2026, 3, 2)).hex() == "21c6aa8ccdea2026c14a1d75e4b032050cceadc807f64151afd02962b0aaaf92"


def test_the_key_of_a_day_follows_from_the_master_by_hmac() -> None:
    master = a_master()
    expected = hmac.digest(bytes(master.secret), b"tidewaiter draw day\x002026-03-02", "sha256")
    assert day_key(master, date(2026, 3, 2)) == expected


@given(st.sets(DAYS, min_size=2, max_size=30))
def test_no_two_days_have_one_key(days: set[date]) -> None:
    master = a_master()
    assert len({day_key(master, day) for day in days} | {bytes(master.secret)}) == len(days) + 1


def test_a_pair_gives_no_key_of_a_day_before_its_first() -> None:
    with pytest.raises(NotKnownError, match="from 2026-03-01 on, none for 2026-02-28"):
        day_key(a_master(), MARCH - timedelta(days=1))


def test_one_custodian_cannot_stand_in_for_both() -> None:
    one, _ = a_pair()
    with pytest.raises(InputError, match="custodian 2 is needed"):
        combine(one, one)


def test_shares_of_two_pairs_are_told_apart() -> None:
    (one, _), (_, other) = a_pair(), a_pair(JUNE)
    with pytest.raises(InputError, match=f"two pairs: {one.pair}.*{other.pair}"):
        combine(one, other)


@given(SECRETS)
def test_a_custodian_cannot_change_the_draw_by_bringing_another_share(forged: bytes) -> None:
    one, other = a_pair()
    with pytest.raises(InputError, match="altered"):
        combine(one, Share(other.pair, 2, MARCH, bytearray(forged)))


def test_a_pair_cannot_be_moved_to_another_day() -> None:
    one, other = (Share(share.pair, share.custodian, JUNE, share.secret) for share in a_pair())
    with pytest.raises(InputError, match="altered"):
        combine(one, other)


def test_shares_that_name_two_first_days_are_refused() -> None:
    one, other = a_pair()
    with pytest.raises(InputError, match="two first days: 2026-03-01 and 2026-06-01"):
        combine(one, Share(other.pair, 2, JUNE, other.secret))


def test_what_is_printed_of_a_secret_does_not_show_it() -> None:
    one, other = a_pair()
    master = combine(one, other)
    shown = f"{one} {master} {Custody([master])!r}"
    assert not any(part.hex() in shown or repr(bytes(part)) in shown for part in (one.secret, master.secret))


def test_nothing_is_left_of_a_wiped_secret() -> None:
    one, other = a_pair()
    custody = Custody([combine(one, other)])
    for holder in (one, other, custody):
        holder.wipe()
    with pytest.raises(ConflictError, match="custodian 1 was wiped"):
        combine(one, other)
    with pytest.raises(ConflictError, match="both custodians"):
        custody.day_key(JUNE)
    with pytest.raises(ConflictError, match="wiped"):
        seal(custody, FIRST, SECOND, randomness=secrets.token_bytes, cost=CHEAP)


# --- rotation


@given(DAYS)
def test_a_new_pair_leaves_the_keys_of_earlier_days_as_they_were(day: date) -> None:
    old, new = a_master(MARCH), a_master(JUNE)
    custody = Custody([old])
    custody.add(new, today=date(2026, 5, 31))
    assert custody.day_key(day) == day_key(new if day >= JUNE else old, day)


@pytest.mark.parametrize(("from_day", "today"), [(JUNE, JUNE), (MARCH, date(2026, 1, 1)), (date(2026, 2, 1), MARCH)])
def test_a_new_pair_cannot_touch_a_day_whose_key_is_lodged_or_another_pairs(from_day: date, today: date) -> None:
    custody = Custody([a_master(MARCH)])
    with pytest.raises(InputError, match="begins after"):
        custody.add(a_master(from_day), today=today)


def test_two_pairs_cannot_begin_on_one_day() -> None:
    with pytest.raises(InputError, match="two pairs begin on 2026-03-01"):
        Custody([a_master(), a_master(), a_master(JUNE)])


def test_without_a_pair_there_is_no_custody() -> None:
    with pytest.raises(InputError, match="no pair"):
        Custody([])


def test_a_day_before_all_pairs_is_not_known() -> None:
    with pytest.raises(NotKnownError, match="the first begins on 2026-03-01"):
        Custody([a_master(JUNE), a_master(MARCH)]).day_key(date(2026, 2, 1))


def test_an_old_pair_is_kept_until_all_its_days_are_opened() -> None:
    masters = [a_master(MARCH), a_master(JUNE), a_master(date(2026, 9, 1))]
    custody = Custody(masters)
    custody.drop_before(date(2026, 8, 31))
    assert custody.masters == tuple(masters[1:])
    assert not masters[0].secret
    custody.drop_before(date(2026, 9, 1))
    assert custody.masters == tuple(masters[2:])
    custody.drop_before(date(2030, 1, 1))
    assert custody.day_key(date(2030, 1, 1))


# --- a share as text and file


@given(SECRETS, SECRETS, DAYS, st.sampled_from([0, 1]))
def test_a_share_reads_back_from_its_text(first: bytes, second: bytes, from_day: date, which: int) -> None:
    share = new_shares(giving(first, second), from_day=from_day)[which]
    assert parse_share(share_text(share)) == share
    typed = (
        share_text(share).upper().replace(share_text(share).splitlines()[0].upper(), share_text(share).splitlines()[0])
    )
    assert parse_share(typed.replace(" OF ", "of").replace("\n", "\n\n")) == share


@given(st.data())
def test_a_share_with_one_letter_changed_never_passes_for_another(data: st.DataObject) -> None:
    share = a_pair()[0]
    text = share_text(share)
    place = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.characters(codec="utf-8"))
    with suppress(InputError):
        assert parse_share(text[:place] + letter + text[place + 1 :]) == share


@given(st.text())
def test_any_other_text_is_refused_as_a_share(text: str) -> None:
    with pytest.raises(InputError):
        parse_share(text)


def test_everything_wrong_with_a_share_is_told_at_once_with_its_line() -> None:
    text = "tidewaiter draw share, form 1\ncustodian: 3 of 2\npiar: ab\nfrom: 2026-02-30\nsecret: 12\nsecret: 12\n"
    with pytest.raises(InputError) as refused:
        parse_share(text, "share.txt")
    told = [str(problem).partition(";")[0] for problem in refused.value.problems]
    assert told == [
        "share.txt:2: custodian must be `1 of 2` or `2 of 2`",
        "share.txt:3: this is no line of a share",
        "share.txt:4: from must be a day as YYYY-MM-DD",
        "share.txt:5: secret must be 64 hexadecimal digits",
        "share.txt:6: the line `secret: ...` stands twice",
        "share.txt: the line `pair: ...` is missing",
        "share.txt: the line `check: ...` is missing",
    ]


def test_the_other_custodians_secret_is_not_in_a_share() -> None:
    one, other = a_pair()
    assert share_text(other).splitlines()[5] not in share_text(one)


def test_a_share_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "first.txt"
    share = a_pair()[0]
    write_share(share, path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_share(path) == share


def test_a_share_that_others_could_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "first.txt"
    write_share(a_pair()[0], path)
    path.chmod(0o640)
    with pytest.raises(InputError, match=r"mode 0640.*chmod 600"):
        read_share(path)


def test_a_share_is_never_written_over_another(tmp_path: Path) -> None:
    path = tmp_path / "first.txt"
    one, other = a_pair()
    write_share(one, path)
    with pytest.raises(InputError, match="exists already"):
        write_share(other, path)
    assert read_share(path) == one


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"x" * (1 << 21)], ids=["empty", "no text", "huge"])
def test_a_file_that_holds_no_share_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "share.txt"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(InputError, match=r"share\.txt"):
        read_share(path)


def test_a_missing_file_a_folder_and_a_place_that_is_not_there_are_told(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.txt", tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            read_share(path)
    with pytest.raises(InputError, match="cannot be written"):
        write_share(a_pair()[0], tmp_path / "absent" / "share.txt")
    with pytest.raises(InputError, match="cannot be written"):
        write_sealed(b"", tmp_path / "absent" / "store")


# --- the sealed store


def sealed_store(custody: Custody) -> bytes:
    return seal(custody, FIRST, SECOND, randomness=secrets.token_bytes, cost=CHEAP)


def test_two_persons_open_the_store_together(tmp_path: Path) -> None:
    custody = Custody([a_master(MARCH), a_master(JUNE)])
    write_sealed(sealed_store(custody), tmp_path / "store")
    assert (tmp_path / "store").stat().st_mode & 0o777 == 0o600
    assert read_sealed(tmp_path / "store", FIRST, SECOND).masters == custody.masters


@pytest.mark.parametrize(
    ("first", "second"),
    [(FIRST, "a guess of the other"), ("a guess of the other", SECOND), (SECOND, FIRST), (FIRST, FIRST), ("", SECOND)],
)
def test_one_person_alone_opens_nothing(first: str, second: str) -> None:
    with pytest.raises(InputError, match="does not open"):
        open_sealed(sealed_store(Custody([a_master()])), first, second)


def test_the_keyboard_that_composes_a_letter_differently_opens_the_store_too() -> None:
    custody = Custody([a_master()])
    content = seal(custody, "caf\u00e9 au port", SECOND, randomness=secrets.token_bytes, cost=CHEAP)
    assert open_sealed(content, "cafe\u0301 au port", SECOND).masters == custody.masters


def test_no_secret_stands_readable_in_the_store() -> None:
    custody = Custody([a_master()])
    content = sealed_store(custody)
    assert custody.masters[0].secret.hex().encode() not in content


def test_sealing_twice_gives_two_documents() -> None:
    custody = Custody([a_master()])
    assert sealed_store(custody) != sealed_store(custody)


@given(st.data())
def test_a_store_with_one_byte_changed_gives_no_other_secret(data: st.DataObject) -> None:
    custody = Custody([a_master(MARCH), a_master(JUNE)])
    content = bytearray(sealed_store(custody))
    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with suppress(InputError):
        assert open_sealed(bytes(content), FIRST, SECOND).masters == custody.masters


def changed(content: bytes, **parts: object) -> bytes:
    return json.dumps(json.loads(content) | parts).encode()


@pytest.mark.parametrize(
    "parts",
    [
        {"scrypt": {"n": 1 << 40, "r": 8, "p": 1}},
        {"scrypt": {"n": 2, "r": 1, "p": 1}},
        {"scrypt": {"n": 1 << 14, "r": 1, "p": 1.5}},
        {"scrypt": {"n": "many", "r": 1, "p": 1}},
        {"scrypt": {"n": 16383, "r": 8, "p": 1}},
        {"scrypt": None},
        {"salts": ["00"]},
        {"nonce": "00"},
        {"nonce": 7},
        {"form": "of another make"},
        {"pairs": [{"pair": "x"}]},
        {"sealed": "no digits"},
    ],
)
def test_a_damaged_store_is_refused_before_it_costs_anything(parts: dict[str, object]) -> None:
    with pytest.raises(InputError, match="damaged"):
        open_sealed(changed(sealed_store(Custody([a_master()])), **parts), FIRST, SECOND)


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b"[" * 100_000, b"null", b'{"sealed": 1}'])
def test_what_is_no_store_is_refused(content: bytes) -> None:
    with pytest.raises(InputError, match=r"store\.json: this is not a sealed store"):
        open_sealed(content, FIRST, SECOND, file="store.json")


def test_pairs_cannot_change_days_in_the_store() -> None:
    content = sealed_store(Custody([a_master(MARCH)]))
    pairs = json.loads(content)["pairs"]
    with pytest.raises(InputError, match="altered"):
        open_sealed(changed(content, pairs=[pairs[0] | {"from": "2026-01-01"}]), FIRST, SECOND)


def test_a_sealed_secret_that_is_not_its_pairs_is_refused() -> None:
    content = sealed_store(Custody([Master("0" * 32, MARCH, bytearray(32))]))
    with pytest.raises(InputError, match="altered"):
        open_sealed(content, FIRST, SECOND)


def test_weak_passphrases_are_refused_all_at_once() -> None:
    with pytest.raises(InputError) as refused:
        seal(Custody([a_master()]), "short", "short", randomness=secrets.token_bytes)
    assert [problem.message.split()[1] for problem in refused.value.problems] == ["first", "second", "passphrases"]


def test_a_store_left_half_written_by_a_crash_is_of_no_account(tmp_path: Path) -> None:
    old, new = Custody([a_master()]), Custody([a_master()])
    write_sealed(sealed_store(old), tmp_path / "store")
    (tmp_path / ".store.new").write_bytes(b"{half")
    (tmp_path / ".store.new").chmod(0o644)
    assert read_sealed(tmp_path / "store", FIRST, SECOND).masters == old.masters
    write_sealed(sealed_store(new), tmp_path / "store")
    assert read_sealed(tmp_path / "store", FIRST, SECOND).masters == new.masters
    assert [path.name for path in tmp_path.iterdir()] == ["store"]
    assert (tmp_path / "store").stat().st_mode & 0o777 == 0o600


def test_no_two_days_of_two_pairs_have_one_key() -> None:
    custody = Custody([a_master(MARCH), a_master(JUNE)])
    keys = [custody.day_key(MARCH + timedelta(days=number)) for number in range(200)]
    assert all(one != other for one, other in combinations(keys, 2))
