"""Signed notes: the published keys and notes of golang.org/x/mod/sumdb/note, and cosignatures."""

import pytest
from ledgers import SEED

from holdfast.core.audit.ledger.notes import (
    COSIGNATURE,
    ED25519,
    MAX_NOTE_BYTES,
    MAX_TIME,
    Signature,
    SignerKey,
    VerifierKey,
    open_note,
    parse_note,
    parse_signer,
    parse_verifier,
    write_note,
)
from holdfast.core.audit.ledger.reading import Malformed, Unproven

pytestmark = pytest.mark.unit

# From golang.org/x/mod, sumdb/note/note_test.go.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_PRIVATE = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
BY_PETER = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
BY_ENOCH = "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
# From transparency-dev/formats, note/note_cosigv1_test.go.
COSIGNER = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"
WITNESS = SignerKey("witness.example/w1", SEED, COSIGNATURE)


def note(*lines: str, text: str = TEXT) -> bytes:
    return f"{text}\n{''.join(lines)}".encode()


def names(data: bytes, *keys: str) -> tuple[str, ...]:
    text, verified = open_note(data, map(parse_verifier, keys))
    assert text == TEXT
    return tuple(each.key.name for each in verified)


def test_the_published_keys_are_read_and_written():
    for text, kind in ((PETER, ED25519), (ENOCH, ED25519), (COSIGNER, COSIGNATURE)):
        key = parse_verifier(text)
        assert (key.text, key.kind) == (text, kind)
    signer = parse_signer(PETER_PRIVATE)
    assert signer.verifier == parse_verifier(PETER)
    assert signer.text == PETER_PRIVATE
    assert parse_verifier(PETER).id.hex() == "c74f20a3"
    upper = PETER.replace("c74f20a3", "C74F20A3")
    assert parse_verifier(upper).text == PETER


def test_no_part_and_no_neighbour_of_a_key_is_a_key():
    for parse, text in ((parse_verifier, PETER), (parse_signer, PETER_PRIVATE)):
        for begin in range(len(text)):
            for end in range(begin + 1, len(text) + (begin > 0)):
                with pytest.raises(Malformed):
                    parse(text[begin:end])
        for at, character in enumerate(text):
            with pytest.raises(Malformed):
                parse(text[:at] + chr(ord(character) + 1) + text[at + 1 :])


@pytest.mark.parametrize(
    "key",
    [
        # A longer key and an unknown type, each with the right id: from note_test.go.
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        PETER.replace("c74f20a3", "c74f20a4"),
        PETER.replace("c74f20a3", "+74f20a3"),
        PETER.replace("c74f20a3", "٧74f20a3"),
        PETER.replace("PeterNeumann", ""),
        PETER.replace("PeterNeumann", "Peter Neumann"),
        PETER + "\n",
        PETER.replace("10TW", "10T\n"),
        VerifierKey("P" * 5000, SEED).text,
        PETER.replace("PeterNeumann", "\ud800"),
        "rekor.sigstore.dev+12345678+AwEB",
        "++",
    ],
)
def test_another_key_is_refused(key: str):
    with pytest.raises(Malformed, match="verifier key"):
        parse_verifier(key)


def test_no_message_tells_a_private_key():
    for text in (
        PETER_PRIVATE.replace("c74f20a3", "c74f20a4"),
        PETER_PRIVATE[:-1],
        PETER_PRIVATE.replace("KEY+", "KEY"),
    ):
        with pytest.raises(Malformed) as fault:
            parse_signer(text)
        assert "AYEKFALV" not in str(fault.value)
    assert "AYEK" not in repr(parse_signer(PETER_PRIVATE))
    assert repr(SEED) not in repr(WITNESS)


def test_a_note_is_signed_as_published():
    line = parse_signer(PETER_PRIVATE).sign(TEXT)
    assert line == BY_PETER
    assert write_note(TEXT, [line]) == note(BY_PETER)


