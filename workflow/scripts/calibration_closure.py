"""Inject known noise, calibrate it with both estimators, and tabulate the errors."""

from sfin.calibration_settings import CalibrationSettings
from sfin.closure import ClosureGrid, close_modes, summarise_closure
from sfin.figures.closure import plot_closure
from sfin.logs import job_log
from sfin.noise import NoiseSettings

if __name__ == "__main__":
    seed, output = snakemake.params.seed, snakemake.output
    with job_log(snakemake.log[0]) as progress:
        settings = CalibrationSettings(**snakemake.params.calibration)
        noise = NoiseSettings(**snakemake.params.noise)
        grid = ClosureGrid(**snakemake.params.grid)
        rows = close_modes(grid, settings, noise, seed, progress)
        rows.to_csv(output.points, index=False)
        summary = summarise_closure(rows).round(5)
        summary.to_csv(output.summary, index=False)
        plot_closure(rows, output.png[:-4], f"{len(rows)} calibrations, seed {seed}")
        print(summary.to_string())
