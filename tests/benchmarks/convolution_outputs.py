"""The same weights in zeroone and in PyTorch: the same outputs, and one training step at full size.

    python tests/benchmarks/convolution_outputs.py

PyTorch is in the extra ``bench``. Every architecture is written in PyTorch as well
(``_torch_nets.py``) and given the same weights and images. A hidden unit whose pre-activation is
within rounding of its threshold may fall to either side, and whatever sees it then differs: such
units are counted, and the outputs are compared for the samples in which none differs. In double
precision none should.

Then AlexNet and ResNet-18 run forward and take one training step at full size, each in a process of
its own, with seconds and peak memory.
"""

import argparse
import json
import subprocess
import sys
import time

import numpy as np
from _common import machine
from _torch_nets import outputs, own_outputs, randomise, step_units

from zeroone.nets.architectures import architecture
from zeroone.support.tables import peak_memory
from zeroone.targetprop.solver import iterate

SHAPES = {
    "lenet": ("lenet", (28, 28, 1), 10, 50),
    "convnet4": ("convnet4", (32, 32, 3), 10, 20),
    "convnet8": ("convnet8", (40, 40, 3), 10, 10),
    "resnet18, 32 x 32": ("resnet18", (32, 32, 3), 10, 4),
    "alexnet": ("alexnet", (224, 224, 3), 1000, 2),
    "resnet18": ("resnet18", (224, 224, 3), 1000, 2),
}


def compare(row: str, dtype: str) -> dict[str, float]:
    """Return how many units differ, in how many samples, and the largest difference of outputs."""
    name, shape, n_classes, count = SHAPES[row]
    network = architecture(name)(shape, n_classes, activation="step", rng=0, dtype=dtype)
    randomise(network, 1)
    images = np.random.default_rng(2).standard_normal((count, *shape)).astype(dtype)
    theirs, their_bits = outputs(name, network, images, step_units)
    ours, our_bits = own_outputs(network, images)
    differs = [a != b for a, b in zip(our_bits, their_bits, strict=True)]
    samples = sum(each.reshape(count, -1).any(axis=1) for each in differs) > 0
    difference = np.abs(ours - theirs)[~samples]
    return {
        "units": sum(each.size for each in differs),
        "differ": int(sum(each.sum() for each in differs)),
        "samples": int(samples.sum()),
        "count": count,
        "difference": float(difference.max(initial=0.0)),
        "size": float(np.abs(theirs).max()),
    }


def full_size(row: str) -> dict[str, float]:
    """Run forward and take one training step on two images; return seconds and memory in MB."""
    name, shape, n_classes, _ = SHAPES[row]
    network = architecture(name)(shape, n_classes, rng=0)
    images = np.random.default_rng(2).standard_normal((2, *shape)).astype("float32")
    network.decision_function(images)
    start = time.perf_counter()
    network.decision_function(images)
    forward = time.perf_counter() - start
    times = [time.perf_counter()]
    before = network.layers[0].weights.copy()
    for step in iterate(images, [0, 1], network, rng=0, batch_size=2, epochs=2):
        if step.block == "W1":
            times.append(time.perf_counter())
    assert not np.array_equal(before, network.layers[0].weights)
    memory = peak_memory() or float("nan")
    return {"forward": forward, "step": times[2] - times[1], "memory": memory}


def main() -> None:
    """Print both tables."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--full-size", metavar="ROW", help="one training step, as JSON")
    options = arguments.parse_args()
    if options.full_size:
        print(json.dumps(full_size(options.full_size)))
        return
    print(machine(), flush=True)
    print("\n| network | precision | units | of them differ | in samples | outputs differ by |")
    print("|---|---|---|---|---|---|", flush=True)
    for row in SHAPES:
        for dtype in ("float32", "float64"):
            found = compare(row, dtype)
            print(
                f"| {row} | {dtype} | {found['units']:,} | {found['differ']} "
                f"| {found['samples']} of {found['count']} "
                f"| {found['difference']:.1e}, of {found['size']:.2g} |",
                flush=True,
            )
    print("\n| network, two images | forward | training step | peak memory |")
    print("|---|---|---|---|", flush=True)
    for row in ("alexnet", "resnet18"):
        command = [sys.executable, __file__, "--full-size", row]
        found = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
        print(
            f"| {row} | {found['forward']:.1f} s | {found['step']:.1f} s "
            f"| {found['memory']:.0f} MB |",
            flush=True,
        )


if __name__ == "__main__":
    main()
