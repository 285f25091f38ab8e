"""A new installation from the command line: set up, officers, tokens, a folder of profiles."""

import stat
from pathlib import Path

import pytest
from tests.dossier import dossier

from tidewaiter.actions.administration import caller_of
from tidewaiter.core.role import Role
from tidewaiter.faces.cli.main import exit_code
from tidewaiter.storage.records.models import Grant, Officer, ProfileVersion, Proposal, Publication, Token

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(tmp_path: Path) -> str:
    """Return the file with the first administrator's token; that of the inspectorate stands beside it."""
    file, other = tmp_path / "root.token", tmp_path / "inspector.token"
    first = ["--login", "root", "--token-to", str(file)]
    assert exit_code(["setup", *first, "--inspector", "inspector", "--inspector-token-to", str(other)]) == 0
    return str(file)


def inspector(root: str) -> list[str]:
    """Return the option with the inspectorate's token."""
    return ["--token-file", str(Path(root).with_name("inspector.token"))]


def added(root: str, folder: Path, login: str, *roles: Role) -> str:
    """Add an officer, confirmed by the inspectorate, and return the file with a token of theirs."""
    named = [part for role in roles for part in ("--role", role.value)]
    assert exit_code(["officer", "add", login, *named, "--token-file", root]) == 0
    file = folder / f"{login}.token"
    issue = ["token", "issue", "own", "--officer", login, "--token-to", str(file), "--token-file", root]
    assert exit_code(issue) == 0
    grant, token = Grant.objects.get(state="waiting"), Token.objects.get(waits=True)
    assert exit_code(["officer", "confirm", str(grant.pk), *inspector(root)]) == 0
    assert exit_code(["token", "confirm", str(token.pk), *inspector(root)]) == 0
    return str(file)


def test_setting_up_makes_two_persons_and_publishes(root: str) -> None:
    assert {one.login: one.roles for one in Officer.objects.all()} == {
        "root": ["administrator"],
        "inspector": ["inspectorate"],
    }
    assert Publication.objects.count() == 1
    for file in (Path(root), Path(root).with_name("inspector.token")):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert exit_code(["officer", "list", *inspector(root)]) == 0


