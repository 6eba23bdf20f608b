"""From bytes to bounded lines of text: compression and encoding found by looking, hostile sizes refused by line."""

import codecs
import io
import zipfile
import zlib
from collections.abc import Iterator
from typing import Protocol

from knowledge.errors import BadInput
from tools.invoice.workbook import is_workbook

CHUNK_BYTES = 1 << 18
INFLATED_BYTES = 1 << 16  # small, so that damage costs little of what stood before it
LONGEST_LINE_CHARS = 1 << 20
LARGEST_EXPANSION = 200  # a bill as CSV compresses 10 to 40 times; a bomb thousands of times
FREE_EXPANSION_BYTES = 64 << 20
LARGEST_TEXT_BYTES = 8 << 30

LARGEST_ARCHIVE_BYTES = 256 << 20
ARCHIVES_INSIDE = 2  # a workbook in an archive
ZIP = b"PK\x03\x04"
GZIP = b"\x1f\x8b"
PARQUET = b"PAR1"
REFUSED = {
    b"%PDF": ("a PDF", "export the bill as CSV from the provider's console"),
    b"\xd0\xcf\x11\xe0": ("an old Excel workbook", "save the sheet as CSV"),
    b"\x28\xb5\x2f\xfd": ("zstandard-compressed", "unpack it first"),
    b"BZh": ("bzip2-compressed", "unpack it first"),
    b"\xfd7zXZ": ("xz-compressed", "unpack it first"),
}


class Bytes(Protocol):
    """A binary stream that can at least be read forward."""

    def read(self, size: int = -1, /) -> bytes: ...


