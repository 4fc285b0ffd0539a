"""A stranger's file in one command, over the backend in plain NumPy."""

from __future__ import annotations

import csv
import io
import json
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import spotfw
from spotfw.contracts import NamedModel
from spotfw.plugins import Plugins
from spotfw.tasks import Task
from spotfw.testing import NumpyBackend
from spotfw.testing.tiny_library import fill_library

Run = Callable[..., Any]
COLUMNS = ("--text-column", "review", "--label-column", "stars")
SHORT = ("--steps", "4", "--checkpoint-every", "2", "--prompt-length", "4", "--embedding-step", "2")


def rows(count: int = 60, labels: Sequence[str] = ("Very good", "bad")) -> list[dict[str, Any]]:
    return [
        {
            "id": f"{number}",
            "review": f"this is the review of thing number {number}",
            "stars": labels[number % len(labels)],
        }
        for number in range(count)
    ]


def write(name: str, content: list[dict[str, Any]]) -> str:
    with Path(name).open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(content[0]))
        writer.writeheader()
        writer.writerows(content)
    return name


@pytest.fixture
def transfer(
    tmp_path: Path,
    spotfw_cli: Run,
    spotfw_plugins: Plugins,
    spotfw_tiny_tasks: tuple[Task, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> Run:
    """Runs ``spotfw transfer`` in a folder, on a model that comes with a library."""
    backend = NumpyBackend(answers=("Very good", "bad", "3"))
    spotfw_plugins.register(backend, "numpy")
    (tmp_path / "model").mkdir()
    model = backend.open(str(tmp_path / "model"))
    library = fill_library(
        tmp_path / "released",
        spotfw_tiny_tasks,
        width=model.width,
        fingerprint=str(model.fingerprint),
    )

    class Models:
        @spotfw.hookimpl
        def spotfw_models(self) -> list[NamedModel]:
            return [
                NamedModel(
                    name="small",
                    folder=lambda: str(tmp_path / "model"),
                    library=library.folder,
                    settings={"max_input_length": 64},
                )
            ]

    spotfw_plugins.register(Models(), "models")
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> Any:
        return spotfw_cli("transfer", *words, "--model", "small", "--backend", "numpy", *SHORT)

    return run


def test_from_a_csv_to_predictions(
    transfer: Run, spotfw_cli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = transfer(write("reviews.csv", rows(300)), *COLUMNS, "--json")
    assert ran.status == 0, ran.err
    facts = json.loads(ran.out)
    assert facts["rows"] == {"train": 180, "validation": 60, "test": 60}
    assert facts["majority"] == {"validation": 50.0, "test": 50.0}
    starts = [row["from"] for row in facts["outcomes"]]
    assert starts[0] == "from scratch" and len(starts) == 4
    # Of each source task one prompt, though its two seeds are more alike than any other task.
    assert len({start.split()[0] for start in starts[1:]}) == 3
    assert all(row["test"] is not None for row in facts["outcomes"])
    assert sum(row["best"] for row in facts["outcomes"]) == 1
    assert facts["score"] == max(row["score"] for row in facts["outcomes"])
    assert "prompts that come with the model small" in ran.err
    assert "split by content" in ran.err
    assert "tuning 1 of 4" in ran.err and "tuning 4 side by side" in ran.err

    line = shlex.split(facts["predict"])
    assert line[:2] == ["spotfw", "predict"] and line[-1] == "reviews.csv"
    as_it_stands = spotfw_cli(*line[1:], "--backend", "numpy")
    assert as_it_stands.status == 0 and len(as_it_stands.out.splitlines()) == 300
    words = [*line[1:-1], "--backend", "numpy"]
    Path("new.txt").write_text("a new thing\n\nanother\n")
    lines = spotfw_cli(*words, "new.txt", "--json")
    assert lines.status == 0, lines.err
    answers = json.loads(lines.out)
    assert [a["input"] for a in answers] == ["review: a new thing", "", "review: another"]
    assert answers[1]["output"] is None and answers[0]["output"]
    write("new.csv", [{"review": "a new thing", "id": "1"}, {"review": "another", "id": "2"}])
    table = spotfw_cli(*words, "new.csv", "--json")
    assert [a["output"] for a in json.loads(table.out)] == [
        a["output"] for a in answers if a["output"] is not None
    ]
    monkeypatch.setattr("sys.stdin", io.StringIO("a new thing\n"))
    piped = spotfw_cli(*words)
    assert piped.out.strip() == answers[0]["output"]


def test_the_same_command_again_gives_the_same_and_tunes_nothing(transfer: Run) -> None:
    first = transfer(write("reviews.csv", rows()), *COLUMNS, "--json")
    again = transfer("reviews.csv", *COLUMNS, "--json")
    assert again.out == first.out
    assert "tuning" in first.err and "tuning 1 of" not in again.err
    assert "nothing was tuned now" in again.err and "nothing was tuned now" not in first.err


def test_more_sources_than_there_are_tasks_are_not_promised(transfer: Run) -> None:
    ran = transfer(write("reviews.csv", rows()), *COLUMNS, "-k", "500", "--json")
    assert ran.status == 0, ran.err
    tasks = len(json.loads(ran.out)["outcomes"]) - 1
    assert f"-k 500 is more than the {tasks} tasks" in ran.err
    assert f"Prompts to tune: {1 + tasks}, " in ran.err and "4 steps each" in ran.err


def test_people_get_tables_and_the_line_to_paste(transfer: Run) -> None:
    ran = transfer(write("reviews.csv", rows()), *COLUMNS, "-k", "1")
    assert ran.status == 0, ran.err
    assert "from scratch" in ran.out and "always the most frequent label" in ran.out
    assert "spotfw predict runs/reviews-" in ran.out and " test " not in ran.out


@pytest.mark.parametrize("suffix", ["tsv", "jsonl"])
def test_other_kinds_of_files(transfer: Run, suffix: str) -> None:
    lines = [json.dumps(row) for row in rows()]
    if suffix == "tsv":
        lines = ["id\treview\tstars", *("\t".join(row.values()) for row in rows())]
    Path(f"reviews.{suffix}").write_text("\n".join(lines) + "\n")
    ran = transfer(f"reviews.{suffix}", "-k", "1", "--json")
    assert ran.status == 0, ran.err
    assert "Texts are taken from the column review, labels from stars" in ran.err
    assert json.loads(ran.out)["labels"] == {"Very good": 30, "bad": 30}


def test_tune_and_a_library_of_ones_own(transfer: Run, spotfw_cli: Run) -> None:
    write("reviews.csv", rows())
    words = ("--model", "small", "--backend", "numpy", *SHORT)
    ran = spotfw_cli(
        "tune", "reviews.csv", *COLUMNS, *words, "--out", "runs/mine", "--library", "own"
    )
    assert ran.status == 0, ran.err
    write("more.csv", rows(labels=("3", "bad")))
    ran = transfer("more.csv", "--library", "own", "--library", "small", "-k", "9", "--json")
    assert ran.status == 0, ran.err
    assert {r["task"] for r in json.loads(ran.out)["ranking"]} >= {"reviews", "tiny_words"}


def test_a_text_longer_than_the_model_reads_is_reported_before_tuning(
    transfer: Run, caplog: pytest.LogCaptureFixture
) -> None:
    content = rows()
    content[3]["review"] = "far " * 400
    ran = transfer(write("reviews.csv", content), *COLUMNS, "-k", "1", "--json")
    assert ran.status == 0, ran.err
    warned, tuned = ran.err.index("are longer than the 64 tokens"), ran.err.index("tuning 1")
    assert warned < tuned and "1.7% of the texts" in ran.err
    assert json.loads(ran.out)["cut"] == pytest.approx(1 / 60)
    for number in range(6):
        content[number]["review"] = f"{number} far" * 400
    ran = transfer(write("many.csv", content), *COLUMNS, "-k", "1", "--json")
    assert "10.0% of the texts are longer than the 64" in ran.err
    # The same is not said a second time, of the sample that a tuning looks at.
    assert "of the inputs of task" not in caplog.text


def one_class() -> list[dict[str, Any]]:
    return rows(labels=("bad",))


def nameless() -> list[dict[str, Any]]:
    return [row | {"review": "" if number % 3 else "x"} for number, row in enumerate(rows())]


def many() -> list[dict[str, Any]]:
    return rows(400, labels=[f"label {n}" for n in range(200)])


@pytest.mark.parametrize(
    ("content", "columns", "message"),
    [
        (
            rows(),
            ("--text-column", "reviw", "--label-column", "stars"),
            "has no column 'reviw'. Did you mean 'review'? Columns: id, review, stars. Name one "
            "with --text-column.",
        ),
        (rows(), ("--text-column", "review", "--label-column", "star"), "Did you mean 'stars'?"),
        (rows(), ("--text-column", "ideas", "--label-column", "stars"), "'ideas'. Columns: id,"),
        (one_class(), COLUMNS, "Every row of reviews.csv has the label 'bad'"),
        (rows(9), COLUMNS, "has 9 rows that can be used, and at least 10"),
        (nameless(), COLUMNS, "line 3: 'review' is blank"),
        (many(), COLUMNS, "200 different values"),
        (many(), (), "Columns: id, review, stars. By their content, texts could be review."),
        (rows(), ("--text-column", "text"), "has no column 'text'. Columns: id, review, stars."),
        ([{"a": n, "b": n} for n in range(20)], (), "Columns: a, b"),
    ],
)
def test_what_cannot_be_learned_is_one_paragraph(
    transfer: Run, content: list[dict[str, Any]], columns: Sequence[str], message: str
) -> None:
    ran = transfer(write("reviews.csv", content), *columns)
    assert ran.status in (1, 2) and ran.out == ""
    (error,) = [line for line in ran.err.splitlines() if line.startswith("Error: ")]
    assert message in error
    assert "Opening the model" not in ran.err and not Path("runs").exists()
    # What the command would start from is said once it starts.
    assert "Sources:" not in ran.err


def test_what_is_not_there_or_no_such_file(transfer: Run, spotfw_cli: Run) -> None:
    write("reviews.csv", rows())
    ran = transfer("reviewz.csv", *COLUMNS)
    assert ran.status == 1 and "Did you mean 'reviews.csv'?" in ran.err
    assert "Sources:" not in ran.err
    for misspelt in ("reviews.cvs", "review.csvv"):
        ran = transfer(misspelt, *COLUMNS)
        assert ran.status == 2 and "Did you mean the file 'reviews.csv'?" in ran.err
    for command in ("transfer", "tune"):
        out = ("--out", "x") if command == "tune" else ()
        ran = spotfw_cli(command, "reviews.txt", "--model", "small", *out)
        assert ran.status == 2 and "Write it as .csv, .tsv or .jsonl" in ran.err


def test_a_single_row_left_out_is_one_row(transfer: Run) -> None:
    content = rows()
    content[4]["stars"] = ""
    ran = transfer(write("reviews.csv", content), *COLUMNS, "-k", "1", "--json")
    assert "1 row cannot be used: line 6: 'stars' is blank." in ran.err


def test_a_file_that_changed_says_that_it_is_tuned_anew(transfer: Run) -> None:
    first = transfer(write("reviews.csv", rows()), *COLUMNS, "-k", "1", "--json")
    assert "tuned anew" not in first.err
    folder = Path(json.loads(first.out)["task_file"]).parent
    changed = transfer(write("reviews.csv", rows(62)), *COLUMNS, "-k", "1", "--json")
    assert f"Its rows or columns are not those of {folder}, so it is tuned anew" in changed.err
    again = transfer("reviews.csv", *COLUMNS, "-k", "1", "--json")
    assert "tuned anew" not in again.err and again.out == changed.out


def test_a_prompt_is_scored_on_a_file(transfer: Run, spotfw_cli: Run) -> None:
    ran = transfer(write("reviews.csv", rows()), *COLUMNS, "-k", "1", "--json")
    facts = json.loads(ran.out)
    words = ("evaluate", facts["best_prompt"])
    content = rows(40)
    content[7]["review"] = ""
    ran = spotfw_cli(*words, write("new.csv", content), *COLUMNS, "--backend", "numpy", "--json")
    assert ran.status == 0, ran.err
    scored = json.loads(ran.out)
    assert (scored["task"], scored["split"], scored["examples"]) == ("new.csv", "rows", 39)
    assert scored["majority"] == pytest.approx(100 * 20 / 39) and scored["unusable"] == 1
    assert "39 rows to score. 1 row cannot be used: line 9: 'review' is blank." in ran.err
    by_template = spotfw_cli(
        *words, "new.csv", "--task", facts["task_file"], "--backend", "numpy", "--json"
    )
    assert json.loads(by_template.out)["score"] == scored["score"]
    assert "Texts are taken from the column review, labels from stars" in by_template.err
    table = spotfw_cli(*words, "new.csv", *COLUMNS, "--backend", "numpy")
    assert "always the most frequent label" in table.out
    assert "can only be wrong" not in table.err
    content[3]["stars"] = content[5]["stars"] = "returned"
    some = spotfw_cli(*words, write("some.csv", content), *COLUMNS, "--backend", "numpy")
    assert "2 rows of these can only be wrong: the prompt was not learned to write" in some.err
    assert "'returned'" in some.err


def test_a_file_of_few_rows_is_read_by_the_columns_learned_with(
    transfer: Run, spotfw_cli: Run
) -> None:
    """Their content says nothing of so few; the prompt says it, and so does the task."""
    content = [{"text": f"a title {n % 7}", **row} for n, row in enumerate(rows())]
    columns = (*COLUMNS, "--text-column", "id")
    facts = json.loads(transfer(write("reviews.csv", content), *columns, "-k", "1", "--json").out)
    write("new.csv", [{**row, "at": "a day of the week"} for row in content[:3]])
    task = ("--task", facts["task_file"])
    for more in ((), task):
        ran = spotfw_cli("evaluate", facts["best_prompt"], "new.csv", *more, "--backend", "numpy")
        assert ran.status == 0, ran.err
        assert "from the column review, id, labels from stars, as where the prompt was" in ran.err
        assert "3 rows to score." in ran.err
    ran = spotfw_cli(
        "predict", facts["best_prompt"], "new.csv", *task, "--backend", "numpy", "--json"
    )
    assert json.loads(ran.out)[1]["input"] == f"review: {content[1]['review']} id: 1"
    alone = spotfw_cli("predict", facts["best_prompt"], "new.csv", "--backend", "numpy", "--json")
    assert alone.out == ran.out and "whole input" not in alone.err
    write("other.csv", [{"review": "fine"}])
    ran = spotfw_cli("predict", facts["best_prompt"], "other.csv", "--backend", "numpy")
    assert ran.status == 2 and "other.csv has no column 'id'." in ran.err


def test_tuned_weights_know_the_columns_of_their_file_too(transfer: Run, spotfw_cli: Run) -> None:
    write("new.csv", [{**row, "text": f"a title {n}"} for n, row in enumerate(rows(3))])
    about = {
        "settings": {"max_input_length": 16, "max_target_length": 4},
        "file_columns": {"texts": ["review"], "label": "stars"},
    }
    Path("run/model").mkdir(parents=True)
    Path("run/model/model_tuning.json").write_text(json.dumps(about))
    ran = spotfw_cli("evaluate", "run", "new.csv", "--backend", "numpy")
    assert ran.status == 0, ran.err
    assert "labels from stars, as where the weights were tuned" in ran.err
    ran = spotfw_cli("predict", "run", "new.csv", "--backend", "numpy", "--json")
    first = json.loads(ran.out)[0]["input"]
    assert first == "review: this is the review of thing number 0" and "whole" not in ran.err
    Path("run/model/model_tuning.json").write_text(json.dumps({**about, "labels": ["1", 5]}))
    ran = spotfw_cli("predict", "run", "new.csv", "--backend", "numpy")
    assert ran.status == 2 and "is damaged (its task and labels must be texts)" in ran.err


def test_lines_are_whole_inputs_and_it_is_said_how_they_look(
    transfer: Run, spotfw_cli: Run
) -> None:
    facts = json.loads(transfer(write("a.csv", rows()), *COLUMNS, "-k", "1", "--json").out)
    Path("new.txt").write_text("review: a new thing\n")
    ran = spotfw_cli("predict", facts["best_prompt"], "new.txt", "--backend", "numpy", "--json")
    assert json.loads(ran.out)[0]["input"] == "review: a new thing"
    assert "whole input, such as 'review: some text'. For texts alone, name" in ran.err


def test_what_a_prompt_cannot_be_scored_on(transfer: Run, spotfw_cli: Run) -> None:
    ran = transfer(write("reviews.csv", rows()), *COLUMNS, "-k", "1", "--json")
    facts = json.loads(ran.out)
    words = ("evaluate", facts["best_prompt"])
    write("other.csv", rows(labels=("yes", "no")))
    cases: dict[str, Sequence[str]] = {
        "no answer could be right": ("other.csv", *COLUMNS),
        "all rows are scored": ("reviews.csv", *COLUMNS, "--split", "test"),
        "is a task itself": (facts["task_file"], "--task", facts["task_file"]),
        "which says its columns itself": (facts["task_file"], *COLUMNS),
        "has no column 'words'": ("reviews.csv", "--text-column", "words"),
        "cannot be read": ("absent.csv", *COLUMNS),
    }
    for message, more in cases.items():
        ran = spotfw_cli(*words, *more, "--backend", "numpy")
        assert ran.status in (1, 2) and message in ran.err, (message, ran.err)


def test_each_labels_share_of_the_likelihood(transfer: Run, spotfw_cli: Run) -> None:
    ran = transfer(write("reviews.csv", rows()), *COLUMNS, "-k", "1", "--json")
    facts = json.loads(ran.out)
    Path("new.txt").write_text("a new thing\n\nanother\n")
    words = ("predict", facts["best_prompt"], "new.txt", "--backend", "numpy", "--scores")
    task = ("--task", facts["task_file"])
    first, blank, second = json.loads(spotfw_cli(*words, *task, "--json").out)
    assert blank["scores"] is None and set(first["scores"]) == {"Very good", "bad"}
    for row in (first, second):
        assert sum(row["scores"].values()) == pytest.approx(1)
    lines = spotfw_cli(*words, *task).out.splitlines()
    answer, likely, unlikely = lines[0].split("\t")
    assert answer == first["output"] and lines[1] == ""
    best = max(first["scores"], key=first["scores"].get)
    assert likely == f"{best} {first['scores'][best]:.4f}" and unlikely != likely
    # Without a task, the labels that the prompt was learned to write.
    by_prompt = json.loads(spotfw_cli(*words, "--json").out)
    assert set(by_prompt[0]["scores"]) == {"Very good", "bad"}


def test_rows_left_out_are_named_and_the_rest_is_used(transfer: Run) -> None:
    content = rows()
    content[4]["stars"] = content[7]["review"] = ""
    ran = transfer(write("reviews.csv", content), *COLUMNS, "-k", "1", "--json")
    assert ran.status == 0, ran.err
    assert "2 rows cannot be used: line 6: 'stars' is blank; line 9: 'review' is blank." in ran.err
    assert json.loads(ran.out)["unusable"] == 2


def test_wrong_use(transfer: Run, spotfw_cli: Run, spotfw_task_folder: Path) -> None:
    write("reviews.csv", rows())
    toml = str(spotfw_task_folder / "tiny_reviews.toml")
    cases = {
        "by itself, but 2 targets": ("reviews.csv", toml),
        "--embedding does not go with a data file": ("reviews.csv", "--embedding", "x.npy"),
        "which says its columns itself": (toml, *COLUMNS),
        "no library nowhere": ("reviews.csv", "--library", "nowhere"),
        "-k must be a whole number of 1 or more": ("reviews.csv", "-k", "0"),
    }
    for message, words in cases.items():
        ran = transfer(*words)
        assert ran.status in (1, 2) and message in ran.err, words
    assert not Path("runs").exists()  # all refused before anything is written or tuned
    ran = spotfw_cli("transfer", "reviews.csv", "--model", "./model", "--backend", "numpy")
    assert ran.status == 2 and "comes with no library of prompts" in ran.err


def test_predict_says_what_its_file_lacks(transfer: Run, spotfw_cli: Run) -> None:
    ran = transfer(write("reviews.csv", rows()), *COLUMNS, "-k", "1", "--json")
    facts = json.loads(ran.out)
    words = ("predict", facts["best_prompt"], "--backend", "numpy")
    task = ("--task", facts["task_file"])
    write("other.csv", [{"words": "so good", "id": "1"}])
    ran = spotfw_cli(*words, *task, "other.csv")
    assert ran.status == 2 and "has no column 'review'. Columns: words, id" in ran.err
    assert "--text-column" in ran.err
    assert spotfw_cli(*words, *task, "other.csv", "--text-column", "words").status == 0
    # The prompt knows by itself which columns it was learned from.
    ran = spotfw_cli(*words, "other.csv")
    assert ran.status == 2 and "has no column 'review'. Columns: words, id" in ran.err
    assert spotfw_cli(*words, *task, "absent.txt").status == 1
