rule table6:
    """Table 6: atom detection by each network."""
    input:
        scores=collect(
            "results/evaluation/detection/sfin/{mode}/{method}.csv",
            mode=config["modes"],
            method=DETECTORS,
        ),
        images=collect(
            "results/localisation/sfin/{mode}/{method}.csv",
            mode=config["modes"],
            method=DETECTORS,
        ),
        species=collect(
            "results/localisation/sfin/{mode}/{method}.species.csv",
            mode=config["modes"],
            method=DETECTORS,
        ),
        distributions=collect("results/calibration/{mode}.json", mode=config["modes"]),
        paper_values="resources/paper_values.csv",
        code=code("table6"),
    output:
        csv="results/tables/table6.csv",
        markdown="results/tables/table6.md",
        tex="results/tables/table6.tex",
        html=report(
            "results/tables/table6.html",
            caption="../report/table6.rst",
            category="Tables",
            labels={"table": "6", "shows": "atom detection"},
        ),
        species=report(
            "results/tables/table6_species.html",
            caption="../report/table6.rst",
            category="Tables",
            labels={"table": "6", "shows": "atom detection by species"},
        ),
        species_csv="results/tables/table6_species.csv",
    log:
        "logs/table6.log",
    benchmark:
        "logs/benchmarks/table6.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem=growing("1GB"),
        runtime=growing("5m"),
    params:
        settings=lookup("detection", within=config),
        epochs=epochs(DETECTORS, "detection"),
        provenance=PROVENANCE,
    script:
        "../scripts/table6.py"


rule figure10:
    """Figure 10: atoms that each network finds in a test image of each mode."""
    input:
        pairs=collect("results/datasets/sfin/{mode}/test.zarr", mode=config["modes"]),
        weights=collect(
            "results/models/detection/sfin/{mode}/{method}/weights.safetensors",
            mode=config["modes"],
            method=DETECTORS,
        ),
        confidences=collect(
            "results/models/detection/sfin/{mode}/{method}/confidence.json",
            mode=config["modes"],
            method=DETECTORS,
        ),
        code=code("figure10"),
    output:
        png=report(
            "results/figures/figure10.png",
            caption="../report/figure10.rst",
            category="Figures",
            labels={"figure": "10", "shows": "atom detection"},
        ),
        pdf="results/figures/figure10.pdf",
    log:
        "logs/figure10.log",
    benchmark:
        "logs/benchmarks/figure10.tsv"
    conda:
        ENVIRONMENT
    threads: 2
    resources:
        mem=growing("4GB"),
        runtime=growing("30m"),
    params:
        settings=lookup("detection", within=config),
        provenance=PROVENANCE,
    script:
        "../scripts/figure10.py"