class Source:
    """Reads a stream once, forward. `position` counts the bytes taken from it, for progress.

    Gunzips by itself; stops with a note (never an exception) when the compressed data are damaged or a bomb.
    """

    def __init__(self, stream: Bytes, name: str) -> None:
        self.name = name
        self.position = 0
        self.problem = ""
        self._stream = stream
        self._inflated_from = 0  # bytes of the archive that the stream comes from
        head = self._take(CHUNK_BYTES)
        self.workbook: zipfile.ZipFile | None = None
        for _ in range(ARCHIVES_INSIDE):
            if head.startswith(ZIP):
                self.workbook = self._archive_in(head)
                if self.workbook:
                    return
                head = self._take(CHUNK_BYTES)
        if not head:
            raise BadInput(f"{name}: the file is empty")
        for magic, (what, cure) in REFUSED.items():
            if head.startswith(magic):
                raise BadInput(f"{name}: this is {what}, not a bill that can be read", cure)
        self._raw = self._raw_chunks(head)
        self.chunks = self._gunzipped() if head.startswith(GZIP) else self._raw
        self.head = next(self.chunks, b"")
        if not self.head:
            raise BadInput(f"{name}: {self.problem or 'the file is empty'}")
        self.is_parquet = self.head.startswith(PARQUET)

    def read_all(self, limit: int) -> bytes:
        """Everything, for formats that cannot be streamed; raise `BadInput` beyond `limit` bytes."""
        buffer = io.BytesIO()
        buffer.write(self.head)
        for chunk in self.chunks:
            buffer.write(chunk)
            if buffer.tell() > limit:
                raise BadInput(
                    f"{self.name}: more than {limit >> 20} MB in a form that cannot be streamed",
                    "export it as CSV or JSON lines",
                )
        return buffer.getvalue()

    def text(self) -> Iterator[str]:
        """Decoded chunks with newlines only: UTF-8 (with or without mark), UTF-16, else Windows-1252."""
        decoder = codecs.getincrementaldecoder(_encoding(self.head))("replace")
        newlines = io.IncrementalNewlineDecoder(decoder, translate=True)
        yield newlines.decode(self.head)
        for chunk in self.chunks:
            yield newlines.decode(chunk)
        yield newlines.decode(b"", final=True)

    def lines(self) -> Iterator[str | None]:
        """Lines without their ends; None stands for a line that is too long to be one of a bill and was skipped."""
        pending, skipping = "", False
        for text in self.text():
            pieces = (pending + text).split("\n")
            pending = pieces.pop()
            for piece in pieces:
                if skipping or len(piece) > LONGEST_LINE_CHARS:
                    skipping = False
                    yield None
                else:
                    yield piece
            if len(pending) > LONGEST_LINE_CHARS:
                pending, skipping = "", True
        if skipping:
            yield None
        elif pending:
            yield pending

    def _take(self, size: int) -> bytes:
        try:
            chunk = self._stream.read(size)
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            self.problem = f"the compressed data are damaged ({error})"
            return b""
        self.position += len(chunk)
        if self._inflated_from and self.position > max(FREE_EXPANSION_BYTES, self._inflated_from * LARGEST_EXPANSION):
            self.problem = f"reading stopped: the archive expands more than {LARGEST_EXPANSION} times"
            return b""
        return chunk

    def _archive_in(self, head: bytes) -> zipfile.ZipFile | None:
        """The workbook that a zip archive is; of any other archive the one file inside is read on from here."""
        self._raw = self._raw_chunks(head)
        self.chunks, self.head = self._raw, b""
        content = self.read_all(LARGEST_ARCHIVE_BYTES)
        try:
            archive = zipfile.ZipFile(io.BytesIO(content))
            if is_workbook(archive):
                return archive
            files = [member for member in archive.infolist() if _holds_data(member.filename)]
            if len(files) != 1:
                named = ", ".join(member.filename for member in files[:5]) or "none"
                raise BadInput(
                    f"{self.name}: the archive holds {len(files)} files that could be bills: {named[:200]}",
                    "unpack it and give one file at a time",
                )
            self._stream = archive.open(files[0])
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError) as error:
            raise BadInput(
                f"{self.name}: a zip archive that cannot be opened ({str(error)[:80]})", "unpack it first"
            ) from error
        self._inflated_from, self.position = len(content), 0
        return None

    def _raw_chunks(self, head: bytes) -> Iterator[bytes]:
        chunk = head
        while chunk:
            yield chunk
            chunk = self._take(CHUNK_BYTES)

    def _gunzipped(self) -> Iterator[bytes]:
        produced, inside_member = 0, False
        inflate = zlib.decompressobj(31)
        for chunk in self._raw:
            data = chunk
            while data:
                inside_member = True
                try:
                    text = inflate.decompress(data, INFLATED_BYTES)
                except zlib.error as error:
                    self.problem = f"the compressed data are damaged ({error})"
                    return
                produced += len(text)
                if (
                    produced > max(FREE_EXPANSION_BYTES, self.position * LARGEST_EXPANSION)
                    or produced > LARGEST_TEXT_BYTES
                ):
                    self.problem = (
                        f"reading stopped after {produced >> 20} MB: the data expand more than "
                        f"{LARGEST_EXPANSION} times, as a decompression bomb does"
                    )
                    return
                if text:
                    yield text
                data = inflate.unconsumed_tail
                if inflate.eof:  # a gzip file may hold several members
                    data = inflate.unused_data.lstrip(b"\0")
                    inflate, inside_member = zlib.decompressobj(31), False
        if inside_member:
            self.problem = "the compressed data end too early"


def _holds_data(path: str) -> bool:
    """Whether a file of an archive may be the bill, and not a folder, a manifest or what a Mac adds."""
    last = path.rpartition("/")[2]
    return bool(last) and not last.startswith((".", "_")) and "__MACOSX" not in path and "manifest" not in last.lower()


def _encoding(head: bytes) -> str:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    sample = head[:4096]
    even, odd = sample[::2].count(b"\0"), sample[1::2].count(b"\0")
    if max(even, odd) > len(sample) // 4 and min(even, odd) <= len(sample) // 50:  # every other byte is zero
        return "utf-16-le" if odd > even else "utf-16-be"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"
