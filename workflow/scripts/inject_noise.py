"""Inject known noise and calibrate it with both estimators."""

from sfin.calibration_settings import CalibrationSettings
from sfin.closure import ClosureGrid, close_modes
from sfin.logs import job_log
from sfin.noise import NoiseSettings

if __name__ == "__main__":
    params = snakemake.params
    with job_log(snakemake.log[0]) as progress:
        settings = CalibrationSettings(**params.calibration)
        noise, grid = NoiseSettings(**params.noise), ClosureGrid(**params.grid)
        printed = snakemake.input.paper_values
        rows = close_modes(grid, settings, noise, printed, params.seed, progress)
        rows.to_csv(snakemake.output.points, index=False)
