"""The networks of 28 tutorials are read whole, with their losses. `scripts/tutorials.py` trains them beside Keras."""

import keras
import numpy as np
import pytest
import tutorials
from wgrad._wgrad import Network


@pytest.mark.parametrize("name", list(tutorials.NETWORKS))
def test_a_network_of_a_tutorial_is_read_whole(name):
    model = tutorials.build(keras, name, small=True)
    model.compile("adam", tutorials.loss(keras, name))
    network = Network(model.to_json(), name)
    assert sum(int(np.prod(shape)) for _, shape, _ in network.tensors) == model.count_params()
    assert not network.obstacles
    assert tuple(network.output) == tuple(model.output_shape[1:])
    x, y = tutorials.data(name, model, 8)
    rows = [part.shape[0] for part in x.values()] if isinstance(x, dict) else [len(x)]
    assert set(rows) == {len(y)} == {8}
