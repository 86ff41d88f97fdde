"""Tabulate and draw the errors of the calibration."""

import pandas as pd

from sfin.closure import summarise_closure
from sfin.figures.closure import plot_closure
from sfin.logs import job_log
from sfin.remeasurement import summarise_remeasurement

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        rows = pd.read_csv(snakemake.input.points, keep_default_na=False)
        images = pd.read_csv(snakemake.input.images)
        parts = [summarise_closure(rows), summarise_remeasurement(images)]
        summary = pd.concat(parts, ignore_index=True).round(5)
        summary.to_csv(snakemake.output.summary, index=False)
        note = f"{len(rows)} calibrations, seed {snakemake.params.seed}"
        plot_closure(rows, snakemake.output.png.removesuffix(".png"), note)
        print(summary.to_string())
