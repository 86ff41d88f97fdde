"""Collect the scores of all detectors into Table 6."""

from pathlib import Path

from sfin.detection_settings import DetectionSettings
from sfin.detection_table import write_table6
from sfin.logs import job_log
from sfin.parameters import distrust, read_distribution
from sfin.training_settings import budget

if __name__ == "__main__":
    given, made = snakemake.input, snakemake.output
    with job_log(snakemake.log[0]):
        settings = DetectionSettings.from_mapping(snakemake.params.settings)
        noises = map(read_distribution, given.distributions)
        notes = [budget(snakemake.params.epochs)]
        notes += [distrust(noise.mode, noise.warnings) for noise in noises]
        results = given.scores, given.images, given.species, given.paper_values
        base_paths = (Path(path).with_suffix("") for path in (made.csv, made.species))
        print(write_table6(*base_paths, *results, settings, "".join(notes)).to_string())
