"""Draw Figure 10: the atoms that each network finds."""

from pathlib import Path

from sfin.detection_settings import DetectionSettings
from sfin.figures.figure10 import figure10
from sfin.logs import job_log

if __name__ == "__main__":
    given, params = snakemake.input, snakemake.params
    with job_log(snakemake.log[0]):
        settings = DetectionSettings.from_mapping(params.settings)
        files = given.pairs, given.weights, given.confidences
        base_path = Path(snakemake.output.png).with_suffix("")
        print(figure10(*files, settings, params.provenance, base_path))
