"""Readers of published files, on small files in the published form, bad ones among them."""

import json

import pytest

from spotfw.errors import SpotError
from spotfw.tasks.rows.bound import BoundRow, UnusableRow
from spotfw_paper_tasks.families import beyond, commonsense, nli, sentiment, similarity
from spotfw_paper_tasks.rows import open_rows

DATASETS = {
    d.name: d for m in (nli, similarity, sentiment, commonsense, beyond) for d in m.DATASETS
}


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Reads a split of a data set whose folder is in SPOTFW_DATA: usable rows, then others."""
    monkeypatch.setenv("SPOTFW_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    def rows(name, split="train"):
        dataset = DATASETS[name]
        usable, unusable = [], []
        for row in open_rows(dataset, split):
            if isinstance(row, BoundRow):
                usable += dataset.examples(row.cells)
            elif isinstance(row, UnusableRow):
                unusable.append((row.line, row.reason))
        return usable, unusable

    return rows


@pytest.fixture
def folder(tmp_path):
    def make(name):
        (tmp_path / name).mkdir()
        return tmp_path / name

    return make


def jsonl(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


ART = {"story_id": "s", "obs1": "A.", "obs2": "B.", "hyp1": "C.", "hyp2": "D."}


class TestLabelFiles:
    def test_labels_count_from_one(self, read, folder):
        made = folder("alpha_nli")
        jsonl(made / "train.jsonl", ART, {**ART, "obs1": "Zwölf."})
        (made / "train-labels.lst").write_text("2\n1\n")
        examples, wrong = read("alpha_nli")
        assert [(e.inputs, e.targets) for e in examples] == [
            ("alpha_nli observation1: A. observation2: B. choice1: C. choice2: D.", "choice2"),
            ("alpha_nli observation1: Zwölf. observation2: B. choice1: C. choice2: D.", "choice1"),
        ]
        assert wrong == []

    def test_validation_is_the_dev_files(self, read, folder):
        made = folder("social_i_qa")
        row = {"context": "A.", "question": "B?", "answerA": "x", "answerB": "y", "answerC": "z"}
        jsonl(made / "dev.jsonl", row)
        (made / "dev-labels.lst").write_text("3\n")
        examples, _ = read("social_i_qa", "validation")
        assert [e.targets for e in examples] == ["choice3"]

    def test_bad_rows_keep_their_place_beside_the_labels(self, read, folder):
        made = folder("alpha_nli")
        good = json.dumps(ART).encode()
        (made / "train.jsonl").write_bytes(
            b"\n".join([good, b"{broken", good, b'{"obs1": "\xff"}', good, good, good, good])
            + b"\n"
        )
        (made / "train-labels.lst").write_text("1\n2\n2\n1\nx\n3\n1\n2\n")
        examples, wrong = read("alpha_nli")
        assert [e.targets for e in examples] == ["choice1", "choice2", "choice1", "choice2"]
        assert wrong == [
            (2, "it cannot be read"),
            (4, "it cannot be read"),
            (5, "no column 'label'"),
            (6, "the label 2 of 'label' is not 0 choice1, 1 choice2"),
        ]

    def test_rows_and_labels_must_be_as_many(self, read, folder):
        made = folder("alpha_nli")
        jsonl(made / "train.jsonl", ART, ART)
        (made / "train-labels.lst").write_text("1\n")
        with pytest.raises(SpotError, match=r"2 rows and train-labels\.lst beside it 1 labels"):
            read("alpha_nli")

    def test_labels_without_rows(self, read, folder):
        (folder("alpha_nli") / "train-labels.lst").write_text("1\n")
        with pytest.raises(SpotError, match=r"train\.jsonl cannot be read"):
            read("alpha_nli")

    def test_rows_that_carry_their_labels_need_no_label_file(self, read, folder):
        jsonl(folder("alpha_nli") / "train.jsonl", {**ART, "label": 1})
        assert [e.targets for e in read("alpha_nli")[0]] == ["choice2"]


class TestCrisscrossedCaptions:
    HEADER = "caption1,caption2,agg_score,sampling_method\n"

    @staticmethod
    def line(first, second, score):
        return f"COCO_val2014:sentid:{first},COCO_val2014:sentid:{second},{score},c2c_isim\n"

    def test_captions_of_karpathys_file(self, read, folder):
        made = folder("cxc")
        (made / "sts_val.csv").write_text(
            self.HEADER + self.line(1, 22, 2.57) + self.line(22, 1, 0.0)
        )
        images = [
            {"filename": "a.jpg", "sentences": [{"sentid": 1, "raw": "A cat. "}]},
            {"filename": "b.jpg", "sentences": [{"sentid": 22, "raw": 'A "dog".\n'}]},
        ]
        (made / "dataset_coco.json").write_text(json.dumps({"images": images, "dataset": "coco"}))
        examples, wrong = read("cxc")
        assert [(e.inputs, e.targets) for e in examples] == [
            ('cxc sentence1: A cat. sentence2: A "dog".', "2.6"),
            ('cxc sentence1: A "dog". sentence2: A cat.', "0.0"),
        ]
        assert wrong == []

    def test_captions_of_coco_itself(self, read, folder):
        made = folder("cxc")
        (made / "sts_test.csv").write_text(self.HEADER + self.line(7, 8, 4.0))
        (made / "captions_val2014.json").write_text(
            json.dumps(
                {
                    "info": {"description": 'has "annotations": [ in it'},
                    "images": [{"id": 7}],
                    "annotations": [
                        {"image_id": 1, "id": 7, "caption": "Ein Café"},
                        {"image_id": 1, "id": 8, "caption": "Ein Haus"},
                        {"image_id": 1, "id": 9, "caption": "not asked for"},
                    ],
                }
            )
        )
        examples, _ = read("cxc", "validation")
        assert [(e.inputs, e.targets) for e in examples] == [
            ("cxc sentence1: Ein Café sentence2: Ein Haus", "4.0")
        ]

    def test_pairs_that_cannot_be_used_are_named(self, read, folder):
        made = folder("cxc")
        (made / "sts_val.csv").write_text(
            self.HEADER
            + self.line(1, 1, 5)
            + self.line(1, 404, 2)
            + self.line(1, 1, "high")
            + "one,cell\n"
            + self.line(1, 1, 1)
            + self.line(1, 1, 3)
            + self.line(1, 1, 4)
        )
        images = [{"sentences": [{"sentid": 1, "raw": "A."}, "no sentence"]}, None]
        (made / "dataset_coco.json").write_text(json.dumps({"images": images}))
        examples, wrong = read("cxc")
        assert [e.targets for e in examples] == ["5.0", "1.0", "3.0", "4.0"]
        assert wrong == [
            (2, "no column 'caption2'"),
            (3, "no column 'agg_score'"),
            (4, "it cannot be read"),
        ]

    def test_the_captions_must_be_there(self, read, folder):
        (folder("cxc") / "sts_val.csv").write_text(self.HEADER + self.line(1, 2, 3))
        with pytest.raises(SpotError, match=r"dataset_coco\.json .* captions_val2014\.json"):
            read("cxc")

    def test_the_raw_file_is_refused(self, read, folder):
        (folder("cxc") / "sts_val.csv").write_text("caption1,caption2,score\n")
        with pytest.raises(SpotError, match="not caption1, caption2, agg_score"):
            read("cxc")


PAIR = {"premise": "A.", "hypothesis": "B.", "label": "entailment"}


class TestDocNli:
    def test_names_become_labels(self, read, folder):
        rows = [PAIR, {**PAIR, "label": "not_entailment"}]
        (folder("doc_nli") / "dev.json").write_text(json.dumps(rows, indent=1))
        examples, wrong = read("doc_nli", "validation")
        assert [e.targets for e in examples] == ["entailment", "not_entailment"]
        assert wrong == []

    def test_bad_elements_are_named(self, read, folder):
        rows = [
            PAIR,
            3,
            {**PAIR, "label": "neutral"},
            {"premise": "A."},
            *[PAIR] * 3,
        ]
        (folder("doc_nli") / "train.json").write_text(json.dumps(rows))
        examples, wrong = read("doc_nli")
        assert len(examples) == 4
        assert [line for line, _ in wrong] == [2, 3, 4]

    def test_a_truncated_file_raises(self, read, folder):
        whole = json.dumps([PAIR] * 5)
        (folder("doc_nli") / "train.json").write_text(whole[:-20])
        with pytest.raises(SpotError, match="broken off or is not JSON at element 5"):
            read("doc_nli")

    def test_no_array(self, read, folder):
        (folder("doc_nli") / "train.json").write_text('{"premise": "A."}')
        with pytest.raises(SpotError, match="is no JSON array"):
            read("doc_nli")


class TestDream:
    def test_each_question_is_a_row(self, read, folder):
        questions = [
            {"question": "Who?", "choice": ["A", "B", "C"], "answer": "C"},
            {"question": "When?", "choice": ["now", "then", "never"], "answer": "now"},
        ]
        (folder("dream") / "train.json").write_text(
            json.dumps([[["M: Hi.", "W: Bye."], questions, "4-1"]])
        )
        examples, wrong = read("dream")
        assert [(e.inputs, e.targets) for e in examples] == [
            (
                "dream question: Who? choice1: A choice2: B choice3: C dialogue: M: Hi. W: Bye.",
                "choice3",
            ),
            (
                "dream question: When? choice1: now choice2: then choice3: never dialogue: M: Hi. "
                "W: Bye.",
                "choice1",
            ),
        ]
        assert wrong == []

    def test_what_is_no_question_is_named(self, read, folder):
        good = {"question": "Who?", "choice": ["A", "B", "C"], "answer": "C"}
        odd = [{**good, "answer": "D"}, "Who?", {**good, "choice": None}]
        dialogues = [
            [["M: Hi."], [good, *odd, good, good], "1"],
            ["no dialogue"],
            [["M"], [good], "2"],
        ]
        (folder("dream") / "train.json").write_text(json.dumps(dialogues))
        examples, wrong = read("dream")
        assert len(examples) == 4
        assert [line for line, _ in wrong] == [2, 3, 4, 7]


class TestLabelledLines:
    def test_grades_are_places_among_the_labels(self, read, folder):
        (folder("sst5") / "stsa.fine.dev").write_text("0 awful .\n4 a  gem .\n\n2 café\n")
        examples, wrong = read("sst5", "validation")
        assert [(e.inputs, e.targets) for e in examples] == [
            ("sst5 text: awful .", "very negative"),
            ("sst5 text: a  gem .", "very positive"),
            ("sst5 text: café", "neutral"),
        ]
        assert wrong == []

    def test_bad_lines_are_named(self, read, folder):
        (folder("sst5") / "stsa.fine.train").write_bytes(
            b"0 a\n9 b\nno label\n1 \xff\n1 \n"
            + b"2 "
            + b"x" * 2**21
            + b"\n3 c\n4 d\n"
            + b"3 e\n" * 6
        )
        examples, wrong = read("sst5")
        assert len(examples) == 9
        assert [line for line, _ in wrong] == [2, 3, 4, 5, 6]

    def test_one_file_gives_both_splits_once(self, read, folder):
        lines = [f"{n % 2} review number {n} ." for n in range(200)]
        (folder("customer_reviews") / "custrev.all").write_text("\n".join(lines) + "\n1 \n")
        (train, wrong), (validation, wrong_too) = (
            read("customer_reviews", split) for split in ("train", "validation")
        )
        texts = [e.inputs.removeprefix("customer_reviews text: ") for e in (*train, *validation)]
        assert sorted(texts) == sorted(line[2:] for line in lines)
        assert 20 <= len(validation) <= 60
        assert [line for line, _ in (*wrong, *wrong_too)] == [201]

    def test_reviews_as_a_file_a_class_are_the_same(self, read, folder):
        made = folder("customer_reviews")
        (made / "custrev.pos").write_text("".join(f"good {n}\n" for n in range(50)))
        (made / "custrev.neg").write_text("".join(f"bad {n}\n" for n in range(50)))
        apart = [read("customer_reviews", split)[0] for split in ("train", "validation")]
        (made / "custrev.all").write_text(
            "".join(f"0 bad {n}\n" for n in range(50)) + "".join(f"1 good {n}\n" for n in range(50))
        )
        assert apart == [read("customer_reviews", split)[0] for split in ("train", "validation")]

    def test_subj_is_in_windows_letters(self, read, folder):
        made = folder("subj")
        (made / "subj.all").write_bytes(
            "".join(f"1 café {n}\n" for n in range(40)).encode("cp1252")
        )
        assert read("subj")[0][0].inputs.startswith("subj text: café ")


@pytest.mark.parametrize("name", [d.name for d in DATASETS.values() if d.published])
def test_the_error_for_absent_data_says_where_to_get_it(name, read, folder):
    if DATASETS[name].tfds:
        pytest.skip("TFDS is asked first")
    with pytest.raises(SpotError, match=f"spotfw tasks bind {name} FOLDER") as caught:
        read(name)
    assert DATASETS[name].published.address in str(caught.value)
    assert "\n" not in str(caught.value)
    folder(name)
    with pytest.raises(SpotError):
        read(name)
