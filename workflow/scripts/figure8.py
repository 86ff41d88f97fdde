"""Draw Figure 8: scan noise and gradient in synthetic and real images."""

from pathlib import Path

from sfin import __version__
from sfin.calibration_settings import CalibrationSettings
from sfin.figures.figure8 import figure8
from sfin.logs import job_log
from sfin.scan_trends import measure_trends

if __name__ == "__main__":
    given, params = snakemake.input, snakemake.params
    with job_log(snakemake.log[0]):
        settings = CalibrationSettings(**params.settings)
        trends = measure_trends(given.datasets, given.real, given.images, settings)
        base_path = Path(snakemake.output.png).with_suffix("")
        text = params.provenance, base_path, __version__, params.lacking
        print(figure8(trends, *text))
