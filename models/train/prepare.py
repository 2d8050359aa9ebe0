"""Photos to a training pool: random crops, and the teacher's answer to each of the same crops ("function matching",
Beyer et al. 2022: a student learns the teacher's function where it sees exactly what the teacher sees).

    python3 prepare.py PHOTOS TEACHER.onnx POOL --crops 5
    python3 prepare.py ... --part 0 --parts 2 &  python3 prepare.py ... --part 1 --parts 2      two processes

Writes POOL/PART.crops (u8[side, side, 3] a crop), POOL/PART.targets (f32[features + probs] a crop) and POOL/PART.json.
Photos are taken in order of name; every photo has its own seed. A stopped run goes on where it was.
"""
import argparse
import json
import math
import random
import subprocess
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

ENDINGS = {'.jpg', '.jpeg', '.png'}


def random_crop(photo, side, rng):
    """30 to 100 % of the area, in a shape up to 4:3 either way, flipped half of the time; squeezed to a square."""
    width, height = photo.size
    box = (0, 0, width, height)
    for _ in range(10):
        area = rng.uniform(0.3, 1) * width * height
        ratio = math.exp(rng.uniform(-1, 1) * math.log(4 / 3))
        w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if w <= width and h <= height:
            x, y = rng.randint(0, width - w), rng.randint(0, height - h)
            box = (x, y, x + w, y + h)
            break
    crop = photo.resize((side, side), Image.BICUBIC, box)
    return ImageOps.mirror(crop) if rng.random() < 0.5 else crop


class Teacher:
    """teacher.mjs in a process of its own."""

    def __init__(self, file, side):
        command = ['node', str(Path(__file__).with_name('teacher.mjs')), str(file), str(side)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f'the teacher {file} does not run')
        self.lengths = json.loads(line)
        self.row_bytes = 4 * (self.lengths['features'] + self.lengths['probs'])

    def answer(self, crop):
        self.process.stdin.write(np.asarray(crop).tobytes())
        self.process.stdin.flush()
        row = self.process.stdout.read(self.row_bytes)
        if len(row) < self.row_bytes:
            raise SystemExit('the teacher ended')
        return row


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('photos', type=Path)
    parser.add_argument('teacher', type=Path)
    parser.add_argument('pool', type=Path)
    parser.add_argument('--crops', type=int, default=5, help='a photo')
    parser.add_argument('--side', type=int, default=128, help='of a stored crop: the largest trained at')
    parser.add_argument('--teacher-side', type=int, default=224)
    parser.add_argument('--part', type=int, default=0)
    parser.add_argument('--parts', type=int, default=1)
    parser.add_argument('--seed', type=int, default=1)
    args = parser.parse_args()

    photos = sorted(path for path in args.photos.rglob('*') if path.suffix.lower() in ENDINGS)
    photos = photos[args.part :: args.parts]
    if not photos:
        raise SystemExit(f'no photo in {args.photos}')
    args.pool.mkdir(parents=True, exist_ok=True)
    teacher = Teacher(args.teacher, args.teacher_side)
    facts = dict(side=args.side, crops=args.crops, photos=len(photos), seed=args.seed, **teacher.lengths)
    about = args.pool / f'{args.part}.json'
    if about.exists() and json.loads(about.read_text()) != facts:
        raise SystemExit(f'{about} was made with other settings: delete the pool, or give another one')
    about.write_text(json.dumps(facts))

    crop_bytes = 3 * args.side**2
    start = str(args.pool / str(args.part))
    with open(f'{start}.crops', 'ab') as crops, open(f'{start}.targets', 'ab') as targets:
        # Photos of which all crops and answers are there.
        done = min(crops.tell() // crop_bytes, targets.tell() // teacher.row_bytes) // args.crops
        crops.truncate(done * args.crops * crop_bytes)
        targets.truncate(done * args.crops * teacher.row_bytes)
        for i, path in enumerate(photos[done:], done):
            rng = random.Random(f'{args.seed} {args.part} {i}')
            with Image.open(path) as file:
                photo = ImageOps.exif_transpose(file).convert('RGB')
            for _ in range(args.crops):
                crop = random_crop(photo, args.teacher_side, rng)
                targets.write(teacher.answer(crop))
                small = crop.resize((args.side, args.side), Image.BICUBIC)
                crops.write(np.asarray(small).tobytes())
            if (i + 1) % 100 == 0 or i + 1 == len(photos):
                crops.flush()
                targets.flush()
                print(f'{i + 1}/{len(photos)} photos', flush=True)


if __name__ == '__main__':
    main()
