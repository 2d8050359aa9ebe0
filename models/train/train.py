"""Distillation: a DenseNet learns a teacher's features and soft labels from a pool that prepare.py made.

    python3 train.py POOL OUT --epochs 10
    python3 train.py POOL OUT --epochs 3 --init ../densenet121-distilled.npz      go on from a checkpoint
    python3 train.py POOL OUT --minutes 90        the schedule follows the clock: for a machine that has other work too

After each epoch it prints a figure on photos that are held out (one in twenty, all crops of it), and writes
OUT/weights.npz (moving average; what export.py takes) and OUT/state.pt. Stopped in any way, the same command goes on.
"""
import argparse
import copy
import json
import math
import os
import signal
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from densenet import DenseNet, shape_of

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
DEVIATION = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
HELD_OUT = 20  # one photo in so many
FIGURE_CROPS = 2000  # at most so many of them make a figure
NEAREST = 10
TEMPERATURE = 2
# Names in a checkpoint, after `head.`.
HEADS = {
    'pw': 'project.weight',
    'pb': 'project.bias',
    'cw': 'classify.weight',
    'cb': 'classify.bias',
    'mu': 'mu',
    'sd': 'sd',
}


class Pool:
    """The parts of a pool, as one."""

    def __init__(self, folder):
        self.parts, photo = [], []
        for about in sorted(Path(folder).glob('*.json')):
            facts = json.loads(about.read_text())
            self.side, self.features, self.probs = facts['side'], facts['features'], facts['probs']
            crops = np.memmap(about.with_suffix('.crops'), np.uint8, 'r').reshape(-1, self.side, self.side, 3)
            targets = np.memmap(about.with_suffix('.targets'), np.float32, 'r').reshape(-1, self.features + self.probs)
            count = min(len(crops), len(targets)) // facts['crops'] * facts['crops']
            photo.append(np.arange(count) // facts['crops'] + sum(map(len, photo)))
            self.parts.append((crops[:count], targets[:count]))
        if not self.parts:
            raise SystemExit(f'no pool in {folder}: prepare.py makes one')
        self.starts = np.cumsum([0] + [len(crops) for crops, _ in self.parts])
        self.photo = np.concatenate(photo)
        order = {number: i for i, number in enumerate(np.unique(self.photo))}
        held = np.array([order[number] % HELD_OUT == 0 for number in self.photo])
        self.held, self.train = np.flatnonzero(held), np.flatnonzero(~held)

    def batch(self, rows):
        """Pictures f32[n, 3, side, side] in [0, 1], and targets f32[n, features + probs]."""
        part = np.searchsorted(self.starts, rows, 'right') - 1
        at = rows - self.starts[part]
        crops = np.stack([self.parts[p][0][i] for p, i in zip(part, at)])
        targets = np.stack([self.parts[p][1][i] for p, i in zip(part, at)])
        return torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 255, torch.from_numpy(targets)

    def statistics(self):
        """Mean and deviation of each of the teacher's features, from at most 20 000 crops of the training part."""
        rows = self.train[:: max(1, len(self.train) // 20_000)]
        features = self.batch(rows)[1][:, : self.features]
        return features.mean(0), features.std(0) + 1e-3


def cosines(rows):
    """f32[n, n], as the yardstick has them: to unit length, less the mean, to unit length, inner products."""
    unit = F.normalize(rows)
    unit = F.normalize(unit - unit.mean(0))
    return unit @ unit.T


def relations(descriptors, features):
    return F.mse_loss(cosines(descriptors), cosines(features))


class Student(nn.Module):
    """The network, and the heads that are thrown away after training."""

    def __init__(self, net, features, probs):
        super().__init__()
        self.net = net
        self.project = nn.Linear(net.dims, features)
        self.classify = nn.Linear(net.dims, probs) if probs > 0 else None
        self.register_buffer('mu', torch.zeros(features))
        self.register_buffer('sd', torch.ones(features))

    def losses(self, descriptors, targets):
        """
        Its softened probabilities: Kullback-Leibler. Its features, standardised: squared error and angle. Its likenesses:
        squared error of the batch's cosines (relational distillation, after Park et al. 2019), which is what a search ranks by.
        """
        wanted = (targets[:, : len(self.mu)] - self.mu) / self.sd
        given = self.project(descriptors)
        square = F.mse_loss(given, wanted)
        angle = 1 - F.cosine_similarity(given, wanted).mean()
        soft = torch.zeros(())
        if self.classify is not None:
            probs = targets[:, len(self.mu) :].clamp_min(1e-8) ** (1 / TEMPERATURE)
            probs = probs / probs.sum(1, keepdim=True)
            given = F.log_softmax(self.classify(descriptors) / TEMPERATURE, 1)
            soft = F.kl_div(given, probs, reduction='batchmean') * TEMPERATURE**2
        return soft, square, angle, relations(descriptors, targets[:, : len(self.mu)])

    def save(self, path):
        """torchvision's names, convolutions as f16, heads under `head.`."""
        state = {name: value.float().cpu().numpy() for name, value in self.state_dict().items()}
        out = {name[4:]: state[name] for name in state if name.startswith('net.') and 'num_batches' not in name}
        out.update({f'head.{short}': state[name] for short, name in HEADS.items() if name in state})
        out = {name: value.astype(np.float16) if value.ndim > 1 else value for name, value in out.items()}
        whole(path, lambda file: np.savez(file, **out))

    def load(self, weights):
        """A checkpoint. Heads for another teacher are left out."""
        state = self.state_dict()
        names = {f'net.{name}': name for name in weights if name.startswith('features.')}
        names.update({name: f'head.{short}' for short, name in HEADS.items()})
        fits = lambda name: name in state and names[name] in weights and weights[names[name]].shape == state[name].shape
        found = {name: torch.from_numpy(weights[names[name]].astype(np.float32)) for name in names if fits(name)}
        for name in state:
            if name.startswith('net.') and name not in found and 'num_batches' not in name:
                raise SystemExit(f'the checkpoint lacks {name}')
        known = 'project.weight' in found
        if not known:
            found = {name: value for name, value in found.items() if name.startswith('net.')}
        self.load_state_dict(found, strict=False)
        return known


def whole(path, write):
    """A file is there whole, or as it was."""
    partial = Path(f'{path}.partial')
    with open(partial, 'wb') as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


def resized(pictures, side):
    if side != pictures.shape[-1]:
        pictures = F.interpolate(pictures, size=(side, side), mode='bilinear', align_corners=False, antialias=True)
    pictures = (pictures - MEAN.to(pictures.device)) / DEVIATION.to(pictures.device)
    return pictures.contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def figure(student, pool, side, device, batch):
    """
    On held-out crops: cosine to the teacher's standardised features; share whose nearest is of the same photo; share of
    the teacher's ten nearest among the student's ten nearest.
    """
    student.eval()
    descriptors, features, angles = [], [], []
    held = pool.held[:FIGURE_CROPS]
    for start in range(0, len(held), batch):
        pictures, targets = pool.batch(held[start : start + batch])
        made = student.net(resized(pictures.to(device), side))
        angles += [float(student.losses(made, targets.to(device))[2])] * len(made)
        descriptors.append(made.cpu())
        features.append(targets[:, : pool.features])
    student.train()
    ours, theirs = (
        cosines(torch.cat(rows)).fill_diagonal_(-2).topk(min(NEAREST, len(held) - 1)).indices.numpy()
        for rows in (descriptors, features)
    )
    photo = pool.photo[held]
    shared = np.mean([len(np.intersect1d(a, b)) / len(a) for a, b in zip(ours, theirs)])
    return 1 - float(np.mean(angles)), float((photo[ours[:, 0]] == photo).mean()), float(shared)


def side_at(sides, progress):
    """`96:0.45,112:0.8,128`: 96 until 45 % of the run, 112 until 80 %, then 128."""
    for part in sides.split(','):
        side, _, until = part.partition(':')
        if progress < float(until or 2):
            return int(side)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('pool', type=Path)
    parser.add_argument('out', type=Path)
    parser.add_argument('--epochs', type=int, default=5)
    parser.add_argument('--minutes', type=float, help='end after so much training, in place of --epochs')
    parser.add_argument('--relations', type=float, default=60, help='weight of the relational loss')
    parser.add_argument('--batch', type=int, default=64)
    parser.add_argument('--rate', type=float, default=2.5e-3, help='at its peak; 9e-4 when going on from a checkpoint')
    parser.add_argument('--sides', default='96:0.45,112:0.8,128', help='SIDE:UNTIL,... ; no larger than the pool')
    parser.add_argument('--init', type=Path, help='checkpoint .npz to go on from')
    parser.add_argument('--growth', type=int, default=32)
    parser.add_argument('--blocks', type=lambda text: tuple(map(int, text.split(','))), default=(6, 12, 24, 16))
    parser.add_argument('--precision', choices=['bf16', 'f32'], default='bf16')
    parser.add_argument('--save-every', type=int, default=500, help='steps')
    parser.add_argument('--seed', type=int, default=1)
    args = parser.parse_args()
    settings = {name: str(value) for name, value in vars(args).items() if name not in ('out', 'save_every')}

    torch.manual_seed(args.seed)
    torch.set_num_threads(os.cpu_count())
    torch.set_flush_denormal(True)
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    pool = Pool(args.pool)
    steps_per_epoch = len(pool.train) // args.batch
    total = args.epochs * steps_per_epoch if args.minutes is None else math.inf
    if steps_per_epoch == 0:
        raise SystemExit(f'{len(pool.train)} crops are less than one batch of {args.batch}')
    warm = min(200, args.epochs * steps_per_epoch // 10 + 1)

    weights = np.load(args.init) if args.init else None
    shape = shape_of(weights) if args.init else dict(growth=args.growth, blocks=args.blocks)
    student = Student(DenseNet(**shape), pool.features, pool.probs)
    if not (args.init and student.load(weights)):
        student.mu[:], student.sd[:] = pool.statistics()
    student.to(device, memory_format=torch.channels_last)
    average = copy.deepcopy(student)
    matrices = [p for p in student.parameters() if p.ndim > 1]
    vectors = [p for p in student.parameters() if p.ndim <= 1]
    groups = [dict(params=matrices, weight_decay=0.05), dict(params=vectors, weight_decay=0)]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.99))

    args.out.mkdir(parents=True, exist_ok=True)
    state_file = args.out / 'state.pt'
    step, spent = 0, 0.0
    if state_file.exists():
        state = torch.load(state_file, map_location=device)
        other = [name for name in settings if state['settings'].get(name) != settings[name]]
        if other:
            raise SystemExit(f'{state_file} was made with another --{other[0]}: take another folder')
        for name, part in dict(student=student, average=average, optimizer=optimizer).items():
            part.load_state_dict(state[name])
        step, spent = state['step'], state['spent']
        print(f'going on at step {step}', flush=True)

    def save():
        parts = dict(student=student, average=average, optimizer=optimizer)
        state = dict(settings=settings, step=step, spent=spent + time.time() - started, **{name: part.state_dict() for name, part in parts.items()})
        whole(state_file, lambda file: torch.save(state, file))

    def progress():
        return step / total if args.minutes is None else (spent + time.time() - started) / (60 * args.minutes)

    def say(losses, more=''):
        soft, square, angle, relation = losses
        speed = f'{seen / (time.time() - started):.0f} images/s' if seen else 'start'
        line = f'step {step} ({100 * progress():.0f} %)  soft {soft:.3f} square {square:.3f} angle {angle:.3f} relations {relation:.4f}'
        print(f'{line}  {speed}{more}', flush=True)

    def report(losses):
        cosine, same, shared = figure(average, pool, pool.side, device, args.batch)
        more = f'  held out: cosine {cosine:.4f}, same photo first {100 * same:.1f} %'
        say(losses, f'{more}, of the teacher\'s nearest {100 * shared:.1f} %')

    stopped = []
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stopped.append(True))

    started, seen, running = time.time(), 0, np.zeros(4)
    if step == 0:
        report(running)
        started = time.time()
    student.train()
    while progress() < 1 and not stopped:
        epoch, at = divmod(step, steps_per_epoch)
        # An epoch's order depends on its number alone: a run that was stopped sees what it would have seen.
        order = np.random.default_rng([args.seed, epoch]).permutation(pool.train)
        rows = np.sort(order[at * args.batch : (at + 1) * args.batch])
        rate = args.rate * min(1, (step + 1) / warm) * 0.5 * (1 + math.cos(math.pi * progress())) + 1e-6
        for group in optimizer.param_groups:
            group['lr'] = rate
        pictures, targets = pool.batch(rows)
        pictures = resized(pictures.to(device), side_at(args.sides, progress()))
        with torch.autocast(device, dtype=torch.bfloat16, enabled=args.precision == 'bf16'):
            descriptors = student.net(pictures)
        soft, square, angle, relation = student.losses(descriptors.float(), targets.to(device))
        optimizer.zero_grad(set_to_none=True)
        (soft + 2 * square + 4 * angle + args.relations * relation).backward()
        nn.utils.clip_grad_norm_(student.parameters(), 5)
        optimizer.step()
        step += 1
        seen += len(rows)
        # The moving average follows quickly at first, then over some 500 steps.
        follow = max(0.002, 1 / (step + 1))
        with torch.no_grad():
            for mine, theirs in zip(average.state_dict().values(), student.state_dict().values()):
                mine.lerp_(theirs, follow) if mine.dtype.is_floating_point else mine.copy_(theirs)
        now = np.array([float(loss) for loss in (soft, square, angle, relation)])
        running = 0.98 * running + 0.02 * now if seen > len(rows) else now
        if step % steps_per_epoch == 0:
            report(running)
            average.save(args.out / 'weights.npz')
            save()
        elif step % args.save_every == 0:
            say(running)
            average.save(args.out / 'weights.npz')
            save()
    if stopped:
        save()
        print(f'stopped at step {step}; the same command goes on', flush=True)
    elif step % steps_per_epoch != 0:
        report(running)
        average.save(args.out / 'weights.npz')
        save()


if __name__ == '__main__':
    main()
