"""Compares exported networks with ONNX's checker and ONNX Runtime: one line per network, exit code 1 if any differs.

Each subfolder of the given folder holds model.onnx and test_data_set_0, from `wgrad export --test-data`. The measure is
the largest difference of an output divided by the largest absolute value of that output. `--shake FILE` adds noise to
every tensor of a safetensors file, so that no bias, scale or moving average has its default value."""
import json
import pathlib
import sys

import numpy

BOUND = 1e-5


def shake(path):
    data = bytearray(path.read_bytes())
    start = 8 + int.from_bytes(data[:8], "little")
    generator = numpy.random.default_rng(1)
    header = json.loads(data[8:start])
    # Only a file as wgrad wrote it has wgrad's position and checksum.
    header.pop("__metadata__", None)
    data[8:start] = json.dumps(header, separators=(",", ":")).encode().ljust(start - 8)
    for name, tensor in sorted(header.items()):
        first, last = (start + offset for offset in tensor["data_offsets"])
        values = numpy.frombuffer(data[first:last], "<f4").copy()
        noise = generator.uniform(-1, 1, values.shape).astype("<f4")
        positive = name.endswith(("gamma", "moving_variance"))
        data[first:last] = (values * (1 + noise / 2) if positive else values + noise / 10).astype("<f4").tobytes()
    path.write_bytes(data)


if sys.argv[1] == "--shake":
    shake(pathlib.Path(sys.argv[2]))
    sys.exit()

import onnx
import onnxruntime


def tensor(path):
    return onnx.numpy_helper.to_array(onnx.load_tensor(path))


def session(model):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


wrong = seen = 0
print(f"onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}")
for path in sorted(pathlib.Path(sys.argv[1]).glob("*/model.onnx")):
    onnx.checker.check_model(path, full_check=True)
    data = path.parent / "test_data_set_0"
    runtime = session(path)
    source = runtime.get_inputs()[0]
    images = tensor(data / "input_0.pb")
    got = runtime.run(None, {source.name: images})
    names = [output.name for output in runtime.get_outputs()]
    errors = []
    for n, values in enumerate(got):
        expected = tensor(data / f"output_{n}.pb")
        assert values.shape == expected.shape, (path, values.shape, expected.shape)
        errors.append(float(numpy.abs(values - expected).max() / numpy.abs(expected).max()))
    # Another batch size than that of the data, and the same rows.
    one = runtime.run(None, {source.name: images[:1]})
    alone = float(numpy.abs(one[0] - got[0][:1]).max() / numpy.abs(got[0]).max())
    # The relative change of a probability equals the absolute change of a logit.
    largest = max(1.0, float(numpy.abs(got[0]).max()))
    bad = not (max(errors[0], alone) <= BOUND and max(errors) <= BOUND * largest)
    wrong += bad
    seen += 1
    told = ", ".join(f"{name} {error:.1e}" for name, error in zip(names, errors))
    print(f"{path.parent.name:16} {source.name} {source.type} {source.shape}: {told}{'  WRONG' if bad else ''}")
assert seen, f"no */model.onnx under {sys.argv[1]}"
sys.exit(1 if wrong else 0)
