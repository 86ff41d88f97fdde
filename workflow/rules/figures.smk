rule figure6:
    """Figure 6: test images enhanced by each method, beside the truth."""
    input:
        pairs=collect("results/datasets/sfin/{mode}/test.zarr", mode=config["modes"]),
        weights=collect(
            "results/models/enhancement/sfin/{mode}/{method}/weights.safetensors",
            mode=config["modes"],
            method=TRAINED,
        ),
        scores=collect(
            "results/evaluation/enhancement/sfin/{mode}/sfin.csv", mode=config["modes"]
        ),
        code=code("figure6"),
    output:
        png=report(
            "results/figures/figure6.png",
            caption="../report/figure6.rst",
            category="Figures",
            labels={"figure": "6", "shows": "enhancement"},
        ),
        pdf="results/figures/figure6.pdf",
    log:
        "logs/figure6.log",
    benchmark:
        "logs/benchmarks/figure6.tsv"
    conda:
        ENVIRONMENT
    threads: 2
    resources:
        mem="4GB",
        runtime="30m",
    params:
        methods=METHODS,
        filters=lookup("filters", within=config),
        provenance=PROVENANCE,
    script:
        "../scripts/figure6.py"
