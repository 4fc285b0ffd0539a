import pytest

from spotfw.tasks import labels_in


@pytest.mark.parametrize(
    ("target", "named"),
    [
        ("joy", ["joy"]),
        ("anger, joy", ["anger", "joy"]),
        ("yes, please", ["yes, please"]),  # a label that holds a comma itself
        ("rage, joy", ["rage", "joy"]),
        ("anger,joy", ["anger,joy"]),
        ("", [""]),
    ],
)
def test_a_target_names_one_label_or_several(target, named):
    assert labels_in(target, ("anger", "joy", "yes, please")) == named
