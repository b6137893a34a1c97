"""Tasks on a Ray cluster: a node or a process that is lost costs only its tasks, which Ray starts again.

Ray is an extra (`ray`). Every node has lgtsm of the same version, and sees the sources
and the folder of results under the same names.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from .. import __version__
from ..engine.hooks import Hooks
from ..errors import DeviceError, OptionError
from .executor import Event, Progress, throttled
from .tasks import Kind, State, Task, TaskResult, perform

_NEWS_SECONDS = 0.5
"""Least time between two reports of progress of one task."""
_ANSWER_SECONDS = 120.0
"""Time for a node to start a process and tell its version."""
_CONNECT_SECONDS = 10.0
_MOST_THREADS = 4
"""Of a film that names none: more leave cores idle between steps; set by hand."""
_JOINING_BYTES = 2 * 10**9
"""Memory of a process that only writes a film; set by hand."""
Resources = Mapping[str, float]


class _Board:
    """An actor on which running tasks write how far they are."""

    def __init__(self) -> None:
        self._news: dict[str, Progress] = {}

    def put(self, name: str, news: Progress) -> None:
        """Note the progress of a task."""
        self._news[name] = news

    def take(self) -> dict[str, Progress]:
        """Return what was noted since the last call."""
        news, self._news = self._news, {}
        return news


def _perform(task: Task, board: Any) -> TaskResult:
    """Do a task in a process of the cluster."""

    def send(progress: Progress) -> None:
        board.put.remote(task.name, progress)

    return perform(task, Hooks(throttled(send, _NEWS_SECONDS)))


def _version() -> str:
    return __version__


class RayCluster:
    """A running Ray cluster; an `Executor`."""

    splits = True

    def __init__(self, address: str, *, retries: int) -> None:
        """Connect, and compare the versions on all nodes.

        Args:
            address: `ray` for the cluster that this machine belongs to (or RAY_ADDRESS), or
                `ray://HOST:PORT` of a Ray Client server.
            retries: how often a task is started again after its process or node was lost.

        Raises:
            DeviceError: Ray is not installed; OptionError: no such cluster, or other versions on it.
        """
        try:
            import ray
        except ImportError as error:
            raise DeviceError(
                "Expected the package ray, found none; install it with pip install ray."
            ) from error
        self._ray, self._retries = ray, retries
        try:
            _check_answers(address)
            ray.init(
                "auto" if address == "ray" else address,
                logging_level=logging.ERROR,
                log_to_driver=False,
            )
        except (OSError, RuntimeError) as error:
            reason = (str(error).splitlines() or ["no answer"])[0]
            raise OptionError(
                f"Expected a Ray cluster at {address}, got none ({reason:.200}); start one with "
                "`ray start --head`."
            ) from error
        self._refs: dict[Any, Task] = {}
        self._refused: list[Event] = []
        try:
            self._check_versions()
            smallest = min(node["CPU"] for node in self._nodes() if node.get("CPU"))
            self.threads = max(1, min(_MOST_THREADS, int(smallest)))
            self._remote = ray.remote(_perform)
            here = ray.get_runtime_context().get_node_id()
            board: Any = ray.remote(_Board)
            self._board = board.options(
                num_cpus=0, scheduling_strategy=self._at(here), max_restarts=-1
            ).remote()
        except BaseException:
            ray.shutdown()
            raise

    def _at(self, node: str) -> Any:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        return NodeAffinitySchedulingStrategy(node, soft=False)

    def _alive(self) -> list[Mapping[str, Any]]:
        return [node for node in self._ray.nodes() if node["Alive"]]

    def _nodes(self) -> list[Resources]:
        """Return what each node has in all."""
        return [node["Resources"] for node in self._alive()]

    def _check_versions(self) -> None:
        """Raise OptionError where a node has another version, or cannot import this package."""
        ask: Any = self._ray.remote(_version)
        asked = {
            node["NodeID"]: ask.options(
                num_cpus=0, max_retries=0, scheduling_strategy=self._at(node["NodeID"])
            ).remote()
            for node in self._alive()
        }
        other: dict[str, str] = {}
        for node, answer in asked.items():
            try:
                version = self._ray.get(answer, timeout=_ANSWER_SECONDS)
            except self._ray.exceptions.RayError as error:
                version = f"no answer ({type(error).__name__})"
            if version != __version__:
                other[node] = version
        # Ray calls a lost node alive until it has missed its heartbeats: such a node computes nothing
        wrong = [
            f"{other[node['NodeID']]} on {node['NodeManagerAddress']} {node['NodeID'][:8]}"
            for node in self._alive()
            if node["NodeID"] in other
        ]
        if wrong:
            raise OptionError(
                f"Expected lgtsm {__version__} on every node like here, got {', '.join(wrong)}; install "
                "one version everywhere."
            )

    def submit(self, task: Task) -> None:
        """Take a task, asking for what it needs; see `Executor`."""
        run, nodes = task.job.options.run, self._nodes()
        has_gpus = any(node.get("GPU", 0) >= 1 for node in nodes)
        computes = task.kind is not Kind.JOIN
        wants_gpu = computes and (
            run.device.startswith("cuda") or (run.device == "auto" and has_gpus)
        )
        # on a GPU the estimate is of its memory, of which a task has all
        memory = task.memory if computes and not wants_gpu else min(task.memory, _JOINING_BYTES)
        needs = {"CPU": run.threads or 1, "memory": memory, "GPU": int(wants_gpu)}
        if not any(all(node.get(k, 0) >= need for k, need in needs.items()) for node in nodes):
            most = {k: max((node.get(k, 0) for node in nodes), default=0) for k in needs}
            error = (
                f"Expected a node with {_words(needs)}, got at most {_words(most)}; lower threads, chunk "
                "or max_side, or add a larger node."
            )
            self._refused.append(Event(task, TaskResult(state=State.FAILED, error=error)))
            return
        remote = self._remote.options(
            num_cpus=needs["CPU"],
            num_gpus=needs["GPU"],
            memory=memory,
            max_retries=self._retries,
            name=task.name,
        )
        self._refs[remote.remote(task, self._board)] = task

    def wait(self, seconds: float) -> Sequence[Event]:
        """Return news; see `Executor`."""
        events, self._refused = self._refused, []
        ready: list[Any] = []
        if self._refs:
            self._ray.wait(list(self._refs), timeout=0 if events else seconds)
            ready, _ = self._ray.wait(list(self._refs), num_returns=len(self._refs), timeout=0)
        with suppress(self._ray.exceptions.RayError):  # the board is a convenience
            news = self._ray.get(self._board.take.remote(), timeout=5)
            running = {task.name: task for task in self._refs.values()}
            events += [Event(running[n], progress) for n, progress in news.items() if n in running]
        for reference in ready:
            task = self._refs.pop(reference)
            try:
                result = self._ray.get(reference)
            except self._ray.exceptions.RayError as error:
                reason = (str(error).splitlines() or [type(error).__name__])[0]
                sentence = (
                    f"Expected its process on the cluster to end by itself, got {reason:.300}; check the "
                    "nodes."
                )
                result = TaskResult(state=State.FAILED, error=sentence)
            events.append(Event(task, result))
        return events

    def close(self) -> None:
        """Stop what still runs, and leave the cluster; see `Executor`."""
        for reference in self._refs:
            self._ray.cancel(reference, force=True)
        self._refs.clear()
        self._ray.shutdown()


def _check_answers(address: str) -> None:
    """Raise OSError where nothing listens: Ray itself tries for minutes.

    The cluster that this machine belongs to is left to Ray, which knows at once.
    """
    place = os.environ.get("RAY_ADDRESS", "") if address == "ray" else address
    found = urlsplit(place if "://" in place else f"//{place}")
    if found.hostname and found.port:
        socket.create_connection((found.hostname, found.port), _CONNECT_SECONDS).close()


def _words(resources: Resources) -> str:
    gpus = f", {resources['GPU']:g} GPUs" if resources["GPU"] else ""
    return f"{resources['CPU']:g} CPUs, {resources['memory'] / 1e9:.1f} GB of memory{gpus}"
