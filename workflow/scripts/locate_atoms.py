"""Find the atoms of the test images, and compare them with the true ones."""

from sfin.detection import open_detector
from sfin.detection_settings import DetectionSettings
from sfin.evaluation import Origin
from sfin.localisation import localise, write_localisation
from sfin.logs import job_log

if __name__ == "__main__":
    given = snakemake.input
    origin = Origin(
        task="detection", **snakemake.params.provenance, **snakemake.wildcards
    )
    with job_log(snakemake.log[0]):
        settings = DetectionSettings.from_mapping(snakemake.params.settings)
        detector = open_detector(given.weights, given.confidence, settings)
        found = localise(detector, given.pairs, settings.match)
        write_localisation(*snakemake.output, origin, found)
        print(found.species)
