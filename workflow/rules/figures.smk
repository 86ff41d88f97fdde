rule figure3:
    """Figure 3: the calibration of one real image, step by step."""
    input:
        images=[str(path) for path in IMAGES[FIGURE3_MODE].values()],
        calibrations=collect(
            f"results/calibration/{FIGURE3_MODE}/{{image}}.json",
            image=IMAGES[FIGURE3_MODE],
        ),
        code=code("figure3"),
    output:
        png=report(
            "results/figures/figure3.png",
            caption="../report/figure3.rst",
            category="Figures",
            labels={"figure": "3", "shows": "calibration of a real image"},
        ),
        pdf="results/figures/figure3.pdf",
    log:
        "logs/figure3.log",
    benchmark:
        "logs/benchmarks/figure3.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem=growing("2GB"),
        runtime=growing("10m"),
    script:
        "../scripts/figure3.py"


rule figure4:
    """Figure 4: arrangements of atoms in the synthetic data, noisy and clean."""
    input:
        datasets=collect(
            "results/datasets/sfin/{mode}/train.zarr", mode=config["modes"]
        ),
        code=code("figure4"),
    output:
        png=report(
            "results/figures/figure4.png",
            caption="../report/figure4.rst",
            category="Figures",
            labels={"figure": "4", "shows": "arrangements of atoms"},
        ),
        pdf="results/figures/figure4.pdf",
    log:
        "logs/figure4.log",
    benchmark:
        "logs/benchmarks/figure4.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem=growing("1GB"),
        runtime=growing("10m"),
    params:
        provenance=PROVENANCE,
    script:
        "../scripts/figure4.py"


rule figure6:
    """Figure 6: test images enhanced by each method, beside the truth."""
    input:
        pairs=collect("results/datasets/{data}/test.zarr", data=TRAINED_ON),
        weights=collect(
            "results/models/enhancement/{data}/{method}/weights.safetensors",
            data=TRAINED_ON,
            method=TRAINED,
        ),
        scores=collect(
            "results/evaluation/enhancement/{data}/sfin.csv", data=TRAINED_ON
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
        mem=growing("4GB"),
        runtime=growing("30m"),
    params:
        methods=METHODS,
        filters=lookup("filters", within=config),
        lacking=LACKING_TRAININGS,
        provenance=PROVENANCE,
    script:
        "../scripts/figure6.py"


rule figure8:
    """Figure 8: scan noise and gradient in synthetic and real images."""
    input:
        datasets=collect("results/datasets/{data}/train.zarr", data=DATA),
        real=collect("results/calibration/{mode}.csv", mode=config["modes"]),
        images=[str(path) for mode in config["modes"] for path in IMAGES[mode].values()],
        code=code("figure8"),
    output:
        png=report(
            "results/figures/figure8.png",
            caption="../report/figure8.rst",
            category="Figures",
            labels={"figure": "8", "shows": "scan noise and gradient"},
        ),
        pdf="results/figures/figure8.pdf",
    log:
        "logs/figure8.log",
    benchmark:
        "logs/benchmarks/figure8.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem=growing("4GB"),
        runtime=growing("1h"),
    params:
        settings=lookup("calibration", within=config),
        lacking=LACKING,
        provenance=PROVENANCE,
    script:
        "../scripts/figure8.py"
