"""Files that are often mistaken for a prompt's: what they are, and how to make prompts of them."""

from __future__ import annotations

#: How many of a file's first bytes are looked at.
HEAD = 512

_ZIP = b"PK\x03\x04"
#: A pickle's second byte.
_PROTOCOLS = (b"\x02", b"\x03", b"\x04", b"\x05")
#: Where a zip's first member tells the length of its name, and where the name begins.
_NAME_LENGTH, _NAME = slice(26, 28), 30


def foreign_file(head: bytes) -> str | None:
    """Says what a file is that begins like this and is not a prompt, as the end of a sentence.

    Args:
      head: the file's first bytes, `HEAD` of them where it has so many.

    Returns:
      ``is ...`` with what to do, None for a file of an unknown kind.
    """
    if head.startswith(_ZIP):
        length = int.from_bytes(head[_NAME_LENGTH], "little")
        first = head[_NAME : _NAME + length]
        if first.endswith(b".npy"):
            return (
                "is a NumPy archive of several arrays (.npz). Write the prompt's array [L, E] "
                "alone, with numpy.save, as a .npy"
            )
        if first.rpartition(b"/")[2] in (b"data.pkl", b".data", b"version", b"byteorder"):
            return (
                "is a file of torch.save, a pickle, which can run code when opened, so it is never "
                "read. Where you trust it, load it in Python and write the prompt's array [L, E] "
                "with numpy.save, as a .npy"
            )
    # A safetensors file may begin alike, with the length of its header, whose text follows.
    if head[:1] == b"\x80" and head[1:2] in _PROTOCOLS and head[8:9] != b"{":
        return (
            "is a pickle, which can run code when opened, so it is never read. Where you trust it, "
            "load it in Python and write the prompt's array [L, E] with numpy.save, as a .npy"
        )
    return None
