"""Holds reader.py to test/vectors/formats.json: python3 vectors.py PATH. Prints how many values it has compared."""

import json
import sys

import reader

with open(sys.argv[1], encoding="utf8") as file:
    vectors = json.load(file)
compared = 0


def same(got, wanted, what):
    global compared
    compared += 1
    if got != wanted:
        sys.exit(f"{what}: got {got}, expected {wanted}")


def raw(name):
    return bytes.fromhex(vectors[name])


library_key, image_id = raw("libraryKey"), raw("id")
root = library_key[:32]
same(reader.open_key_file(raw("keyFile"), vectors["passphrase"]), library_key, "key file")
same(reader.open_with_secret(raw("keyFile"), raw("recoverySecret")), library_key, "recovery")
record = reader.open_record(root, image_id, bytes.fromhex(vectors["record"]["sealed"]))
fields = {name: value for name, value in vectors["record"]["fields"].items()}
same(record, fields, "record")
image_key = reader.unwrap_key(root, image_id, raw("wrappedKey"))
same(image_key, raw("imageKey"), "image key")
same(reader.open_image(image_key, image_id, raw("image")), raw("file"), "image")
both = raw("imageWithThumbnail")
same(reader.open_image(image_key, image_id, both), raw("file"), "image with a thumbnail")
same(reader.open_thumbnail(image_key, image_id, both), raw("thumbnail"), "thumbnail")
said = reader.open_root(root, bytes.fromhex(vectors["root"]["sealed"]))
ids = [bytes.fromhex(one) for one in vectors["root"]["ids"]]
same(said["parameters"].hex(), vectors["root"]["parameters"], "root: parameters")
same((said["changes"], said["count"]), (vectors["root"]["changes"], len(ids)), "root: counts")
same(said["sum"], reader.sum_of_ids(root, ids), "root: sum")
fingerprint = bytes.fromhex(vectors["centroidTokens"]["fingerprint"])
for centroid, token in vectors["centroidTokens"]["tokens"]:
    same(f"{reader.centroid_token(root, fingerprint, centroid):016x}", token, "token")
print(compared)
