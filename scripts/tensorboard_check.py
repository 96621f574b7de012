"""Reads the event files of a run with TensorBoard's own package and compares them with the run's records."""
import json
import pathlib
import shutil
import struct
import sys
import tempfile

import numpy
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.plugins.hparams import plugin_data_pb2

run = pathlib.Path(sys.argv[1])
lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
config = json.loads((run / "run.json").read_text())
checks = 0


def holds(what, got, expected, tolerance=1e-6):
    global checks
    checks += 1
    if not numpy.allclose(got, expected, rtol=tolerance, atol=1e-12):
        sys.exit(f"WRONG: {what} is {got}, expected {expected}")


def read(folder):
    found = EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0, "histograms": 0, "tensors": 0})
    found.Reload()
    return found


def scalars(found, tag):
    """Returns the scalars by step; the reader skips events that a resumed training has replaced."""
    if tag in found.Tags()["scalars"]:
        return {event.step: event.value for event in found.Scalars(tag)}
    return {event.step: event.tensor_proto.float_val[0] for event in found.Tensors(tag)}


main = read(run / "tensorboard")
for part in ["train", "test", "validation"]:
    found = read(run / "tensorboard" / part)
    for what in ["loss", "accuracy"]:
        got = scalars(found, what)
        expected = {line["step"]: line[f"{part}_{what}"] for line in lines}
        if sorted(got) != sorted(expected):
            sys.exit(f"WRONG: {part} {what} has the steps {sorted(got)}, expected {sorted(expected)}")
        for step, value in expected.items():
            holds(f"{part} {what} at {step}", got[step], value)
steps = scalars(read(run / "tensorboard" / "train"), "step loss")
per_epoch = lines[0]["step"]
if len(steps) != per_epoch * len(lines):
    sys.exit(f"WRONG: {len(steps)} losses of steps, expected {per_epoch * len(lines)}")
for n, line in enumerate(lines):
    mean = numpy.mean([steps[step] for step in range(n * per_epoch + 1, (n + 1) * per_epoch + 1)])
    # The last batch may be smaller, and counts less in the mean of the epoch.
    holds(f"mean loss of the steps of epoch {n + 1}", mean, line["train_loss"], 2e-3)
for line in lines:
    holds("images/s", scalars(main, "images per second")[line["step"]], line["images_per_second"])
rates = scalars(main, "learning rate")
if not all(0 < rate <= config["options"]["optimizer"]["learning_rate"] for rate in rates.values()):
    sys.exit(f"WRONG: learning rates {rates}")

weights = (run / "last.safetensors").read_bytes()
(length,) = struct.unpack("<Q", weights[:8])
header = json.loads(weights[8 : 8 + length])
tensors = main.Tags()["tensors"] + main.Tags()["histograms"]
for name, about in header.items():
    if name.startswith(("optimizer.", "__")):
        continue
    begin, end = about["data_offsets"]
    values = numpy.frombuffer(weights[8 + length + begin : 8 + length + end], dtype="<f4").astype("f8")
    histogram = [event.histogram_value for event in main.Histograms(name.replace(".", "/"))][-1]
    holds(f"{name} num", histogram.num, values.size)
    holds(f"{name} min, max", [histogram.min, histogram.max], [values.min(), values.max()])
    holds(f"{name} sum of squares", histogram.sum_squares, (values**2).sum())
    counts, _ = numpy.histogram(values, bins=30, range=(values.min(), values.max()))
    # A value on the edge of two bars may count in either.
    if numpy.abs(numpy.array(histogram.bucket) - counts).sum() > 4:
        sys.exit(f"WRONG: the bars of {name} are {histogram.bucket}, expected {counts}")
    checks += 1
for tag in ["kernels of the first layer", "The most confident mistakes", "The least confident hits"]:
    image = main.Images(tag)[-1]
    if not image.encoded_image_string.startswith(b"\x89PNG") or min(image.width, image.height) < 20:
        sys.exit(f"WRONG: the picture {tag}")
    checks += 1

found = {}
files = sorted((run / "tensorboard").glob("*tfevents*"))
for event in (event for file in files for event in EventFileLoader(str(file)).Load()):
    for value in event.summary.value:
        if value.metadata.plugin_data.plugin_name == "hparams":
            data = plugin_data_pb2.HParamsPluginData.FromString(value.metadata.plugin_data.content)
            found.setdefault(data.WhichOneof("data"), []).append(data)
settings = found["session_start_info"][0].session_start_info.hparams
holds("the learning rate among the settings", settings["options.optimizer.learning_rate"].number_value, 0.05)
if settings["model"].string_value != "cnn" or settings["options.shuffle"].bool_value is not True:
    sys.exit(f"WRONG: settings {settings}")
if [data.session_end_info.status for data in found["session_end_info"]] != [1, 1]:
    sys.exit("WRONG: the training did not end well")

with tempfile.TemporaryDirectory() as folder:
    cut = pathlib.Path(folder) / files[0].name
    shutil.copy(files[0], cut)
    cut.write_bytes(cut.read_bytes()[:-7])
    before, after = (len(list(EventFileLoader(str(file)).Load())) for file in (files[0], cut))
    if after != before - 1:
        sys.exit(f"WRONG: of a file that was cut off {after} records are read, expected {before - 1}")
print(f"TensorBoard reads all of it: {checks} checks, {len(files)} files")