def test_an_installation_is_set_up_once(root: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(["setup", "--login", "other", "--inspector", "another"]) == 2
    assert "officers already" in capsys.readouterr().err


def test_setting_up_gives_each_person_a_token_on_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(["setup", "--login", "root", "--inspector", "inspector"]) == 0
    administrator, inspectorate = capsys.readouterr().out.splitlines()
    at = Token.objects.latest("pk").made_at
    assert [str(caller_of(text, at).who) for text in (administrator, inspectorate)] == ["root", "inspector"]


def test_one_person_or_one_file_for_both_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    file = str(tmp_path / "both.token")
    both = ["--token-to", file, "--inspector-token-to", file]
    assert exit_code(["setup", "--login", "root", "--inspector", "inspector", *both]) == 2
    assert exit_code(["setup", "--login", "root", "--inspector", "Root"]) == 2
    assert exit_code(["setup", "--login", "root"]) == 2
    assert not Officer.objects.exists()


def test_the_administrator_adds_offices_officers_clients_and_tokens(root: str, tmp_path: Path) -> None:
    assert exit_code(["office", "add", "MAIN", "--token-file", root]) == 0
    assert exit_code(["client", "add", "clearance", "--token-file", root]) == 0
    file = tmp_path / "c.token"
    scoped = ["--client", "clearance", "--scope", "decision.take", "--token-to", str(file)]
    assert exit_code(["token", "issue", "c", *scoped, "--token-file", root]) == 0
    token = Token.objects.get(label="c")
    assert exit_code(["token", "confirm", str(token.pk), "--token-file", root]) == 2
    assert exit_code(["token", "confirm", str(token.pk), *inspector(root)]) == 0
    assert caller_of(file.read_text().strip(), token.made_at).scopes == {"decision.take"}
    assert exit_code(["token", "revoke", str(token.pk), "--token-file", root]) == 0
    token.refresh_from_db()
    assert token.revoked_at is not None


def test_a_clearance_is_of_the_scheme_that_was_set_up(root: str, capsys: pytest.CaptureFixture[str]) -> None:
    ann = ["officer", "add", "ann", "--role", "analyst", "--clearance", "2", "--token-file", root]
    assert exit_code(ann) == 2
    assert "rank 2 is not in the classification scheme" in capsys.readouterr().err
    assert exit_code(["classification", "add", "2", "SECRET", "--label", "Secret", "--token-file", root]) == 0
    assert exit_code(["classification", "add", "1", "OFFICIAL", "--token-file", root]) == 0
    assert exit_code(["classification", "add", "2", "OTHER", "--token-file", root]) == 2
    capsys.readouterr()
    assert exit_code(["classification", "list", *inspector(root)]) == 0
    assert capsys.readouterr().out.splitlines() == ["1  OFFICIAL  OFFICIAL", "2  SECRET  Secret"]
    assert exit_code(ann) == 0


def test_what_waits_is_listed_with_who_asked(root: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(["classification", "add", "1", "OFFICIAL", "--token-file", root]) == 0
    assert exit_code(["officer", "add", "ann", "--role", "analyst", "--clearance", "1", "--token-file", root]) == 0
    file = tmp_path / "ann.token"
    assert exit_code(["token", "issue", "own", "--officer", "ann", "--token-to", str(file), "--token-file", root]) == 0
    capsys.readouterr()
    assert exit_code(["officer", "waiting", *inspector(root)]) == 0
    grant, token = capsys.readouterr().out.splitlines()
    assert "ann  asked by root: not in use, clearance 0" in grant
    assert grant.endswith("-> in use, clearance 1, all offices, analyst")
    assert token.endswith("ann  own: waiting, issued by root")
    assert exit_code(["officer", "list", "--token-file", str(file)]) == 2
    told = capsys.readouterr().err
    assert "the token waits for a second person" in told
    assert "the account of its owner waits" in told
    refused = [
        ["officer", "refuse", str(Grant.objects.get().pk)],
        ["token", "refuse", str(Token.objects.latest("pk").pk)],
    ]
    assert [exit_code([*one, *inspector(root)]) for one in refused] == [0, 0]
    capsys.readouterr()
    assert exit_code(["officer", "waiting", *inspector(root)]) == 0
    assert exit_code(["token", "list", *inspector(root)]) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith("refused, issued by root, decided by inspector")


def test_an_officer_moves_to_another_office_when_it_is_confirmed(root: str, tmp_path: Path) -> None:
    added(root, tmp_path, "ann", Role.EXAMINER)
    assert exit_code(["office", "add", "PORT", "--token-file", root]) == 0
    change = ["officer", "change", "ann", "--role", "examiner", "--clearance", "0", "--token-file", root]
    assert exit_code([*change, "--office", "PORT", "--all-offices"]) == 2
    assert exit_code([*change, "--office", "PORT"]) == 0
    assert Officer.objects.get(login="ann").office is None
    assert exit_code(["officer", "confirm", str(Grant.objects.latest("pk").pk), *inspector(root)]) == 0
    assert Officer.objects.get(login="ann").office_id == "PORT"


def test_a_token_is_written_over_no_file(root: str, tmp_path: Path) -> None:
    issue = ["token", "issue", "own", "--officer", "root", "--token-to", root, "--token-file", root]
    assert exit_code(issue) == 2


def test_an_officer_is_taken_out_of_use(root: str, tmp_path: Path) -> None:
    added(root, tmp_path, "ann", Role.PROFILE_AUTHOR)
    change = ["officer", "change", "ann", "--role", "analyst", "--clearance", "0", "--inactive", "--token-file", root]
    assert exit_code(change) == 0
    assert not Officer.objects.get(login="ann").active


def test_who_may_not_add_officers_is_refused(root: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    author = added(root, tmp_path, "ann", Role.PROFILE_AUTHOR)
    assert exit_code(["officer", "add", "bob", "--role", "analyst", "--token-file", author]) == 2
    assert "officer.add" in capsys.readouterr().err


def a_pack(folder: Path) -> Path:
    for name, text in {
        "profiles/fw-1": dossier(condition="light AND in_list(importer_code, 'watched')"),
        "indicators/mass": "indicators:\n  light:\n    condition: net_mass < 5 AND NOT heavy\n",
        "indicators/other": "indicators:\n  heavy:\n    condition: in_list(importer_code, 'trusted')\n",
        "lists/watched": "list: watched\nfile: watched.csv\n",
        "lists/trusted": "list: trusted\nentries: [I9]\n",
    }.items():
        file = folder / f"{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    (folder / "lists/watched.csv").write_text("value,note\nI1,report 7\n", encoding="utf-8")
    return folder


def imported(folder: Path, token: str) -> int:
    return exit_code(["profile", "import", str(folder), "--reason", "first pack", "--token-file", token])


def test_a_folder_is_taken_in_as_drafts_and_proposals(
    root: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    author = added(root, tmp_path, "ann", Role.PROFILE_AUTHOR)
    pack = a_pack(tmp_path / "pack")
    assert imported(pack, author) == 0
    version = ProfileVersion.objects.get()
    assert (str(version), version.status, version.author.login) == ("FW-1@1", "draft", "ann")
    assert {str(one): one.state for one in Proposal.objects.all()} == {
        "indicator mass@1": "proposed",
        "indicator other@1": "proposed",
        "list trusted@1": "proposed",
        "list watched@1": "proposed",
    }
    assert "I1" in Proposal.objects.get(name="watched").text
    capsys.readouterr()
    assert imported(pack, author) == 0
    assert all(line.startswith("unchanged") for line in capsys.readouterr().out.splitlines())


def test_a_changed_file_rewrites_the_own_draft(root: str, tmp_path: Path) -> None:
    author = added(root, tmp_path, "ann", Role.PROFILE_AUTHOR)
    pack = a_pack(tmp_path / "pack")
    imported(pack, author)
    file = pack / "profiles/fw-1.yaml"
    file.write_text(file.read_text().replace("far below", "well below"))
    assert imported(pack, author) == 0
    assert "well below" in ProfileVersion.objects.get().text


def test_a_folder_with_a_problem_is_not_taken_in_at_all(root: str, tmp_path: Path) -> None:
    author = added(root, tmp_path, "ann", Role.PROFILE_AUTHOR)
    pack = a_pack(tmp_path / "pack")
    (pack / "profiles/fw-2.yaml").write_text("code: FW-2\ncondition: orign = 'CN'\n")
    assert imported(pack, author) == 2
    assert not ProfileVersion.objects.exists()
    assert not Proposal.objects.exists()


def test_the_starter_pack_can_be_taken_in(root: str, tmp_path: Path) -> None:
    author = added(root, tmp_path, "ann", Role.PROFILE_AUTHOR)
    assert exit_code(["starter", str(tmp_path / "starter")]) == 0
    assert imported(tmp_path / "starter", author) == 0
    assert ProfileVersion.objects.count() >= 20


def test_who_decides_about_keeping_is_told_what_came_of_it(
    root: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = (["--token-file", added(root, tmp_path, login, Role.PRIVACY_OFFICER)] for login in ("pia", "pat"))
    propose = ["retention", "propose", "declaration", "1825", "--legal-basis", "Customs Act, s. 12"]
    assert exit_code([*propose, *one]) == 0
    capsys.readouterr()
    assert exit_code(["retention", "approve", "declaration", "1", *other]) == 0
    assert capsys.readouterr().out == "rule 1 for declaration is in force: 1825 days\n"
    assert exit_code(["retention", "due", *one]) == 0
    assert capsys.readouterr() == ("", "nothing is due\n")
    assert exit_code(["purge", "make", "declaration:D1", "--reason", "asked for", *one]) == 0
    number = capsys.readouterr().out.split(":")[0]
    assert exit_code(["purge", "approve", number, *other]) == 0
    assert capsys.readouterr().out.startswith(f"list {number} is approved; ")
