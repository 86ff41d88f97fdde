"""Measure how sure the dots of a detector are."""

from sfin.confidence import write_confidence
from sfin.detection import measure_detector
from sfin.detection_settings import DetectionSettings
from sfin.logs import job_log

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        confidence = measure_detector(
            snakemake.input.weights,
            snakemake.input.pairs,
            DetectionSettings.from_mapping(snakemake.params.settings),
        )
        write_confidence(snakemake.output.confidence, confidence)
        print(confidence)
