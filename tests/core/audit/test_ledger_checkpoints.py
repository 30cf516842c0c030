"""Checkpoints: what a log says of itself, and which of its keys may say it."""

import base64

import pytest
from ledgers import ORIGIN, SEED

from holdfast.core.audit.ledger.checkpoints import (
    Checkpoint,
    KeyRange,
    open_checkpoint,
    parse_checkpoint,
    sign_checkpoint,
)
from holdfast.core.audit.ledger.notes import COSIGNATURE, SignerKey, parse_note, write_note
from holdfast.core.audit.ledger.reading import MAX_SIZE, Malformed, Unproven
from holdfast.core.audit.ledger.tree import EMPTY_ROOT

pytestmark = pytest.mark.unit

# The specification's own example.
PUBLISHED = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
ROOT = base64.b64encode(bytes(range(32))).decode()
OLDER, NEWER = SignerKey(ORIGIN, SEED), SignerKey(ORIGIN, SEED[::-1])
WITNESS = SignerKey("witness.example/w1", bytes(32), COSIGNATURE)
RANGES = [KeyRange(OLDER.verifier, 0, 100), KeyRange(NEWER.verifier, 90)]


def at(size: int) -> Checkpoint:
    return Checkpoint(ORIGIN, size, bytes(range(32)) if size else EMPTY_ROOT)


def test_the_published_checkpoint_is_read_and_written():
    checkpoint = parse_checkpoint(PUBLISHED)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20_852_163)
    assert checkpoint.text == PUBLISHED
    assert parse_checkpoint(at(0).text) == at(0)
    assert parse_checkpoint(at(MAX_SIZE).text) == at(MAX_SIZE)
    assert parse_checkpoint(f"an origin with + and ü\n1\n{ROOT}\n").origin == "an origin with + and ü"


@pytest.mark.parametrize(
    "text",
    [
        "", "\n\n\n", f"o\n1\n{ROOT}", f"o\n1\n{ROOT}\nextension\n", f"o\n1\n{ROOT}\n\n", f"\n1\n{ROOT}\n", f"o\r\n1\r\n{ROOT}\r\n",
        f"o\n01\n{ROOT}\n", f"o\n+1\n{ROOT}\n", f"o\n-1\n{ROOT}\n", f"o\n1 \n{ROOT}\n", f"o\n1_0\n{ROOT}\n", f"o\n١\n{ROOT}\n",
        f"o\n\n{ROOT}\n", f"o\n0x1\n{ROOT}\n", f"o\n00\n{ROOT}\n", f"o\n{MAX_SIZE + 1}\n{ROOT}\n", f"o\n{'9' * 5000}\n{ROOT}\n",
        f"o\n1\n{ROOT[:-1]}\n", f"o\n1\n{ROOT}=\n", f"o\n1\n{ROOT} \n", "o\n1\nAAAA\n", f"o\n1\n{ROOT.replace('=', '')}\n",
        f"o\n1\n{ROOT[:-2]}9=\n", f"o\n0\n{ROOT}\n", f"{'o' * 256}\n1\n{ROOT}\n", f"\ud800\n1\n{ROOT}\n", f"o\x00\n1\n{ROOT}\n",
    ],
)  # fmt: skip
def test_any_other_text_is_refused(text: str):
    with pytest.raises(Malformed):
        parse_checkpoint(text)


@pytest.mark.parametrize(
    "values",
    [("", 1, bytes(32)), ("a\nb", 1, bytes(32)), ("o", -1, bytes(32)), ("o", 1, bytes(31)), ("o", 0, bytes(32))],
)
def test_a_checkpoint_is_checked_when_it_is_made(values):
    with pytest.raises(Malformed, match="checkpoint"):
        Checkpoint(*values)


