"""DenseNet (Huang et al. 2017, table 1) with torchvision's names of layers: its checkpoints and ours are alike."""
from collections import OrderedDict

import torch
import torch.nn as nn
import torch.nn.functional as F


class Layer(nn.Module):
    """Bottleneck to 4 x growth channels, then growth new ones."""

    def __init__(self, channels, growth):
        super().__init__()
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, 4 * growth, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(4 * growth)
        self.conv2 = nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)

    def forward(self, x):
        x = self.conv1(F.relu(self.norm1(x), inplace=True))
        return self.conv2(F.relu(self.norm2(x), inplace=True))


class Block(nn.Module):
    """Each layer sees the output of all before it."""

    def __init__(self, layers, channels, growth):
        super().__init__()
        for i in range(layers):
            self.add_module(f'denselayer{i + 1}', Layer(channels + i * growth, growth))

    def forward(self, x):
        for layer in self.children():
            x = torch.cat([x, layer(x)], 1)
        return x


class DenseNet(nn.Module):
    """Pictures f32[n, 3, h, w] to descriptors f32[n, dims]. The defaults are DenseNet-121, with 1024 dims."""

    def __init__(self, growth=32, blocks=(6, 12, 24, 16)):
        super().__init__()
        channels = 2 * growth
        parts = OrderedDict(
            conv0=nn.Conv2d(3, channels, 7, stride=2, padding=3, bias=False),
            norm0=nn.BatchNorm2d(channels),
            relu0=nn.ReLU(inplace=True),
            pool0=nn.MaxPool2d(3, 2, 1),
        )
        for i, layers in enumerate(blocks, 1):
            parts[f'denseblock{i}'] = Block(layers, channels, growth)
            channels += growth * layers
            if i < len(blocks):
                parts[f'transition{i}'] = nn.Sequential(
                    OrderedDict(
                        norm=nn.BatchNorm2d(channels),
                        relu=nn.ReLU(inplace=True),
                        conv=nn.Conv2d(channels, channels // 2, 1, bias=False),
                        pool=nn.AvgPool2d(2, 2),
                    )
                )
                channels //= 2
        parts['norm5'] = nn.BatchNorm2d(channels)
        self.dims = channels
        self.features = nn.Sequential(parts)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, x):
        return F.relu(self.features(x)).mean((2, 3))


def shape_of(weights):
    """The arguments that make the network of a checkpoint."""
    growth = weights['features.conv0.weight'].shape[0] // 2
    blocks = []
    while any(name.startswith(f'features.denseblock{len(blocks) + 1}.') for name in weights):
        start = f'features.denseblock{len(blocks) + 1}.'
        blocks.append(len({name.split('.')[2] for name in weights if name.startswith(start)}))
    return dict(growth=growth, blocks=tuple(blocks))
