"""A checkpoint to ONNX: input [n, 3, height, width] (RGB, ImageNet's mean and deviation) -> features [n, dims].

    python3 export.py weights.npz model.onnx [--half | --int8-weights | --fp16 | --int8 ranges.npz] [--fold]

--half stores convolutions as f16 behind Cast nodes: half the file, and ONNX Runtime undoes the casts when it loads,
so that it runs as f32. --int8-weights stores them as int8 with a scale for each output channel, behind Cast and Mul,
which are undone in the same way: a quarter of the file. (DequantizeLinear would not be: ONNX Runtime keeps it for
integer kernels, and runs it at every call.)
--fp16 computes in f16, between casts of the input and of the features. --int8 computes convolutions but the first in
integers (QLinearConv); its ranges are what calibrate.py measured; it folds.
--fold puts the BatchNorm that follows a convolution into its weights. The other BatchNorms stand behind a
concatenation and stay.
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
    kind = {'float32': 1, 'uint8': 2, 'int8': 3, 'int32': 6, 'float16': 10}[array.dtype.name]
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


def int8_rows(array):
    """int8 of the same shape, and a scale for each first index, f32: of 20 clippings the one with the least square error."""
    rows = array.reshape(len(array), -1).astype(np.float64)
    largest = np.maximum(np.abs(rows).max(1), 1e-12)
    best = np.full(len(rows), np.inf)
    levels, scales = np.zeros(rows.shape, np.int8), np.zeros(len(rows), np.float32)
    for clipping in np.linspace(0.6, 1, 20):
        scale = (largest * clipping / 127).astype(np.float32)
        tried = np.clip(np.rint(rows / scale[:, None]), -127, 127)
        error = ((tried * scale[:, None] - rows) ** 2).sum(1)
        better = error < best
        best[better], levels[better], scales[better] = error[better], tried[better], scale[better]
    return levels.reshape(array.shape), scales


class Graph:
    def __init__(self, weights, form, fold, ranges):
        self.weights, self.form, self.ranges = weights, form, ranges
        self.fold = fold or form == 'int8'
        self.nodes, self.tensors = [], []

    def add(self, operation, inputs, output, **attributes):
        fields = b''.join(block(1, name) for name in inputs) + block(2, output) + block(3, output) + block(4, operation)
        self.nodes.append(fields + b''.join(block(5, attribute(k, v)) for k, v in attributes.items()))
        return output

    def store(self, name, array):
        self.tensors.append(tensor(name, np.asarray(array)))
        return name

    def constant(self, name, array):
        array = array.astype(np.float32)
        if self.form == 'fp16':
            return self.store(name, array.astype(np.float16))
        if self.form == 'half' and array.ndim == 4:
            return self.add('Cast', [self.store(f'{name}.f16', array.astype(np.float16))], name, to=1)
        if self.form == 'int8-weights' and array.ndim == 4:
            levels, scales = int8_rows(array)
            x = self.add('Cast', [self.store(f'{name}.i8', levels)], f'{name}.levels', to=1)
            return self.add('Mul', [x, self.store(f'{name}.scale', scales[:, None, None, None])], name)
        return self.store(name, array)

    def conv(self, x, name, kernel, stride=1, padding=0, norm=None):
        """A convolution, and the BatchNorm and ReLU behind it if there are any."""
        kernels = self.weights[f'{name}.weight'].astype(np.float64)
        shape = dict(kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[padding] * 4)
        inputs = [x]
        if norm is not None and self.fold:
            scale, bias, mean, variance = self.norm_weights(norm)
            factor = scale / np.sqrt(variance + EPSILON)
            inputs.append(self.constant(f'{name}.weight', kernels * factor[:, None, None, None]))
            inputs.append(self.constant(f'{name}.bias', bias - mean * factor))
        else:
            inputs.append(self.constant(f'{name}.weight', kernels))
        x = self.add('Conv', inputs, name, **shape)
        if norm is None:
            return x
        return self.add('Relu', [x], f'{norm}.relu') if self.fold else self.norm(x, norm)

    def levels(self, name):
        """Scale and zero point of what lies in ranges[name]: u8 levels that 0 is one of."""
        low, high = np.minimum(self.ranges[name], 0)[0], np.maximum(self.ranges[name], 0)[1]
        scale = max(float(high - low), 1e-6) / 255
        zero = np.uint8(np.clip(np.rint(-low / scale), 0, 255))
        names = [self.store(f'{name}.scale', np.float32(scale)), self.store(f'{name}.zero', zero)]
        return names, scale

    def integer_conv(self, x, name, x_levels, out, kernel, padding=0, norm=None):
        """A convolution of u8 levels, with the BatchNorm behind it; its ReLU is the lower end of the levels it gives."""
        (x_names, x_scale), kernels, bias = x_levels, self.weights[f'{name}.weight'].astype(np.float64), None
        if norm is not None:
            scale, shift, mean, variance = self.norm_weights(norm)
            factor = scale / np.sqrt(variance + EPSILON)
            kernels, bias = kernels * factor[:, None, None, None], shift - mean * factor
        levels, scales = int8_rows(kernels)
        inputs = [x, *x_names, self.store(f'{name}.i8', levels), self.store(f'{name}.scales', scales)]
        inputs.append(self.store(f'{name}.zeros', np.zeros(len(scales), np.int8)))
        made = self.levels(out)
        inputs += made[0]
        if bias is not None:
            inputs.append(self.store(f'{name}.bias', np.rint(bias / (x_scale * scales)).astype(np.int32)))
        x = self.add('QLinearConv', inputs, name, kernel_shape=[kernel] * 2, strides=[1, 1], pads=[padding] * 4)
        return x, made

    def integer_norm(self, x, name, out):
        """The BatchNorm before a convolution, in f32, and u8 levels of what its ReLU lets through."""
        made = self.levels(out)
        return self.add('QuantizeLinear', [self.norm(x, name, relu=False), *made[0]], f'{out}.levels'), made

    def dense_layer(self, x, layer):
        if self.form != 'int8':
            y = self.conv(self.norm(x, f'{layer}.norm1'), f'{layer}.conv1', 1, norm=f'{layer}.norm2')
            return self.conv(y, f'{layer}.conv2', 3, padding=1)
        y, levels = self.integer_norm(x, f'{layer}.norm1', f'{layer}.conv1.in')
        y, levels = self.integer_conv(y, f'{layer}.conv1', levels, f'{layer}.conv2.in', 1, norm=f'{layer}.norm2')
        y, levels = self.integer_conv(y, f'{layer}.conv2', levels, f'{layer}.conv2.out', 3, padding=1)
        return self.add('DequantizeLinear', [y, *levels[0]], f'{layer}.new')

    def transition(self, x, name):
        if self.form != 'int8':
            return self.conv(self.norm(x, f'{name}.norm'), f'{name}.conv', 1)
        x, levels = self.integer_norm(x, f'{name}.norm', f'{name}.conv.in')
        x, levels = self.integer_conv(x, f'{name}.conv', levels, f'{name}.conv.out', 1)
        return self.add('DequantizeLinear', [x, *levels[0]], f'{name}.new')

    def norm_weights(self, name):
        parts = ('weight', 'bias', 'running_mean', 'running_var')
        return [self.weights[f'{name}.{part}'].astype(np.float64) for part in parts]

    def norm(self, x, name, relu=True):
        names = [f'{name}.{part}' for part in ('weight', 'bias', 'running_mean', 'running_var')]
        inputs = [x] + [self.constant(part, array) for part, array in zip(names, self.norm_weights(name))]
        x = self.add('BatchNormalization', inputs, name, epsilon=EPSILON)
        return self.add('Relu', [x], f'{name}.relu') if relu else x


FORMS = ('f32', 'half', 'int8-weights', 'fp16', 'int8')


def export(weights, form='f32', fold=False, ranges=None):
    """Bytes of an ONNX file. `ranges`: for int8, lowest and highest of each activation, as calibrate.py names them."""
    graph = Graph(weights, form, fold, ranges)
    x = graph.add('Cast', ['input'], 'input.f16', to=10) if form == 'fp16' else 'input'
    x = graph.conv(x, 'features.conv0', 7, 2, 3, norm='features.norm0')
    x = graph.add('MaxPool', [x], 'features.pool0', kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    blocks = shape_of(weights)['blocks']
    for b, layers in enumerate(blocks, 1):
        for i in range(1, layers + 1):
            layer = f'features.denseblock{b}.denselayer{i}'
            x = graph.add('Concat', [x, graph.dense_layer(x, layer)], layer, axis=1)
        if b < len(blocks):
            name = f'features.transition{b}'
            x = graph.transition(x, name)
            x = graph.add('AveragePool', [x], f'{name}.pool', kernel_shape=[2, 2], strides=[2, 2])
    x = graph.norm(x, 'features.norm5')
    if form == 'fp16':
        x = graph.add('Cast', [x], 'features.norm5.f32', to=1)
    graph.add('Flatten', [graph.add('GlobalAveragePool', [x], 'pooled')], 'features', axis=1)
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
    forms = parser.add_mutually_exclusive_group()
    for form in ('half', 'int8-weights', 'fp16'):
        forms.add_argument(f'--{form}', action='store_const', const=form, dest='form', default='f32')
    forms.add_argument('--int8', metavar='RANGES', help='.npz that calibrate.py wrote')
    parser.add_argument('--fold', action='store_true')
    args = parser.parse_args()
    ranges = np.load(args.int8) if args.int8 else None
    form = 'int8' if args.int8 else args.form
    args.model.write_bytes(export(np.load(args.weights), form, args.fold, ranges))
