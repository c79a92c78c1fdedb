"""Writing frames to mp4 and gif files, which appear under their name only when they are complete."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from envs.errors import UserError

from ..support.files import write_error

FORMATS = (".mp4", ".webm", ".gif")
"""Kinds of files, chosen by the extension."""
_QUALITY = "20"  # x264's constant rate factor; 18 cannot be told from the original, 28 is visibly coarse.
_WEBM_QUALITY = "32"  # The same for VP9, whose scale is longer.
_FAST_VP9 = ["-deadline", "realtime", "-cpu-used", "5", "-threads", "2"]
_GIF_COLOURS = 255
_GIF_SAMPLES = 16  # Frames whose colours make the palette.


class FrameWriter(Protocol):
    """Takes frames one after the other."""

    def add(self, frame: NDArray[np.uint8]) -> None:
        """Append a frame (height, width, 3)."""
        ...


def check_target(path: Path) -> None:
    """Refuse what cannot become a video before anything is played.

    Raises:
      UserError: unknown extension, or a folder that is missing or not writable.
    """
    if path.suffix.lower() not in FORMATS:
        raise UserError(f"cannot write {path}: a video's name must end in {', '.join(FORMATS[:-1])} or {FORMATS[-1]}")
    folder = path.absolute().parent
    if path.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise UserError(f"cannot write {path}: it is a folder, or its folder is missing or not writable")


@contextlib.contextmanager
def open_video(path: Path, width: int, height: int, fps: float) -> Iterator[FrameWriter]:
    """Write a video; if anything goes wrong inside, the file is as it was before.

    Args:
      path: ends in one of ``FORMATS``; an existing file is replaced at the end.
      width: of all frames, pixels.
      height: of all frames, pixels.
      fps: frames per second; gif rounds the time of a frame to 0.01 s, but not their sum.

    Raises:
      UserError: the disk is full or the file cannot be written.
    """
    check_target(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    kind = path.suffix.lower()
    writer = (
        _Gif(temporary, width, height, fps) if kind == ".gif" else _Film(temporary, width, height, fps, _CODECS[kind])
    )
    try:
        yield writer
        writer.finish()
        os.replace(temporary, path)
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        writer.abandon()
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


_CODECS = {
    ".mp4": ["-c:v", "libx264", "-preset", "fast", "-crf", _QUALITY, "-movflags", "+faststart", "-f", "mp4"],
    ".webm": ["-c:v", "libvpx-vp9", "-crf", _WEBM_QUALITY, "-b:v", "0", *_FAST_VP9, "-f", "webm"],
}
"""How ffmpeg writes each kind of file."""


class _Film:
    """Pipes raw frames into ffmpeg, which comes with imageio-ffmpeg."""

    def __init__(self, path: Path, width: int, height: int, fps: float, codec: list[str]) -> None:
        source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", f"{fps:.6g}", "-i", "-"]
        target = ["-pix_fmt", "yuv420p", "-fflags", "+bitexact", *codec, "-y", str(path)]
        import imageio_ffmpeg  # Not every trainer makes videos.

        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", *source, *target]
        self._messages = tempfile.TemporaryFile()  # noqa: SIM115 - closed by abandon()
        # A session of its own: Ctrl-C is for us; ffmpeg shall not write half a file by itself.
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=self._messages, start_new_session=True
        )

    def add(self, frame: NDArray[np.uint8]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(np.ascontiguousarray(frame).data)
        except BrokenPipeError:
            self._raise()

    def finish(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._process.communicate()
        if self._process.returncode != 0:
            self._raise()

    def _raise(self) -> None:
        self._process.wait()
        self._messages.seek(0)
        message = " ".join(self._messages.read().decode(errors="replace").split())
        number = errno.ENOSPC if os.strerror(errno.ENOSPC) in message else errno.EIO
        raise OSError(number, f"ffmpeg failed: {message[-200:] or self._process.returncode}")

    def abandon(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        self._process.wait()
        self._messages.close()


class _Gif:
    """Collects the frames, compressed, until the colours of all of them are known."""

    def __init__(self, path: Path, width: int, height: int, fps: float) -> None:
        self._path = path
        self._size = (width, height)
        self._fps = fps
        self._frames: list[bytes] = []

    def add(self, frame: NDArray[np.uint8]) -> None:
        self._frames.append(zlib.compress(np.ascontiguousarray(frame).data, level=1))

    def finish(self) -> None:
        ends = [round(100 * (i + 1) / self._fps) for i in range(len(self._frames))]  # Hundredths of a second.
        times = [10 * (end - start) for start, end in zip([0, *ends[:-1]], ends, strict=True)]
        palette = self._palette()
        reduced = (self._image(i).quantize(palette=palette, dither=Image.Dither.NONE) for i in range(len(self._frames)))
        first = next(reduced)
        first.save(self._path, "GIF", save_all=True, append_images=reduced, duration=times, loop=0, optimize=False)

    def abandon(self) -> None:
        self._frames.clear()

    def _image(self, index: int) -> Image.Image:
        return Image.frombytes("RGB", self._size, zlib.decompress(self._frames[index]))

    def _palette(self) -> Image.Image:
        """Return a picture whose palette suits all frames, made from some that are spread over the whole video."""
        width, height = self._size
        chosen = np.unique(np.linspace(0, len(self._frames) - 1, _GIF_SAMPLES).astype(int))
        sheet = Image.new("RGB", (width, height * len(chosen)))
        for row, index in enumerate(chosen.tolist()):
            sheet.paste(self._image(index), (0, row * height))
        return sheet.quantize(_GIF_COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
