"""The networks of :mod:`thalweg.numpy.deep_networks` as PyTorch modules, and their counts for modules that were trained."""

from typing import Any

import torch
from torch import nn

from thalweg import numpy as reference

__all__ = ["as_module", "breakpoints", "count_parameters", "interpolating_network", "linear_pieces", "sawtooth"]


def as_module(network: reference.Network, parameters: dict[str, Any]) -> nn.Sequential:
    """The same network as a module, with the same parameters, in float64.

    ``network`` and ``parameters`` as from :func:`thalweg.numpy.mlp`. Raises ValueError for layers other than linear ones and ReLU.
    """
    modules: list[nn.Module] = []
    for i, layer in enumerate(network.layers):
        if isinstance(layer, reference.Linear):
            linear = nn.Linear(layer.inputs, layer.outputs, bias=layer.bias, dtype=torch.float64)
            with torch.no_grad():
                linear.weight.copy_(torch.as_tensor(parameters[f"{i}.W"]))
                if layer.bias:
                    linear.bias.copy_(torch.as_tensor(parameters[f"{i}.b"]))
            modules.append(linear)
        elif isinstance(layer, reference.ReLU):
            modules.append(nn.ReLU())
        else:
            raise ValueError(f"network must consist of Linear and ReLU, got {type(layer).__name__}")
    return nn.Sequential(*modules)


def sawtooth(folds: int) -> nn.Sequential:
    """The tent map, folded ``folds`` times, as a module in float64; see :func:`thalweg.numpy.sawtooth`, errors included."""
    return as_module(*reference.sawtooth(folds))


def interpolating_network(x: Any, y: Any) -> nn.Sequential:
    """The network that runs straight from point to point, as a module in float64; see :func:`thalweg.numpy.interpolating_network`."""
    return as_module(*reference.interpolating_network(x, y))


def count_parameters(model: nn.Module) -> int:
    """How many numbers ``model`` learns: the entries of all parameters that take a gradient. Buffers do not count."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def _as_network(model: nn.Sequential) -> tuple[reference.Network, dict[str, Any]]:
    layers: list[Any] = []
    for module in model:
        if isinstance(module, nn.Linear):
            layers.append(reference.Linear(module.in_features, module.out_features, bias=module.bias is not None))
        elif isinstance(module, nn.ReLU):
            layers.append(reference.ReLU())
        else:
            raise ValueError(f"model must consist of nn.Linear and nn.ReLU, got {type(module).__name__}")
    names = {"weight": "W", "bias": "b"}
    parameters = {}
    for name, p in model.named_parameters():
        i, kind = name.split(".")
        parameters[f"{i}.{names[kind]}"] = p.detach().cpu().double().numpy()
    return reference.Network(layers), parameters


def breakpoints(model: nn.Sequential, low: float = 0.0, high: float = 1.0):
    """Where a module of linear layers and ReLU, one input and one output, changes its slope: see :func:`thalweg.numpy.breakpoints`.

    The parameters are read as they are, from any device; the points are found in float64. Returns a NumPy array.
    """
    return reference.breakpoints(*_as_network(model), low, high)


def linear_pieces(model: nn.Sequential, low: float = 0.0, high: float = 1.0) -> int:
    """Of how many straight pieces such a module consists: see :func:`thalweg.numpy.linear_pieces`."""
    return reference.linear_pieces(*_as_network(model), low, high)
