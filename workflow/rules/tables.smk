rule table1:
    """Table 1: enhancement by each method, PSNR and SSIM."""
    input:
        scores=collect(
            "results/evaluation/enhancement/{data}/{method}.csv",
            data=TRAINED_ON,
            method=METHODS,
        ),
        distributions=collect("results/calibration/{mode}.json", mode=config["modes"]),
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
        mem=growing("1GB"),
        runtime=growing("5m"),
    params:
        provenance=PROVENANCE,
        epochs=epochs(TRAINED),
        lacking=LACKING_TRAININGS,
    script:
        "../scripts/table1.py"


rule table2:
    """Table 2: the noise of synthetic images beside that of real ones."""
    input:
        real=collect("results/calibration/{mode}.csv", mode=config["modes"]),
        datasets=collect("results/realism/{data}.csv", data=DATA),
        paper_values="resources/paper_values.csv",
        code=code("table2"),
    output:
        csv="results/tables/table2.csv",
        markdown="results/tables/table2.md",
        tex="results/tables/table2.tex",
        html=report(
            "results/tables/table2.html",
            caption="../report/table2.rst",
            category="Tables",
            labels={"table": "2", "shows": "noise of datasets"},
        ),
    log:
        "logs/table2.log",
    benchmark:
        "logs/benchmarks/table2.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem=growing("1GB"),
        runtime=growing("5m"),
    params:
        provenance=PROVENANCE,
        lacking=LACKING,
    script:
        "../scripts/table2.py"


rule table3:
    """Table 3: how alike the noise of synthetic and real images is."""
    input:
        real=collect("results/calibration/{mode}.csv", mode=config["modes"]),
        datasets=collect("results/realism/{data}.csv", data=DATA),
        paper_values="resources/paper_values.csv",
        code=code("table3"),
    output:
        csv="results/tables/table3.csv",
        markdown="results/tables/table3.md",
        tex="results/tables/table3.tex",
        html=report(
            "results/tables/table3.html",
            caption="../report/table3.rst",
            category="Tables",
            labels={"table": "3", "shows": "likeness of noise"},
        ),
    log:
        "logs/table3.log",
    benchmark:
        "logs/benchmarks/table3.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem=growing("1GB"),
        runtime=growing("5m"),
    params:
        provenance=PROVENANCE,
        lacking=LACKING,
    script:
        "../scripts/table3.py"


rule table4:
    """Table 4: the situations that the datasets apply to."""
    input:
        datasets=collect(
            "results/datasets/{data}/{split}.zarr", data=DATA, split=["train", "test"]
        ),
        paper_values="resources/paper_values.csv",
        code=code("table4"),
    output:
        csv="results/tables/table4.csv",
        markdown="results/tables/table4.md",
        tex="results/tables/table4.tex",
        html=report(
            "results/tables/table4.html",
            caption="../report/table4.rst",
            category="Tables",
            labels={"table": "4", "shows": "situations of datasets"},
        ),
    log:
        "logs/table4.log",
    benchmark:
        "logs/benchmarks/table4.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem=growing("1GB"),
        runtime=growing("5m"),
    params:
        provenance=PROVENANCE,
        lacking=LACKING,
    script:
        "../scripts/table4.py"
