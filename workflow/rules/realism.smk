rule calibrate_dataset:
    """Measure the noise of synthetic images as if they were real."""
    input:
        pairs="results/datasets/{dataset}/{mode}/train.zarr",
        code=code("calibrate_dataset"),
    output:
        patches="results/realism/{dataset}/{mode}.csv",
    log:
        "logs/calibrate_dataset/{dataset}/{mode}.log",
    benchmark:
        "logs/benchmarks/calibrate_dataset/{dataset}/{mode}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem="4GB",
        runtime="1h",
    params:
        settings=lookup("calibration", within=config),
        provenance=PROVENANCE,
    script:
        "../scripts/calibrate_dataset.py"
