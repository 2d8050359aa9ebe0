"""Every size of one checkpoint, and what each costs: files in OUT, then `blindsight models measure` of all of them.

    python3 sizes.py weights.npz OUT CALIBRATION-PHOTOS -- --photos corel1k --labels corel1k/labels.csv --mean-photos caltech101

What stands behind -- goes to `models measure`; without it, files are written and nothing is measured. The first row is
f32, which times are compared to. No photo that is measured may be one of the calibration's.
"""
import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np

from calibrate import calibrate, photos_in
from export import FORMS, export

MAIN = Path(__file__).resolve().parents[2] / 'build' / 'src' / 'cli' / 'main.js'


def main():
    arguments, rest = sys.argv[1:], []
    if '--' in arguments:
        cut = arguments.index('--')
        arguments, rest = arguments[:cut], arguments[cut + 1 :]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('weights')
    parser.add_argument('out', type=Path)
    parser.add_argument('calibration', type=Path)
    parser.add_argument('--calibration-photos', type=int, default=64)
    parser.add_argument('--side', type=int, default=144)
    args = parser.parse_args(arguments)
    weights = np.load(args.weights)
    args.out.mkdir(parents=True, exist_ok=True)
    ranges = calibrate(weights, photos_in(args.calibration, args.calibration_photos), args.side)
    files = []
    for form in FORMS:
        files.append(args.out / f'{form}.onnx')
        files[-1].write_bytes(export(weights, form, ranges=ranges))
    if rest:
        sys.exit(subprocess.call(['node', str(MAIN), 'models', 'measure', *(f'{f}@{args.side}' for f in files), *rest]))


if __name__ == '__main__':
    main()
