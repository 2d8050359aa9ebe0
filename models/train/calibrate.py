"""Ranges of a network's activations on photos: what export.py --int8 takes.

    python3 calibrate.py weights.npz PHOTOS ranges.npz [--photos 64] [--side 144]

For each convolution but the first: what comes in, and, where no BatchNorm follows it, what goes out. A range leaves out
one value in 20,000 on either side: levels are better spent on the rest. Photos are taken evenly from the folder, whole,
in their own proportions, with about side x side pixels, as the library shows them.
"""
import argparse
import math
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

from densenet import DenseNet, shape_of
from prepare import ENDINGS
from train import DEVIATION, MEAN

OUTSIDE = 5e-5
# Values kept of one photo and one activation.
SAMPLE = 20_000


def picture(path, side):
    """f32[1, 3, h, w], normalised."""
    with Image.open(path) as file:
        photo = ImageOps.exif_transpose(file).convert('RGB')
    ratio = side / math.sqrt(photo.width * photo.height)
    photo = photo.resize([max(32, math.floor(length * ratio + 0.5)) for length in photo.size], Image.BILINEAR)
    pixels = torch.from_numpy(np.array(photo)).permute(2, 0, 1).float()[None] / 255
    return (pixels - MEAN) / DEVIATION


@torch.no_grad()
def calibrate(weights, paths, side):
    net = DenseNet(**shape_of(weights)).eval()
    state = {name: torch.from_numpy(weights[name].astype(np.float32)) for name in weights if name.startswith('features.')}
    net.load_state_dict(state, strict=False)
    seen = {}
    random = np.random.default_rng(1)

    def keep(name, values):
        values = values.flatten().numpy()
        picked = random.integers(len(values), size=min(SAMPLE, len(values)))
        seen.setdefault(name, []).append(values[picked])

    def watch(name, module):
        module.register_forward_pre_hook(lambda _, inputs: keep(f'{name}.in', inputs[0]))
        if not name.endswith('.conv1'):
            module.register_forward_hook(lambda _, inputs, out: keep(f'{name}.out', out))

    for name, module in net.named_modules():
        if isinstance(module, torch.nn.Conv2d) and name != 'features.conv0':
            watch(name, module)
    for path in paths:
        net(picture(path, side))
    whole = {name: np.concatenate(parts) for name, parts in seen.items()}
    return {name: np.quantile(values, [OUTSIDE, 1 - OUTSIDE]).astype(np.float32) for name, values in whole.items()}


def photos_in(folder, count):
    """At most `count` photos, evenly from all, in order of name."""
    paths = sorted(path for path in Path(folder).rglob('*') if path.suffix.lower() in ENDINGS)
    if not paths:
        raise SystemExit(f'no photo in {folder}')
    return paths[:: math.ceil(len(paths) / count)]


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('weights')
    parser.add_argument('folder', type=Path)
    parser.add_argument('ranges', type=Path)
    parser.add_argument('--photos', type=int, default=64)
    parser.add_argument('--side', type=int, default=144)
    args = parser.parse_args()
    np.savez(args.ranges, **calibrate(np.load(args.weights), photos_in(args.folder, args.photos), args.side))
