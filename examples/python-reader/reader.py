"""Opens a published Blindsight library in Python, from docs/FORMATS.md alone: no code is shared with the library.

    blindsight publish photos.blind published
    BLINDSIGHT_PASSPHRASE=... python3 reader.py photos.blind/client/key published out

Writes every picture into `out` under its id, and prints one line of JSON for each record. Needs Python 3.9 and the package `cryptography`
(Argon2id: version 44, or `argon2-cffi` beside it). Plain and slow: some 2 MB of pictures a second.
"""

import hashlib
import hmac
import json
import os
import struct
import sys
import unicodedata
import zlib

from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

PREFIX = b"blindsight/1/"


def hkdf_expand(key, label, length=32):
    """RFC 5869 section 2.3, SHA-256."""
    info, block, out = label, b"", b""
    while len(out) < length:
        block = hmac.digest(key, block + info + bytes([len(out) // 32 + 1]), "sha256")
        out += block
    return out[:length]


def derive(root, label):
    """HKDF-SHA-256 with an empty salt."""
    return hkdf_expand(hmac.digest(bytes(32), root, "sha256"), PREFIX + label)


def hchacha20(key, nonce):
    """draft-irtf-cfrg-xchacha-03 section 2.2: 32 bytes from a key and 16 bytes."""
    s = list(struct.unpack("<16I", b"expand 32-byte k" + key + nonce))

    def quarter(a, b, c, d):
        for x, y, z, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            s[x] = (s[x] + s[y]) & 0xFFFFFFFF
            s[z] ^= s[x]
            s[z] = (s[z] << turn | s[z] >> (32 - turn)) & 0xFFFFFFFF

    for _ in range(10):
        for i in range(4):
            quarter(i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return struct.pack("<8I", *s[:4], *s[12:])


def open_sealed(key, context, sealed):
    """XChaCha20-Poly1305: nonce (24), ciphertext, tag (16)."""
    nonce, rest = sealed[:24], sealed[24:]
    return ChaCha20Poly1305(hchacha20(key, nonce[:16])).decrypt(bytes(4) + nonce[16:], rest, context)


def argon2id(passphrase, salt, memory_kib, passes, lanes):
    try:
        from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
    except ImportError:
        from argon2.low_level import Type, hash_secret_raw

        return hash_secret_raw(passphrase, salt, passes, memory_kib, lanes, 32, Type.ID)
    kdf = Argon2id(salt=salt, length=32, iterations=passes, lanes=lanes, memory_cost=memory_kib)
    return kdf.derive(passphrase)


def open_key_file(file, passphrase):
    """The library key: root (32), key `id` (32)."""
    if file[:4] != b"BSKF" or file[4:6] != b"\0\0" or file[6] != 1 or len(file) != 272:
        raise ValueError("not a key file of version 0")
    if hashlib.sha256(file[:240]).digest() != file[240:]:
        raise ValueError("the key file is damaged")
    memory_kib, passes = struct.unpack("<II", file[8:16])
    secret = unicodedata.normalize("NFKC", passphrase).encode()
    key = argon2id(secret, file[16:32], memory_kib, passes, file[7])
    return open_sealed(key, b"passphrase" + file[:136], file[136:240])


def open_with_secret(file, recovery_secret):
    """The same by the 32 bytes that the recovery words stand for."""
    return open_sealed(derive(recovery_secret, b"recovery"), b"recovery" + file[:6], file[32:136])


def unpad(padded):
    (length,) = struct.unpack("<Q", padded[:8])
    if 8 + length > len(padded) or any(padded[8 + length :]):
        raise ValueError("not padded as it should be")
    return padded[8 : 8 + length]


def open_record(root, image_id, sealed):
    record = unpad(open_sealed(derive(root, b"record"), b"record" + image_id, sealed))
    if record[:5] != b"BSRC\0":
        raise ValueError("not a record of version 0")
    flags, at = record[5], 40

    def take(kind):
        nonlocal at
        size = struct.calcsize("<" + kind)
        at += size
        return struct.unpack("<" + kind, record[at - size : at])

    def block():
        (length,) = take("I")
        return take(f"{length}s")[0]

    fields = {"indexed": bool(flags & 1), "fingerprint": record[8:40].hex(), "code": block().hex()}
    fields["name"] = block().decode()
    if flags & 2:
        fields["path"] = block().decode()
    (fields["fileBytes"],) = take("Q")
    fields["type"] = block().decode()
    fields["width"], fields["height"], fields["addedAt"], fields["modifiedAt"] = take("IIQQ")
    return fields


def logistic(key, length):
    """The keystream in blocks of 64 KiB; eight lanes of four bytes a step."""
    out = bytearray()
    for block in range((length + 65535) // 65536):
        seed = struct.unpack("<16Q", hkdf_expand(key, b"block" + struct.pack("<Q", block), 128))
        steps = (min(65536, length - len(out)) + 31) // 32
        words = bytearray(32 * steps)
        for lane in range(8):
            mu = 3.9999 + ((seed[2 * lane] >> 11) * 2.0**-53) * 0.00009
            x = 0.1 + ((seed[2 * lane + 1] >> 11) * 2.0**-53) * 0.8
            for _ in range(256):
                x = (mu * x) * (1 - x)
            for step in range(steps):
                x = (mu * x) * (1 - x)
                at = 32 * step + 4 * lane
                words[at : at + 4] = struct.pack("<d", x)[:4]
        out += words
    return bytes(out[:length])


def unwrap_key(root, image_id, wrapped):
    return open_sealed(derive(root, b"wrap"), b"wrap" + image_id, wrapped)


def image_version(sealed):
    if sealed[:4] != b"BSIM" or sealed[4] > 1 or any(sealed[5:8]):
        raise ValueError("not an image of version 0 or 1")
    return sealed[4]


def open_thumbnail(image_key, image_id, sealed):
    """A small JPEG; None where there is none. The first 16384 bytes of `sealed` suffice."""
    if image_version(sealed) == 0:
        return None
    aead = AESGCM(hkdf_expand(image_key, PREFIX + b"image/thumbnail"))
    body = aead.decrypt(bytes(12), sealed[8:16384], image_id + b"\1")
    (length,) = struct.unpack("<I", body[:4])
    if 4 + length > len(body) or any(body[4 + length :]):
        raise ValueError("not padded as it should be")
    return body[4 : 4 + length]


def open_image(image_key, image_id, sealed):
    version = image_version(sealed)
    aead = AESGCM(hkdf_expand(image_key, PREFIX + b"image/aead"))
    size = 2**20 + 16
    chunks = [sealed[at : at + size] for at in range(16384 if version == 1 else 8, len(sealed), size)]
    masked = b"".join(
        aead.decrypt(struct.pack("<QI", i, i == len(chunks) - 1), chunk, image_id + bytes([version]))
        for i, chunk in enumerate(chunks)
    )
    stream = logistic(hkdf_expand(image_key, PREFIX + b"image/logistic"), len(masked))
    both = int.from_bytes(masked, "little") ^ int.from_bytes(stream, "little")
    return unpad(both.to_bytes(len(masked), "little"))


def image_id_of(id_key, file):
    return hmac.digest(id_key, hashlib.sha256(file).digest(), "sha256")[:16]


def centroid_token(root, fingerprint, centroid):
    message = fingerprint + struct.pack("<I", centroid)
    return struct.unpack("<Q", hmac.digest(derive(root, b"token/centroid"), message, "sha256")[:8])[0]


def open_root(root, sealed):
    body = open_sealed(derive(root, b"root"), b"root", sealed)
    if body[0] != 0 or len(body) != 97:
        raise ValueError("not a library root of version 0")
    changes, count = struct.unpack("<QQ", body[33:49])
    return {"parameters": body[1:33], "changes": changes, "count": count, "xor": body[49:65], "sum": body[65:97]}


def sum_of_ids(root, ids):
    key = hkdf_expand(derive(root, b"root"), PREFIX + b"root/sum")
    values = (int.from_bytes(hmac.digest(key, one, "sha256"), "little") for one in ids)
    return (sum(values) % 2**256).to_bytes(32, "little")


def read_edition(file):
    """Id, wrapped key and sealed record of every image; and the sealed library root."""
    head = struct.unpack("<4sHHII32sQQII5II256s", file[:352])
    magic, version, _, head_check, body_check = head[:5]
    count, lengths, root = head[9], head[10:15], head[16]
    if magic != b"BSED" or version != 0:
        raise ValueError("not an edition of version 0")
    segment_at = len(file) - lengths[3]
    if zlib.crc32(file[:8] + bytes(4) + file[12:352]) != head_check or zlib.crc32(file[352:segment_at]) != body_check:
        raise ValueError("the edition is damaged")
    at = 352 + 8 * count + lengths[0]
    offsets = struct.unpack(f"<{3 * (count + 1)}I", file[at : at + 12 * (count + 1)])
    wrapped_offsets, sealed_offsets = offsets[count + 1 : 2 * (count + 1)], offsets[2 * (count + 1) :]
    ids_at = at + 12 * (count + 1)
    wrapped_at = ids_at + 16 * count
    sealed_at = wrapped_at + lengths[1]
    images = [
        (
            file[ids_at + 16 * i : ids_at + 16 * i + 16],
            file[wrapped_at + wrapped_offsets[i] : wrapped_at + wrapped_offsets[i + 1]],
            file[sealed_at + sealed_offsets[i] : sealed_at + sealed_offsets[i + 1]],
        )
        for i in range(count)
    ]
    return images, root[: lengths[4]]


def read(path):
    with open(path, "rb") as file:
        return file.read()


def main(key_path, published, out):
    library_key = open_key_file(read(key_path), os.environ["BLINDSIGHT_PASSPHRASE"])
    root, id_key = library_key[:32], library_key[32:]
    images, sealed_root = read_edition(read(os.path.join(published, "edition")))
    said = open_root(root, sealed_root)
    if (said["count"], said["sum"]) != (len(images), sum_of_ids(root, (one[0] for one in images))):
        raise ValueError("the edition has other images than the library root says")
    os.makedirs(out, exist_ok=True)
    for image_id, wrapped, sealed in images:
        record = open_record(root, image_id, sealed)
        blob = read(os.path.join(published, "blobs", image_id.hex()))
        image_key = unwrap_key(root, image_id, wrapped)
        file, thumbnail = open_image(image_key, image_id, blob), open_thumbnail(image_key, image_id, blob)
        if image_id_of(id_key, file) != image_id:
            raise ValueError("a picture is not the one that its id names")
        with open(os.path.join(out, image_id.hex()), "wb") as target:
            target.write(file)
        print(json.dumps({"id": image_id.hex(), "thumbnailBytes": thumbnail and len(thumbnail), **record}))


if __name__ == "__main__":
    main(*sys.argv[1:])
