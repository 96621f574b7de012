"""Writes tests/fixtures/jpeg: small pictures in every variant of JPEG encoding. Needs Pillow.

    python scripts/make_jpeg_fixtures.py
"""

import pathlib

from PIL import Image

folder = pathlib.Path(__file__).parent.parent / "tests/fixtures/jpeg"
folder.mkdir(parents=True, exist_ok=True)

size = 45, 35
pixels = [((x * 5 + y * y) % 256, (y * 7) % 256, (x * y) % 256) for y in range(size[1]) for x in range(size[0])]
colour = Image.new("RGB", size)
colour.putdata(pixels)
grey = colour.convert("L")

kinds = {
    "baseline": (colour, {"subsampling": "4:4:4"}),
    "halved": (colour, {"subsampling": "4:2:0", "optimize": True}),
    "restarts": (colour, {"subsampling": "4:2:2", "restart_marker_blocks": 2}),
    "grey": (grey, {}),
    "progressive": (colour, {"subsampling": "4:2:0", "progressive": True}),
    "progressive_grey": (grey, {"progressive": True}),
    "progressive_restarts": (colour, {"subsampling": "4:4:4", "progressive": True, "restart_marker_blocks": 3}),
    "cmyk": (colour.convert("CMYK"), {}),
}
for name, (image, options) in kinds.items():
    image.save(folder / f"{name}.jpg", quality=60, **options)
