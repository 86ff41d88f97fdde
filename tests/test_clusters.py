import pytest
from dask.base import compute
from dask.delayed import delayed

from sfin.clusters import SlurmWorkers, dask_workers
from sfin.errors import InputError


def double(number):
    return 2 * number


@pytest.mark.parametrize("scheduler", ["threads", "distributed"])
def test_workers_work(scheduler):
    tasks = [delayed(double)(number) for number in range(5)]
    with dask_workers(scheduler, 1) as pool:
        found = compute(
            *tasks,
            scheduler=pool["scheduler"],
            num_workers=pool["workers"],
            chunksize=1,
        )
    assert found == (0, 2, 4, 6, 8)


def test_unknown_workers_are_refused():
    with (
        pytest.raises(InputError, match="no workers 'cloud': choose from processes"),
        dask_workers("cloud", 1),
    ):
        pass


def test_settings_of_the_config_are_those_of_the_workers():
    settings = {"workers": 2, "memory": "2GB", "runtime": 60, "patience": 30}
    assert SlurmWorkers(**settings, partition="cpu", account=None).workers == 2
