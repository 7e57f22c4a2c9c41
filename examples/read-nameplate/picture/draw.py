"""Draws the nameplate that the example reads: `python draw.py`. Needs pillow and the fonts of Debian's fonts-dejavu-core.

The maker and the motor are invented. Light falls off to one side and the plate is slightly worn, as on a real one.
"""

import pathlib
import random

from PIL import Image, ImageDraw, ImageFilter, ImageFont

FONTS = pathlib.Path("/usr/share/fonts/truetype/dejavu")
WIDTH, HEIGHT = 640, 400

plate = Image.new("L", (WIDTH, HEIGHT), 205)
draw = ImageDraw.Draw(plate)
draw.rounded_rectangle((10, 10, WIDTH - 11, HEIGHT - 11), 18, outline=70, width=3)
for x, y in ((28, 28), (WIDTH - 29, 28), (28, HEIGHT - 29), (WIDTH - 29, HEIGHT - 29)):
    draw.ellipse((x - 7, y - 7, x + 7, y + 7), fill=120, outline=60)


def write(x, y, text, size, bold=False):
    font = ImageFont.truetype(str(FONTS / ("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf")), size)
    draw.text((x, y), text, font=font, fill=35)


write(60, 40, "NORDWERK MOTOREN", 38, bold=True)
write(60, 110, "Type NW-132M4", 30)
write(60, 165, "5.5 kW", 30)
write(360, 165, "400 V", 30)
write(60, 220, "1455 1/min", 30)
write(360, 220, "50 Hz", 30)
write(60, 275, "cos 0.84", 30)
write(360, 275, "IP 55", 30)
write(60, 330, "No 2026-004711", 26)
for y in (98, 155):
    draw.line((40, y, WIDTH - 40, y), fill=110, width=2)

noise = random.Random(55)
pixels = plate.load()
for y in range(HEIGHT):
    for x in range(WIDTH):
        shade = 1 - 0.25 * x / WIDTH
        pixels[x, y] = max(0, min(255, round(pixels[x, y] * shade + noise.gauss(0, 2))))
plate = plate.filter(ImageFilter.GaussianBlur(0.8)).point(lambda grey: grey & 0xF0 | 8)
plate.save(pathlib.Path(__file__).parent / "nameplate.png", optimize=True)
