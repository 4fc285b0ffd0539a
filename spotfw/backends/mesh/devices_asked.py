"""What a model's options ask for of devices: read and judged without TensorFlow."""

from __future__ import annotations

import re
from typing import Any

import attrs

from spotfw.backends.mesh.layout import Layout
from spotfw.backends.mesh.tpu.hardware import Topology
from spotfw.config import NONE, checked
from spotfw.errors import WrongUse

_TEXTS = ("mesh_shape", "layout", "devices", "tpu", "tpu_topology")
_COUNTS = ("model_parallelism", "iterations_per_loop")


@attrs.frozen(kw_only=True)
class DevicesAsked:
    """Devices of this process, or a TPU's.

    Attributes:
      layout: over them.
      devices: of this process, as `device_name` gives them; none where they are not named.
      tpu: its name; None for devices of this process.
      topology: the TPU's.
      iterations_per_loop: updates of a run on the TPU, where asked.
    """

    layout: Layout
    devices: tuple[str, ...] = ()
    tpu: str | None = None
    topology: Topology | None = None
    iterations_per_loop: int | None = None

    @classmethod
    def of(cls, **options: Any) -> DevicesAsked:
        """From options of `spotfw.backends.mesh.engine.open_model`; others are passed over.

        Raises:
          WrongUse: one is of another type or written otherwise, or they do not go together.
          UnknownName: the layout has a dimension that there is not.
        """
        texts = {name: options.get(name) for name in _TEXTS}
        counts = {name: options.get(name) for name in _COUNTS}
        for name, text in texts.items():
            checked(name, text, (str, NONE), what="option")
        for name, count in counts.items():
            checked(
                *(name, count, (int, NONE), "of 1 or more", lambda n: 1 <= n < 2**15),
                what="option",
            )
        tpu = texts.pop("tpu")
        if tpu is None:
            return cls._here(**texts, **counts)
        return cls._tpu(tpu, **texts, **counts)

    @classmethod
    def _here(
        cls, *, mesh_shape: str | None, layout: str | None, devices: str | None, **of_tpu: Any
    ) -> DevicesAsked:
        for name, value in of_tpu.items():
            if value is not None:
                option = name.replace("_", "-")
                raise WrongUse(
                    f"--{option} is of a TPU, and none is named. Give --tpu NAME too, or, on "
                    "devices of this machine, --mesh-shape batch:4,model:2."
                )
        over = Layout.parse(mesh_shape, layout)
        names = [name.strip() for name in devices.split(",")] if devices else []
        return cls(layout=over, devices=device_names(names, over))

    @classmethod
    def _tpu(
        cls,
        tpu: str,
        *,
        tpu_topology: str | None,
        mesh_shape: str | None,
        layout: str | None,
        devices: str | None,
        model_parallelism: int | None,
        iterations_per_loop: int | None,
    ) -> DevicesAsked:
        if tpu_topology is None:
            raise WrongUse("A TPU needs its topology: give --tpu-topology, e.g. v3-8.")
        if devices is not None:
            raise WrongUse("A TPU's devices are all used. Leave --devices out.")
        topology = Topology.parse(tpu_topology)
        if mesh_shape is not None and model_parallelism is not None:
            raise WrongUse(
                "--mesh-shape says how devices share a model. Leave --model-parallelism out."
            )
        shape = mesh_shape or topology.mesh_of(model_parallelism or 1)
        over = Layout.parse(shape, layout)
        if over.size != topology.devices:
            raise WrongUse(
                f"The mesh {over.shape_text} has {over.size} devices, but {topology.name} has "
                f"{topology.devices}. Give a --mesh-shape of {topology.devices}."
            )
        return cls(layout=over, tpu=tpu, topology=topology, iterations_per_loop=iterations_per_loop)


def device_names(devices: list[str], layout: Layout) -> tuple[str, ...]:
    """TensorFlow's full names of a layout's devices; none where none is named.

    Raises:
      WrongUse: a name is no processor's or GPU's, or they are not as many as the layout has.
    """
    named = tuple(map(_device_name, devices))
    count = "1 device is" if len(named) == 1 else f"{len(named)} devices are"
    if named and not layout.axes and len(named) > 1:
        raise WrongUse(
            f"{count} named ({', '.join(devices)}), but not what is split over them. Give the "
            f"mesh's shape too, e.g. --mesh-shape batch:{len(named)}."
        )
    if named and (len(named) != layout.size or len(set(named)) != layout.size):
        raise WrongUse(
            f"{count} named ({', '.join(devices)}), but the mesh {layout.shape_text} has "
            f"{layout.size}. Name each of them once."
        )
    return named


def _device_name(device: str) -> str:
    match = re.fullmatch(r"(?:/device:)?(CPU|GPU):(\d{1,3})", device.strip(), re.IGNORECASE)
    if match is None:
        raise WrongUse(
            f"{device!r:.80} is no device's name. Write GPU or CPU and a number, e.g. "
            "--devices GPU:0,GPU:1."
        )
    return f"/device:{match[1].upper()}:{int(match[2])}"
