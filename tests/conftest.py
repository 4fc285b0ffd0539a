"""What all tests share: fixed seeds, no say of the surroundings, the command line as a call."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import attrs
import hypothesis
import pytest

# Before anything loads TensorFlow: no chatter, and no GPU that only some machines have.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

hypothesis.settings.register_profile("spotfw", deadline=None, derandomize=True)
hypothesis.settings.load_profile("spotfw")


@attrs.frozen
class Ran:
    """What a command line did."""

    status: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def _same_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes away what the shell that runs the tests may have set."""
    switches = ("PLUGINS", "DISABLE_PLUGINS", "STRICT_PLUGINS", "TRACE_PLUGINS")
    for name in (f"SPOTFW_{switch}" for switch in switches):
        # Set, then deleted: what a test's command sets is put back afterwards too.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture
def spotfw_cli(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Runs ``spotfw WORDS...`` in this process: ``spotfw_cli("tasks", "list")``."""
    from spotfw.cli import run

    def call(*words: str | Path) -> Ran:
        capsys.readouterr()
        status = run([str(word) for word in words])
        captured = capsys.readouterr()
        return Ran(status, captured.out, captured.err)

    return call


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data beside the repository; the test skips where it is absent."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("needs the data folder ../shared beside the repository")
    return folder


_WORDS = {
    "positive": ("good", "fine", "great", "lovely", "warm"),
    "negative": ("bad", "poor", "dull", "awful", "cold"),
}
_THINGS = ("film", "book", "meal", "song", "room", "play", "house", "story")


def _reviews() -> list[tuple[str, str]]:
    """Texts and labels: 80, in an order that mixes both labels."""
    return [
        (f"the {thing} was {word} and {also}", label)
        for thing in _THINGS
        for place in range(5)
        for label, words in _WORDS.items()
        for word, also in [(words[place], words[place - 1])]
    ]


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A T5 1.1 of one layer, width 16, as a Mesh TF folder.

    Its weights are random but seeded, and the softmax leans to "positive" or "negative" at
    the start and to the end after them, so that scores move as a prompt is tuned.
    """
    import numpy as np
    import sentencepiece

    from spotfw.backends.mesh.checkpoint import write_checkpoint
    from spotfw.backends.mesh.hf_names import T5Dimensions, variables
    from spotfw.backends.mesh.model import operative_config, size_gin

    folder = tmp_path_factory.mktemp("tiny") / "model"
    folder.mkdir()
    texts = [text for text, _ in _reviews()] + ["positive review", "negative review"] * 20
    with (folder / "spiece.model").open("wb") as file:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(texts),
            model_writer=file,
            vocab_size=100,
            hard_vocab_limit=False,
            user_defined_symbols=["\u2581positive", "\u2581negative"],
            pad_id=0,
            eos_id=1,
            unk_id=2,
            bos_id=-1,
            minloglevel=2,
        )
    sizes = {"d_model": 16, "d_ff": 32, "d_kv": 8, "num_heads": 2}
    dims = T5Dimensions(**sizes, encoder_layers=1, decoder_layers=1, vocabulary_size=128)
    random = np.random.RandomState(7)
    labels = [3, 4]  # the pieces after <pad>, </s> and <unk>

    def tensors():
        embeddings = None
        for variable in variables(dims):
            value = random.standard_normal(variable.shape)
            if variable.mesh == "shared/embedding":
                embeddings = value
            elif variable.mesh.endswith("/scale"):
                value = 1 + value / 10
            elif not variable.mesh.endswith("bias"):
                value *= variable.shape[0] ** -0.5
            if variable.mesh == "decoder/logits/kernel":
                value[:, labels] += 0.5 * embeddings[:1].T
                value[:, 1] += 0.5 * embeddings[labels].sum(axis=0)
            yield variable.mesh, value.astype(np.float32)

    write_checkpoint(str(folder), 1000, tensors())
    config = operative_config(size_gin("tiny", **sizes, num_layers=1), dims.rows)
    (folder / "operative_config.gin").write_text(config)
    return folder


@pytest.fixture(scope="session")
def tiny_task_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sentiment of short reviews as TOML and JSONL: 40 to train on, 20 + 20 to score."""
    folder = tmp_path_factory.mktemp("task")
    rows = _reviews()
    # The labels take turns: pairs go to a split together.
    places = {"train": (0, 1, 4, 5), "validation": (2, 3), "test": (6, 7)}
    for split, chosen in places.items():
        lines = [
            json.dumps({"text": text, "label": label})
            for index, (text, label) in enumerate(rows)
            if index % 8 in chosen
        ]
        (folder / f"{split}.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "reviews.toml").write_text(
        'name = "tiny_reviews"\nfamily = "sentiment"\ninputs = "review: {text}"\n'
        'label_column = "label"\nlabels = ["negative", "positive"]\n'
        '[splits]\ntrain = "train.jsonl"\nvalidation = "validation.jsonl"\ntest = "test.jsonl"\n'
    )
    return folder / "reviews.toml"


@pytest.fixture(scope="session")
def tiny_task(tiny_task_file: Path):
    """The task of `tiny_task_file`."""
    from spotfw.builtin.sources.table import load_task_file

    (task,) = load_task_file(tiny_task_file)
    return task


@pytest.fixture(scope="session")
def tiny_engine(tiny_model: Path):
    """The tiny model opened, once for all tests of a process."""
    from spotfw.backends.mesh.engine import open_model

    engine = open_model(str(tiny_model), threads=1)
    yield engine
    engine.close()
