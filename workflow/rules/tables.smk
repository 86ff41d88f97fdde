rule table1:
    """Table 1: enhancement by each method, PSNR and SSIM."""
    input:
        scores=collect(
            "results/evaluation/enhancement/sfin/{mode}/{method}.csv",
            mode=config["modes"],
            method=METHODS,
        ),
        paper_values="resources/paper_values.csv",
        code=code("table1"),
    output:
        csv="results/tables/table1.csv",
        markdown="results/tables/table1.md",
        tex="results/tables/table1.tex",
        html=report(
            "results/tables/table1.html",
            caption="../report/table1.rst",
            category="Tables",
            labels={"table": "1", "shows": "enhancement"},
        ),
    log:
        "logs/table1.log",
    benchmark:
        "logs/benchmarks/table1.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem="1GB",
        runtime="5m",
    params:
        provenance=PROVENANCE,
    script:
        "../scripts/table1.py"
