# Super-resolution, section 4.5: atoms half as wide.
SUPERRESOLUTION = ["atomsegnet", "fcn", "sfin"]


rule table7:
    """Table 7: atoms made narrower by each network; trains three more per dataset."""
    input:
        scores=collect(
            "results/evaluation/superresolution/{data}/{method}.csv",
            data=[*COMPARED, *OWN_DATA],
            method=["noisy", *SUPERRESOLUTION],
        ),
        distributions=collect("results/calibration/{mode}.json", mode=config["modes"]),
        paper_values="resources/paper_values.csv",
        code=code("table7"),
    output:
        csv="results/tables/table7.csv",
        markdown="results/tables/table7.md",
        tex="results/tables/table7.tex",
        html=report(
            "results/tables/table7.html",
            caption="../report/table7.rst",
            category="Tables",
            labels={"table": "7", "shows": "super-resolution"},
        ),
    log:
        "logs/table7.log",
    benchmark:
        "logs/benchmarks/table7.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem=growing("1GB"),
        runtime=growing("5m"),
    params:
        epochs=epochs(SUPERRESOLUTION, "superresolution"),
        provenance=PROVENANCE,
    script:
        "../scripts/table7.py"


rule figure11:
    """Figure 11: test images with atoms made narrower by each network."""
    input:
        pairs=collect("results/datasets/{data}/test.zarr", data=[*COMPARED, *OWN_DATA]),
        weights=collect(
            "results/models/superresolution/{data}/{method}/weights.safetensors",
            data=[*COMPARED, *OWN_DATA],
            method=SUPERRESOLUTION,
        ),
        scores=collect(
            "results/evaluation/superresolution/{data}/sfin.csv",
            data=[*COMPARED, *OWN_DATA],
        ),
        code=code("figure11"),
    output:
        png=report(
            "results/figures/figure11.png",
            caption="../report/figure11.rst",
            category="Figures",
            labels={"figure": "11", "shows": "super-resolution"},
        ),
        pdf="results/figures/figure11.pdf",
    log:
        "logs/figure11.log",
    benchmark:
        "logs/benchmarks/figure11.tsv"
    conda:
        ENVIRONMENT
    threads: 2
    resources:
        mem=growing("4GB"),
        runtime=growing("30m"),
    params:
        methods=["noisy", *SUPERRESOLUTION],
        filters=lookup("filters", within=config),
        provenance=PROVENANCE,
    script:
        "../scripts/figure11.py"
