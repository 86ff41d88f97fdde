if config["weights"] == "shipped":

    rule take_shipped_network:
        """Take a network that comes with sfin, in place of training one."""
        input:
            weights=f"{SHIPPED_WEIGHTS}/{{task}}/{{dataset}}/{{mode}}/{{method}}/weights.safetensors",
            history=f"{SHIPPED_WEIGHTS}/{{task}}/{{dataset}}/{{mode}}/{{method}}/history.csv",
            settings=f"{SHIPPED_WEIGHTS}/{{task}}/{{dataset}}/{{mode}}/{{method}}/settings.json",
        output:
            weights="results/models/{task}/{dataset}/{mode}/{method}/weights.safetensors",
            history="results/models/{task}/{dataset}/{mode}/{method}/history.csv",
            settings="results/models/{task}/{dataset}/{mode}/{method}/settings.json",
        log:
            "logs/take_shipped_network/{task}/{dataset}/{mode}/{method}.log",
        localrule: True
        shell:
            "cp {input} $(dirname {output.weights}) 2> {log}"

else:

    rule train_network:
        """Train a network on a dataset; a killed training resumes from its checkpoint."""
        input:
            pairs="results/datasets/{dataset}/{mode}/train.zarr",
            code=code("train_network"),
        output:
            weights="results/models/{task}/{dataset}/{mode}/{method}/weights.safetensors",
            history="results/models/{task}/{dataset}/{mode}/{method}/history.csv",
            settings="results/models/{task}/{dataset}/{mode}/{method}/settings.json",
            speed="results/models/{task}/{dataset}/{mode}/{method}/speed.csv",
        log:
            "logs/train_network/{task}/{dataset}/{mode}/{method}.log",
        benchmark:
            "logs/benchmarks/train_network/{task}/{dataset}/{mode}/{method}.tsv"
        conda:
            ENVIRONMENT
        threads: config["training"]["threads"]
        resources:
            gpu=gpus,
            mem=growing("16GB"),
            runtime=growing("24h"),
        params:
            network=lookup("networks/{method}/network", within=config),
            settings=training_settings,
            provenance=PROVENANCE,
        script:
            "../scripts/train_network.py"


rule models:
    """All networks, trained."""
    input:
        collect(
            "results/models/enhancement/sfin/{mode}/{method}/weights.safetensors",
            mode=config["modes"],
            method=TRAINED,
        ),
    localrule: True
