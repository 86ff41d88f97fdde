rule evaluate_method:
    """Score a method on the test images: PSNR and SSIM of each."""
    input:
        pairs="results/datasets/{dataset}/{mode}/test.zarr",
        weights=weights,
        code=code("evaluate_method"),
    output:
        scores="results/evaluation/{task}/{dataset}/{mode}/{method}.csv",
    log:
        "logs/evaluate_method/{task}/{dataset}/{mode}/{method}.log",
    benchmark:
        "logs/benchmarks/evaluate_method/{task}/{dataset}/{mode}/{method}.tsv"
    conda:
        ENVIRONMENT
    threads: 2
    resources:
        mem=growing("4GB"),
        runtime=growing("1h"),
    params:
        filters=lookup("filters", within=config),
        provenance=PROVENANCE,
    script:
        "../scripts/evaluate_method.py"
