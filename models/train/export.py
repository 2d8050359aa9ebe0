"""A checkpoint to ONNX: input [n, 3, height, width] (RGB, ImageNet's mean and deviation) -> features [n, dims].

    python3 export.py weights.npz model.onnx [--half] [--fold]

--half stores convolutions as f16 behind Cast nodes: half the file, and ONNX Runtime undoes the casts when it loads,
so that it runs as f32. --fold puts the BatchNorm that follows a convolution into its weights. The other BatchNorms
stand behind a concatenation and stay.
The protobuf is written by hand: Debian has no `onnx` package. Field numbers are those of onnx.proto3.
"""
import argparse
import struct
from pathlib import Path

import numpy as np

from densenet import shape_of

EPSILON = 1e-5


def varint(n):
    out = bytearray()
    n &= (1 << 64) - 1
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out) + bytes([n])


def number(field, n):
    return varint(field << 3) + varint(n)


def block(field, content):
    content = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | 2) + varint(len(content)) + content


def tensor(name, array):
    kind = {'float32': 1, 'float16': 10}[array.dtype.name]
    dims = b''.join(number(1, length) for length in array.shape)
    return dims + number(2, kind) + block(8, name) + block(9, np.ascontiguousarray(array).tobytes())


def attribute(name, value):
    if isinstance(value, float):
        return block(1, name) + varint(2 << 3 | 5) + struct.pack('<f', value) + number(20, 1)
    if isinstance(value, int):
        return block(1, name) + number(3, value) + number(20, 2)
    return block(1, name) + b''.join(number(8, n) for n in value) + number(20, 7)


def value_info(name, shape):
    dims = b''.join(block(1, block(2, d) if isinstance(d, str) else number(1, d)) for d in shape)
    return block(1, name) + block(2, block(1, number(1, 1) + block(2, dims)))


class Graph:
    def __init__(self, weights, half, fold):
        self.weights, self.half, self.fold = weights, half, fold
        self.nodes, self.tensors = [], []

    def add(self, operation, inputs, output, **attributes):
        fields = b''.join(block(1, name) for name in inputs) + block(2, output) + block(3, output) + block(4, operation)
        self.nodes.append(fields + b''.join(block(5, attribute(k, v)) for k, v in attributes.items()))
        return output

    def constant(self, name, array):
        array = array.astype(np.float32)
        if self.half and array.ndim == 4:
            self.tensors.append(tensor(f'{name}.f16', array.astype(np.float16)))
            return self.add('Cast', [f'{name}.f16'], name, to=1)
        self.tensors.append(tensor(name, array))
        return name

    def conv(self, x, name, kernel, stride=1, padding=0, norm=None):
        """A convolution, and the BatchNorm and ReLU behind it if there are any."""
        kernels = self.weights[f'{name}.weight'].astype(np.float64)
        inputs = [x]
        if norm is not None and self.fold:
            scale, bias, mean, variance = self.norm_weights(norm)
            factor = scale / np.sqrt(variance + EPSILON)
            inputs.append(self.constant(f'{name}.weight', kernels * factor[:, None, None, None]))
            inputs.append(self.constant(f'{name}.bias', bias - mean * factor))
        else:
            inputs.append(self.constant(f'{name}.weight', kernels))
        x = self.add('Conv', inputs, name, kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[padding] * 4)
        if norm is None:
            return x
        return self.add('Relu', [x], f'{norm}.relu') if self.fold else self.norm(x, norm)

    def norm_weights(self, name):
        parts = ('weight', 'bias', 'running_mean', 'running_var')
        return [self.weights[f'{name}.{part}'].astype(np.float64) for part in parts]

    def norm(self, x, name):
        names = [f'{name}.{part}' for part in ('weight', 'bias', 'running_mean', 'running_var')]
        inputs = [x] + [self.constant(part, array) for part, array in zip(names, self.norm_weights(name))]
        return self.add('Relu', [self.add('BatchNormalization', inputs, name, epsilon=EPSILON)], f'{name}.relu')


def export(weights, half=False, fold=False):
    graph = Graph(weights, half, fold)
    x = graph.conv('input', 'features.conv0', 7, 2, 3, norm='features.norm0')
    x = graph.add('MaxPool', [x], 'features.pool0', kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    blocks = shape_of(weights)['blocks']
    for b, layers in enumerate(blocks, 1):
        for i in range(1, layers + 1):
            layer = f'features.denseblock{b}.denselayer{i}'
            y = graph.conv(graph.norm(x, f'{layer}.norm1'), f'{layer}.conv1', 1, norm=f'{layer}.norm2')
            x = graph.add('Concat', [x, graph.conv(y, f'{layer}.conv2', 3, padding=1)], layer, axis=1)
        if b < len(blocks):
            name = f'features.transition{b}'
            x = graph.conv(graph.norm(x, f'{name}.norm'), f'{name}.conv', 1)
            x = graph.add('AveragePool', [x], f'{name}.pool', kernel_shape=[2, 2], strides=[2, 2])
    x = graph.add('GlobalAveragePool', [graph.norm(x, 'features.norm5')], 'pooled')
    graph.add('Flatten', [x], 'features', axis=1)
    dims = len(weights['features.norm5.weight'])
    depth = 2 * sum(blocks) + len(blocks) + 1
    body = b''.join(block(1, node) for node in graph.nodes) + block(2, f'densenet{depth}')
    body += b''.join(block(5, constant) for constant in graph.tensors)
    body += block(11, value_info('input', ['batch', 3, 'height', 'width']))
    body += block(12, value_info('features', ['batch', dims]))
    return number(1, 8) + block(2, 'blindsight') + block(7, body) + block(8, block(1, '') + number(2, 13))


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('weights')
    parser.add_argument('model', type=Path)
    parser.add_argument('--half', action='store_true')
    parser.add_argument('--fold', action='store_true')
    args = parser.parse_args()
    args.model.write_bytes(export(np.load(args.weights), args.half, args.fold))