def test_signatures_by_known_keys_are_verified_and_others_ignored():
    assert names(note(BY_PETER, BY_ENOCH), PETER) == ("PeterNeumann",)
    assert names(note(BY_PETER, BY_ENOCH), PETER, ENOCH) == ("PeterNeumann", "EnochRoot")
    assert names(note(BY_PETER, BY_ENOCH), PETER, PETER) == ("PeterNeumann",)
    assert names(note(BY_PETER.replace("— P", "— p"), BY_ENOCH), PETER, ENOCH) == ("EnochRoot",)
    assert names(note(BY_PETER.replace("x08g", "xxxx"), BY_ENOCH), PETER, ENOCH) == ("EnochRoot",)
    for keys in ((), (COSIGNER,)):
        with pytest.raises(Unproven, match="no signature by a known key"):
            names(note(BY_PETER, BY_ENOCH), *keys)
    assert [each.name for each in parse_note(note(BY_PETER, BY_ENOCH)).signatures] == ["PeterNeumann", "EnochRoot"]
    assert parse_note(note(BY_PETER)).signatures[0].line == BY_PETER


def test_a_signature_by_a_known_key_that_does_not_verify_refuses_the_note():
    bad = BY_PETER.replace("ZJkuBS9UG", "ZJkuBS9UH")
    for lines in ((bad,), (bad, BY_ENOCH), (BY_ENOCH, bad), (BY_PETER, bad)):
        with pytest.raises(Unproven, match=r"PeterNeumann\+c74f20a3 does not verify"):
            names(note(*lines), PETER, ENOCH)
    with pytest.raises(Unproven, match="does not verify"):
        open_note(note(BY_PETER, text=TEXT.replace("answer", "Answer")), [parse_verifier(PETER)])
    longer = BY_PETER.replace("ZJkuBS9UG", "ZJkuABCDBS9UG")
    with pytest.raises(Unproven, match="does not verify"):
        names(note(longer), PETER)


def test_two_keys_of_one_name_and_id_are_not_told_apart():
    one, other = (VerifierKey("PeterNeumann", number.to_bytes(32, "big")) for number in (107_677, 167_350))
    assert one.id == other.id == bytes.fromhex("9df6c197")
    with pytest.raises(Malformed, match=r"two keys are called PeterNeumann\+9df6c197"):
        open_note(note(BY_PETER), [parse_verifier(PETER), one, other])


@pytest.mark.parametrize(
    "data",
    [
        # From note_test.go.
        TEXT.encode(),
        note(),
        note(BY_PETER[:-1]),
        b"\x01" + note(BY_PETER),
        b"\xff" + note(BY_PETER),
        note(BY_PETER.replace("PeterNeumann", "Bad Name")[:-1]),
        note(BY_PETER, "Unexpected line.\n"),
        note(BY_PETER * 101),
        # Ours.
        b"",
        b"\n\n",
        note(BY_PETER, "\n"),
        note(BY_PETER.replace("\n", "\r\n")),
        note(BY_PETER.replace("— ", "- ")),
        note(BY_PETER.replace("— ", "—  ")),
        note(BY_PETER.replace("PeterNeumann", "Peter+Neumann")),
        note(BY_PETER.replace("PeterNeumann", "Peter\u2003Neumann")),
        note(BY_PETER.replace("nAM=", "nAN=")),  # other base64 of the same bytes
        note(BY_PETER.replace("nAM=", "nAM")),
        note(BY_PETER.replace("nAM=", "nA M=")),
        note("— PeterNeumann \n"),
        note("— PeterNeumann\n"),
        note("— PeterNeumann x08gow==\n"),
        note(BY_PETER, text=TEXT.replace("\n", "\t\n")),
        note(BY_PETER, text=TEXT + "x" * MAX_NOTE_BYTES + "\n"),
        "\ud800".encode("utf-8", "surrogatepass") + note(BY_PETER),
    ],
)
def test_a_malformed_note_is_refused(data: bytes):
    with pytest.raises(Malformed):
        open_note(data, [parse_verifier(PETER)])


