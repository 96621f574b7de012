"""Writes tests/fixtures/tensorboard.events: an event file from TensorBoard's own package.

    pip install tensorboard && python scripts/make_tensorboard_fixture.py
"""
import pathlib
import tempfile

import tensorboard
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import HistogramProto, Summary
from tensorboard.plugins.hparams import summary_v2 as hparams
from tensorboard.summary.writer.event_file_writer import EventFileWriter

target = pathlib.Path(__file__).parent.parent / "tests/fixtures/tensorboard.events"
with tempfile.TemporaryDirectory() as folder:
    writer = EventFileWriter(folder)
    value = Summary.Value

    def add(step, **what):
        event = Event(step=step, wall_time=1790000000.5 + step)
        event.summary.value.append(value(**what))
        writer.add_event(event)

    add(1, tag="loss", simple_value=0.25)
    add(2, tag="loss", simple_value=-1.5)
    histogram = HistogramProto(min=-1, max=2, num=3, sum=2, sum_squares=5, bucket_limit=[0, 2], bucket=[1, 2])
    add(2, tag="weights", histo=histogram)
    image = Summary.Image(height=2, width=3, colorspace=3, encoded_image_string=b"png")
    add(3, tag="picture", image=image)
    start = hparams.hparams_pb({"lr": 0.05, "model": "mlp", "shuffle": True}, trial_id="run", start_time_secs=7.0)
    for found in start.value:
        if found.tag.endswith("session_start_info"):
            event = Event(step=0, wall_time=1790000000.5)
            event.summary.value.append(found)
            writer.add_event(event)
    writer.close()
    (events,) = pathlib.Path(folder).glob("*tfevents*")
    target.write_bytes(events.read_bytes())
print(f"{target}: {target.stat().st_size} bytes by tensorboard {tensorboard.__version__}")
