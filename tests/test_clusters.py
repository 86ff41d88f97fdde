import pytest
from dask.delayed import delayed

from sfin.clusters import SlurmWorkers, compute_all, dask_workers
from sfin.errors import InputError


def double(number):
    return 2 * number


def divide(number):
    return 1 / number


@pytest.mark.parametrize("scheduler", ["threads", "distributed"])
def test_workers_work(scheduler):
    tasks = [delayed(double)(number) for number in range(5)]
    finished = []
    with dask_workers(scheduler, 1) as pool:
        found = compute_all(tasks, lambda: finished.append(1), **pool)
    assert found == [0, 2, 4, 6, 8]
    assert len(finished) == 5


@pytest.mark.parametrize("scheduler", ["threads", "distributed"])
def test_failure_of_a_task_is_raised(scheduler):
    with dask_workers(scheduler, 1) as pool, pytest.raises(ZeroDivisionError):
        compute_all([delayed(divide)(0)], lambda: None, **pool)


def test_unknown_workers_are_refused():
    with (
        pytest.raises(InputError, match="no workers 'cloud': choose from processes"),
        dask_workers("cloud", 1),
    ):
        pass


def test_settings_of_the_config_are_those_of_the_workers():
    settings = {"workers": 2, "memory": "2GB", "runtime": 60, "patience": 30}
    assert SlurmWorkers(**settings, partition="cpu", account=None).workers == 2
