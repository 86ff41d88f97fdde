"""Compare finders of atoms at one level of noise."""

from sfin.finder_trials import try_finders
from sfin.logs import job_log

if __name__ == "__main__":
    given, made, settings = snakemake.input, snakemake.output, snakemake.params
    with job_log(snakemake.log[0]):
        tables = try_finders(**snakemake.wildcards, files=given, **settings)
        for path, table in zip(made, tables, strict=True):
            table.to_csv(path, index=False, lineterminator="\n")
            print(table.T.to_string())
