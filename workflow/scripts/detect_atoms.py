"""Find the atoms of a real image."""

from sfin.atom_lists import detect_file, write_atoms
from sfin.detection import open_detector
from sfin.detection_settings import DetectionSettings
from sfin.logs import job_log

if __name__ == "__main__":
    given, mode = snakemake.input, snakemake.wildcards.mode
    with job_log(snakemake.log[0]):
        settings = DetectionSettings.from_mapping(snakemake.params.settings)
        detector = open_detector(given.weights, given.confidence, settings)
        found = detect_file(given.image, detector, mode, snakemake.params.pixel_size)
        write_atoms(found, *snakemake.output)
