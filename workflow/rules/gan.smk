# The CycleGAN of Khan et al., which the paper compares with: HAADF alone.


rule train_gan:
    """Train the GAN on clean and real images; a killed training resumes."""
    input:
        pairs="results/datasets/sfin/haadf/train.zarr",
        patches="results/calibration/haadf.csv",
        images=lambda wildcards: [str(path) for path in IMAGES["haadf"].values()],
        code=code("train_gan"),
    output:
        weights="results/gan/weights.safetensors",
        history="results/gan/history.csv",
        settings="results/gan/settings.json",
    log:
        "logs/train_gan.log",
    benchmark:
        "logs/benchmarks/train_gan.tsv"
    priority: FIRST
    conda:
        ENVIRONMENT
    threads: config["gan"]["training"]["threads"]
    resources:
        gpu=0 if config["gan"]["training"]["device"] == "cpu" else 1,
        mem=growing("16GB"),
        runtime=growing("24h"),
    params:
        settings=lookup("gan", within=config),
        provenance=PROVENANCE,
    script:
        "../scripts/train_gan.py"


rule synthesise_gan:
    """Make clean images look recorded; their labels stay."""
    input:
        source="results/datasets/sfin/haadf/{split}.zarr",
        weights="results/gan/weights.safetensors",
        code=code("synthesise_gan"),
    output:
        pairs=directory("results/datasets/gan/haadf/{split}.zarr"),
    log:
        "logs/synthesise_gan/{split}.log",
    benchmark:
        "logs/benchmarks/synthesise_gan/{split}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem=growing("4GB"),
        runtime=growing("2h"),
    params:
        provenance=PROVENANCE,
    script:
        "../scripts/synthesise_gan.py"


rule gan_registration:
    """Measure how far the GAN moves atoms, beside images that have them in place."""
    input:
        gan="results/datasets/gan/haadf/test.zarr",
        sfin="results/datasets/sfin/haadf/test.zarr",
        code=code("gan_registration"),
    output:
        registration="results/gan/registration.csv",
    log:
        "logs/gan_registration.log",
    benchmark:
        "logs/benchmarks/gan_registration.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem=growing("2GB"),
        runtime=growing("30m"),
    params:
        patch_size=lookup("gan/registration_patch", within=config),
    script:
        "../scripts/gan_registration.py"


rule gan:
    """The dataset of the GAN, pictures of it, and whether its labels fit."""
    input:
        collect(
            "results/datasets/gan/haadf/{split}.{kind}",
            split=["train", "test"],
            kind=["zarr", "png"],
        ),
        rules.gan_registration.output,
    localrule: True
