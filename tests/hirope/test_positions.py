"""Position ids as integer arrays."""

import numpy as np
import pytest
import torch

from hirope_ls.hirope import as_positions, continued, one_unit


def test_arrays_lists_and_tensors_are_taken():
    for values in (
        [[0, 0, 1], [0, 1, 0]],
        np.array([[0, 0, 1], [0, 1, 0]], np.int32),
        torch.tensor([[0, 0, 1], [0, 1, 0]]),
    ):
        ids = as_positions(values)
        assert ids.dtype == torch.int64 and ids.tolist() == [[0, 0, 1], [0, 1, 0]]


@pytest.mark.parametrize("kind", [np.int32, np.int64])
def test_read_only_arrays_are_copied_without_a_warning(kind):
    array = np.array([[0, 0, 1], [0, 1, 0]], kind)
    array.flags.writeable = False
    torch.set_warn_always(True)  # torch says it once a process otherwise; warnings are errors here
    try:
        ids = as_positions(array)
    finally:
        torch.set_warn_always(False)
    ids += 1
    assert array.tolist() == [[0, 0, 1], [0, 1, 0]]


@pytest.mark.parametrize("wrong", [[0, 1], [[0, 1]], [[[0]]], [[0, -1], [0, 1]]])
def test_other_shapes_and_negative_indices_are_refused(wrong):
    with pytest.raises(ValueError, match="positions must"):
        as_positions(wrong)


def test_generated_text_continues_the_last_unit():
    assert continued([[0, 3, 3], [0, 0, 1]], 2).tolist() == [[0, 3, 3, 3, 3], [0, 0, 1, 2, 3]]
    assert continued([[0], [1], [5]], 1).tolist() == [[0, 0], [1, 1], [5, 6]]
    with pytest.raises(ValueError, match="empty"):
        continued(torch.zeros(2, 0), 1)


def test_one_unit():
    assert one_unit(3).tolist() == [[0, 0, 0], [0, 1, 2]]
