# Table 5: SFIN and what it is without its parts.
ABLATIONS = ["sfin_spatial", "sfin_spatial_matched", "sfin_no_interaction", "sfin"]


rule table5:
    """Table 5: SFIN without its parts; trains three more networks per mode."""
    input:
        scores=collect(
            "results/evaluation/enhancement/sfin/{mode}/{method}.csv",
            mode=config["modes"],
            method=ABLATIONS,
        ),
        weights=collect(
            "results/models/enhancement/sfin/{mode}/{method}/weights.safetensors",
            mode=config["modes"],
            method=ABLATIONS,
        ),
        paper_values="resources/paper_values.csv",
        code=code("table5"),
    output:
        csv="results/tables/table5.csv",
        markdown="results/tables/table5.md",
        tex="results/tables/table5.tex",
        html=report(
            "results/tables/table5.html",
            caption="../report/table5.rst",
            category="Tables",
            labels={"table": "5", "shows": "parts of SFIN"},
        ),
    log:
        "logs/table5.log",
    benchmark:
        "logs/benchmarks/table5.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem=growing("2GB"),
        runtime=growing("10m"),
    params:
        provenance=PROVENANCE,
    script:
        "../scripts/table5.py"


rule figure2:
    """Figure 2: a lattice, its spectrum, the spots alone, and what they make."""
    input:
        # One mode is enough; Figure 3 shows the same.
        dataset=f"results/datasets/sfin/{FIGURE3_MODE}/train.zarr",
        code=code("figure2"),
    output:
        png=report(
            "results/figures/figure2.png",
            caption="../report/figure2.rst",
            category="Figures",
            labels={"figure": "2", "shows": "why a frequency branch"},
        ),
        pdf="results/figures/figure2.pdf",
    log:
        "logs/figure2.log",
    benchmark:
        "logs/benchmarks/figure2.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem=growing("1GB"),
        runtime=growing("10m"),
    params:
        provenance=PROVENANCE,
    script:
        "../scripts/figure2.py"


rule figure5:
    """Figure 5: SFIN drawn from the network itself, as it is built here."""
    input:
        code=code("figure5"),
    output:
        png=report(
            "results/figures/figure5.png",
            caption="../report/figure5.rst",
            category="Figures",
            labels={"figure": "5", "shows": "architecture of SFIN"},
        ),
        pdf="results/figures/figure5.pdf",
    log:
        "logs/figure5.log",
    benchmark:
        "logs/benchmarks/figure5.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem=growing("2GB"),
        runtime=growing("10m"),
    params:
        network=lookup("networks/sfin/network", within=config),
        size=lookup("synthesis/settings/size", within=config),
        provenance=PROVENANCE,
    script:
        "../scripts/figure5.py"


rule plot_learning:
    """Draw how the networks of one task, dataset and mode were trained."""
    input:
        histories=collect(
            "results/models/{{task}}/{{dataset}}/{{mode}}/{method}/history.csv",
            method=TRAINED,
        ),
        code=code("plot_learning"),
    output:
        png=report(
            "results/figures/learning/{task}/{dataset}/{mode}.png",
            caption="../report/learning.rst",
            category="Figures",
            labels={"figure": "learning, {mode}", "shows": "trainings, {task}"},
        ),
        pdf="results/figures/learning/{task}/{dataset}/{mode}.pdf",
    log:
        "logs/plot_learning/{task}/{dataset}/{mode}.log",
    benchmark:
        "logs/benchmarks/plot_learning/{task}/{dataset}/{mode}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem=growing("1GB"),
        runtime=growing("10m"),
    params:
        provenance=PROVENANCE,
    script:
        "../scripts/plot_learning.py"


rule learning_curves:
    """How all networks were trained: loss, PSNR of held-out pairs, learning rate."""
    input:
        collect(
            "results/figures/learning/enhancement/sfin/{mode}.png",
            mode=config["modes"],
        ),
    localrule: True
