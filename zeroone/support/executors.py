"""Share work among processes, here or on a cluster, with results that do not depend on who did it.

Work is cut into tasks beforehand, each with random numbers of its own, and the results are taken in
the order of the tasks. How many workers there are then changes nothing but the time.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from zeroone import __version__
from zeroone.support.validation import check_integer

# Tasks submitted ahead of the one that is waited for: enough for many workers, and no more results
# in memory than these.
AHEAD = 512
MOST_WORKERS = 16  # for each processor: more of them only wait for each other
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
SECONDS_TO_CONNECT = 10

Result = TypeVar("Result")


class OtherVersionError(RuntimeError):
    """A worker has another version of this package than the process that asks for the work."""


def in_order(
    executor: Executor | None,
    function: Callable[..., Result],
    tasks: Iterable[tuple[Any, ...]],
    *,
    ahead: int | None = None,
) -> Generator[Result, None, None]:
    """Yield the results of a function for many arguments, in the order of these.

    Parameters
    ----------
    executor : concurrent.futures.Executor or None
        Where the function is called; None for this process.
    function : callable
        For an executor that starts other processes it must be one that these can import.
    tasks : iterable of tuple
        The arguments of each call, made when they are needed.
    ahead : int, optional
        How many tasks are submitted before the first result is waited for; 512 by default.

    Yields
    ------
    object

    Raises
    ------
    OtherVersionError
        If a worker has another version of this package.
    """
    if executor is None:
        for task in tasks:
            yield function(*task)
        return
    ahead = AHEAD if ahead is None else ahead
    pending: deque[Future[Result]] = deque()
    try:
        for task in tasks:
            pending.append(executor.submit(of_version, __version__, function, *task))
            if len(pending) >= ahead:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        for future in pending:
            future.cancel()


def of_version(version: str, function: Callable[..., Result], *arguments: Any) -> Result:
    """Call a function, in a worker that has the version of the process that asks for it.

    Raises
    ------
    OtherVersionError
        If it has not.
    """
    if version != __version__:
        raise OtherVersionError(
            f"a worker has zeroone {__version__}, but {version} started the run"
        )
    return function(*arguments)


@contextmanager
def worker_pool(workers: int) -> Iterator[Executor | None]:
    """Give an executor of that many processes, each with one thread for linear algebra.

    An error or Ctrl-C in the block ends the processes at once, whatever they are doing.

    Parameters
    ----------
    workers : int
        With 1 there is no executor: the work is done in this process.

    Yields
    ------
    concurrent.futures.Executor or None

    Raises
    ------
    ValueError
        If `workers` is not a positive integer, or is more than 16 for each processor.
    """
    most = MOST_WORKERS * (os.cpu_count() or 1)
    if check_integer("workers", workers) > most:
        raise ValueError(f"workers must be at most {most} on this machine, but is {workers}")
    if workers == 1:
        yield None
        return
    before = {name: os.environ.get(name) for name in THREADS}
    # Processes start while the work is submitted and read their environment then.
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        # A forked copy of a process with threads can lock up; a spawned one is the same everywhere.
        spawn = multiprocessing.get_context("spawn")
        others = set(multiprocessing.active_children())
        pool = ProcessPoolExecutor(workers, mp_context=spawn, initializer=ignore_interrupt)
        try:
            with interrupts_ignored():
                # Tasks start the processes, which inherit that they ignore Ctrl-C: it is for this
                # process, and would end them in the middle of their imports.
                for _ in range(workers):
                    pool.submit(os.getpid)
            yield pool
        except BaseException:
            for process in set(multiprocessing.active_children()) - others:
                process.terminate()
            raise
        finally:
            pool.shutdown(cancel_futures=True)
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def ignore_interrupt() -> None:
    """Leave Ctrl-C to the process that started this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def interrupts_ignored() -> Iterator[None]:
    """Ignore Ctrl-C in the block, for the sake of processes that are started in it."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may say what happens at Ctrl-C
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def cluster(address: str) -> Iterator[Executor]:
    """Give an executor of the workers of a scheduler of ``dask.distributed``.

    An error or Ctrl-C in the block cancels what has not begun; the workers belong to the cluster
    and go on living.

    Parameters
    ----------
    address : str
        Of the scheduler, such as ``tcp://10.0.0.1:8786``, or the path of the JSON file that
        ``dask scheduler --scheduler-file`` wrote.

    Yields
    ------
    concurrent.futures.Executor

    Raises
    ------
    ValueError
        If ``distributed`` is not installed, or no scheduler answers there.
    """
    try:
        from distributed import Client, KilledWorker
    except ImportError:
        raise ValueError(
            "scheduler needs dask.distributed: pip install 'zeroone-nets[cluster]'"
        ) from None
    where = {"scheduler_file": address} if os.path.isfile(address) else {"address": address}
    client, reason = None, ""
    try:
        client = Client(**where, timeout=SECONDS_TO_CONNECT, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        reason = str(error)
    if client is None:
        # What is left of a client that did not connect closes itself when it is collected. That
        # must be now: while another one starts, both would wait for the same lock for ever.
        gc.collect()
        raise ValueError(f"scheduler must be the address of one, but at {address}: {reason}")
    try:
        # Tasks that were asked for twice are done twice: their results are not kept for others.
        executor = client.get_executor(pure=False)
        try:
            yield executor
        except KilledWorker as error:
            raise BrokenExecutor(str(error)) from error
        finally:
            executor.shutdown(wait=False)
    finally:
        client.close()


@contextmanager
def workers_or_cluster(workers: int, scheduler: str | None) -> Iterator[Executor | None]:
    """Give the executor that ``--workers`` and ``--scheduler`` ask for.

    Raises
    ------
    ValueError
        If both are given, or as `worker_pool` and `cluster`; if a worker dies in the block, or has
        another version of this package.
    """
    if scheduler is not None and workers != 1:
        raise ValueError("workers must not be given with a scheduler, which has workers of its own")
    try:
        with worker_pool(workers) if scheduler is None else cluster(scheduler) as executor:
            yield executor
    except OtherVersionError as error:
        raise ValueError(str(error)) from None
    except BrokenExecutor as error:
        raise ValueError(f"a worker has died, perhaps for lack of memory: {error}") from None
