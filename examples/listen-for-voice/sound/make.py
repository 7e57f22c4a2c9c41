"""Makes the sound that the example listens to: `python make.py`. Needs espeak-ng, numpy and scipy.

Half a second of a machine's hum, a call, hum, another call, hum: the voice is made by espeak-ng, the hum by sines and noise.
Writes machine-hall.wav at 16 kHz.
"""

import pathlib
import subprocess
import tempfile
import wave

import numpy as np
from scipy.io import wavfile
from scipy.signal import resample_poly

RATE = 16_000


def spoken(text, pitch):
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        subprocess.run(["espeak-ng", "-v", "en-us", "-s", "150", "-p", str(pitch), "-w", file.name, text], check=True)
        rate, samples = wavfile.read(file.name)
    samples = resample_poly(samples.astype(np.float64), RATE, rate)
    loud = np.flatnonzero(np.abs(samples) > 0.02 * np.abs(samples).max())
    samples = samples[loud[0] : loud[-1] + 1]
    return 0.5 * samples / np.abs(samples).max()


noise = np.random.default_rng(5)
calls = [(0.6, spoken("Stop the line, please.", 45)), (3.0, spoken("The roller is hot.", 40))]
length = int(RATE * 4.6)
time = np.arange(length) / RATE
sound = 0.01 * np.sin(2 * np.pi * 50 * time) + 0.006 * np.sin(2 * np.pi * 150 * time)
sound += 0.002 * noise.standard_normal(length)
for start, voice in calls:
    at = int(start * RATE)
    sound[at : at + len(voice)] += voice
    print(f"voice from {start:.2f} s to {start + len(voice) / RATE:.2f} s")
with wave.open(str(pathlib.Path(__file__).parent / "machine-hall.wav"), "wb") as file:
    file.setnchannels(1)
    file.setsampwidth(2)
    file.setframerate(RATE)
    file.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())