def test_sixteen_large_signatures_are_accepted():
    large = [Signature(f"w{number}.example", b"abcd", bytes(2420)).line for number in range(16)]
    assert names(note(*large, BY_PETER), PETER) == ("PeterNeumann",)


def test_a_text_may_have_empty_lines():
    data = write_note("one\n\n\ntwo\n", [WITNESS.sign("one\n\n\ntwo\n", time=1)])
    assert parse_note(data).text == "one\n\n\ntwo\n"


@pytest.mark.parametrize(
    ("text", "lines"),
    [("abc", [BY_PETER]), ("", [BY_PETER]), (TEXT, []), (TEXT, ["x\n"]), ("a\rb\n", [BY_PETER]), ("\ud800\n", [BY_PETER]),
     (TEXT, ["\ud800"]), (TEXT, [BY_PETER, "\n" + BY_PETER]), (TEXT, ["more\n\n" + BY_PETER])],
)  # fmt: skip
def test_what_would_not_be_read_again_is_not_written(text: str, lines: list[str]):
    with pytest.raises(Malformed):
        write_note(text, lines)


# ── cosignatures ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_cosignature_states_its_time():
    line = WITNESS.sign(TEXT, time=1_679_315_147)
    _, verified = open_note(note(BY_PETER, line), [parse_verifier(PETER), WITNESS.verifier])
    assert [(each.key.name, each.time) for each in verified] == [("PeterNeumann", None), (WITNESS.name, 1_679_315_147)]
    value = parse_note(note(line)).signatures[0].value
    assert (len(value), value[:8]) == (72, (1_679_315_147).to_bytes(8, "big"))
    plain = VerifierKey(WITNESS.name, WITNESS.verifier.public)
    assert plain.id != WITNESS.verifier.id
    signed = b"cosignature/v1\ntime 1679315147\n" + TEXT.encode()
    assert plain.verify(signed.decode(), value[8:]) is None


def test_a_cosignature_of_another_time_or_text_does_not_verify():
    parsed = parse_note(note(WITNESS.sign(TEXT, time=1_000))).signatures[0]
    later = parsed._replace(value=(1_001).to_bytes(8, "big") + parsed.value[8:])
    short = parsed._replace(value=parsed.value[:7])
    beyond = SignerKey(WITNESS.name, SEED).sign(f"cosignature/v1\ntime {2**63}\n{TEXT}")
    value = (2**63).to_bytes(8, "big") + parse_note(note(beyond)).signatures[0].value
    for each in (later, short, parsed._replace(value=value)):
        with pytest.raises(Unproven):
            open_note(note(each.line), [WITNESS.verifier])
    with pytest.raises(Unproven):
        open_note(note(parsed.line, text="other\n"), [WITNESS.verifier])


@pytest.mark.parametrize(
    ("kind", "time"), [(ED25519, 1), (COSIGNATURE, None), (COSIGNATURE, -1), (COSIGNATURE, MAX_TIME + 1)]
)
def test_only_cosignatures_state_a_time(kind: int, time: int | None):
    with pytest.raises(Malformed, match="cannot state the time"):
        SignerKey("n", SEED, kind).sign(TEXT, time=time)


@pytest.mark.parametrize(
    "make",
    [lambda: SignerKey("n", SEED[1:]), lambda: SignerKey("", SEED), lambda: SignerKey("a+b", SEED), lambda: SignerKey("n", SEED, 6),
     lambda: VerifierKey("a b", SEED), lambda: VerifierKey("n", SEED, 0), lambda: VerifierKey("n", b"")],
)  # fmt: skip
def test_keys_are_checked_when_they_are_made(make):
    with pytest.raises(Malformed):
        make()
