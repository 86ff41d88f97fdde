"""Measure whether the labels of the GAN's images are where its atoms are."""

from sfin.logs import job_log
from sfin.registration import (
    complaint,
    measure_registration,
    summarise_shifts,
    write_registration,
)

if __name__ == "__main__":
    stores = [snakemake.input.gan, snakemake.input.sfin]
    with job_log(snakemake.log[0]):
        table = measure_registration(stores, snakemake.params.patch_size)
        write_registration(snakemake.output.registration, table)
        summary = summarise_shifts(table)
        print(summary.round(3).to_string(index=False))
        print(complaint(summary, "gan") or "The labels of gan lie on its atoms.")
