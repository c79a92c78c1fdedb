"""The picture of the rooms is that of the code."""

from docs.images.draw_rooms import PICTURE, in_rows, picture, without_detours


def test_the_committed_picture_is_up_to_date():
    assert PICTURE.read_text() == picture(), "run make docs-picture"


def test_arrows_that_follow_from_others_are_left_out():
    chain = {("a", "b"), ("b", "c"), ("c", "d")}
    assert without_detours(chain | {("a", "c"), ("a", "d"), ("a", "e")}) == chain | {("a", "e")}


def test_layers_share_a_row_until_one_imports_from_another():
    assert in_rows([["a"], ["b"], ["c"], ["d"]], {("a", "c"), ("c", "d")}) == [["a", "b"], ["c"], ["d"]]
