rule describe_dataset:
    """Write the card of a dataset: counts, drawn parameters, settings, origin."""
    input:
        pairs="results/datasets/{dataset}/{mode}/{split}.zarr",
        code=code("describe_dataset"),
    output:
        markdown="results/datasets/{dataset}/{mode}/{split}.md",
        html=report(
            "results/datasets/{dataset}/{mode}/{split}.html",
            caption="../report/card.rst",
            category="Datasets",
            labels={
                "dataset": "{dataset}",
                "mode": "{mode}",
                "split": "{split}",
                "shows": "card",
            },
        ),
    log:
        "logs/describe_dataset/{dataset}/{mode}/{split}.log",
    benchmark:
        "logs/benchmarks/describe_dataset/{dataset}/{mode}/{split}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem=growing("1GB"),
        runtime=growing("5m"),
    params:
        provenance=PROVENANCE,
    script:
        "../scripts/describe_dataset.py"