def test_a_log_signs_and_witnesses_cosign():
    data = sign_checkpoint(at(7), OLDER)
    opened = open_checkpoint(data, origin=ORIGIN, keys=RANGES)
    assert (opened.checkpoint, [each.key for each in opened.signatures]) == (at(7), [OLDER.verifier])
    assert opened.cosignatures == ()
    data += WITNESS.sign(at(7).text, time=1_700_000_000).encode()
    opened = open_checkpoint(data, origin=ORIGIN, keys=RANGES, witnesses=[WITNESS.verifier])
    assert [(each.key, each.time) for each in opened.cosignatures] == [(WITNESS.verifier, 1_700_000_000)]
    assert open_checkpoint(data, origin=ORIGIN, keys=RANGES).cosignatures == ()


def test_a_log_signs_by_its_own_name_only():
    with pytest.raises(Malformed, match="cannot sign for"):
        sign_checkpoint(at(7), SignerKey("other.example", SEED))


@pytest.mark.parametrize(("signer", "size"), [(OLDER, 0), (OLDER, 100), (NEWER, 90), (NEWER, 100), (NEWER, MAX_SIZE)])
def test_a_key_signs_within_its_sizes(signer: SignerKey, size: int):
    opened = open_checkpoint(sign_checkpoint(at(size), signer), origin=ORIGIN, keys=RANGES)
    assert opened.checkpoint.size == size


@pytest.mark.parametrize(("signer", "size"), [(OLDER, 101), (OLDER, MAX_SIZE), (NEWER, 89), (NEWER, 0)])
def test_a_key_proves_nothing_beyond_its_sizes(signer: SignerKey, size: int):
    with pytest.raises(Unproven, match=f"may not sign a tree of {size}"):
        open_checkpoint(sign_checkpoint(at(size), signer), origin=ORIGIN, keys=RANGES)


def test_keys_may_overlap_while_they_change():
    text = at(50).text
    data = write_note(text, [OLDER.sign(text), NEWER.sign(text)])
    opened = open_checkpoint(data, origin=ORIGIN, keys=RANGES)
    assert [each.key for each in opened.signatures] == [OLDER.verifier]
    text = at(95).text
    data = write_note(text, [OLDER.sign(text), NEWER.sign(text)])
    assert len(open_checkpoint(data, origin=ORIGIN, keys=RANGES).signatures) == 2


def test_a_checkpoint_of_another_log_or_by_others_alone_is_refused():
    data = sign_checkpoint(at(7), OLDER)
    with pytest.raises(Unproven, match="not of 'other"):
        open_checkpoint(data, origin="other.example", keys=RANGES)
    with pytest.raises(Unproven, match="no signature by a known key"):
        open_checkpoint(data, origin=ORIGIN, keys=[KeyRange(SignerKey(ORIGIN, bytes(32)).verifier)])
    cosigned = write_note(at(7).text, [WITNESS.sign(at(7).text, time=1)])
    with pytest.raises(Unproven, match="its log has not signed it"):
        open_checkpoint(cosigned, origin=ORIGIN, keys=RANGES, witnesses=[WITNESS.verifier])
    # A key of another name, though listed among the log's, does not sign for it.
    stranger = SignerKey("other.example", SEED)
    by_stranger = write_note(at(7).text, [stranger.sign(at(7).text)])
    with pytest.raises(Unproven, match="its log has not signed it"):
        open_checkpoint(by_stranger, origin=ORIGIN, keys=[*RANGES, KeyRange(stranger.verifier)])


def test_what_is_signed_but_no_checkpoint_is_malformed():
    text = at(7).text + "extension\n"
    with pytest.raises(Malformed, match="three lines"):
        open_checkpoint(write_note(text, [OLDER.sign(text)]), origin=ORIGIN, keys=RANGES)


def test_each_changed_byte_is_noticed():
    data = sign_checkpoint(at(7), OLDER)
    assert parse_note(data).text == at(7).text
    for place in range(len(data)):
        for bit in (1, 128):
            changed = data[:place] + bytes([data[place] ^ bit]) + data[place + 1 :]
            with pytest.raises((Malformed, Unproven)):
                open_checkpoint(changed, origin=ORIGIN, keys=RANGES)
    for end in range(len(data)):
        with pytest.raises((Malformed, Unproven)):
            open_checkpoint(data[:end], origin=ORIGIN, keys=RANGES)
