DETECTORS = at_hand(config["detection"]["methods"], "detection")
DETECTED_ATOMS = [
    f"results/atoms/{mode}/{image}.{suffix}"
    for mode in config["modes"]
    for image in IMAGES[mode]
    for suffix in ("csv", "png")
]


if config["weights"] == "shipped":

    rule take_shipped_confidence:
        """Take how sure a detector that ships is, as measured where it was trained."""
        input:
            f"{SHIPPED_WEIGHTS}/detection/{{dataset}}/{{mode}}/{{method}}/confidence.json",
        output:
            confidence="results/models/detection/{dataset}/{mode}/{method}/confidence.json",
        log:
            "logs/take_shipped_confidence/{dataset}/{mode}/{method}.log",
        localrule: True
        shell:
            "cp {input} {output} 2> {log}"

else:

    rule measure_detector:
        """Measure how sure a detector's dots are, on images it was not trained on."""
        input:
            pairs="results/datasets/{dataset}/{mode}/validation.zarr",
            weights="results/models/detection/{dataset}/{mode}/{method}/weights.safetensors",
            code=code("measure_detector"),
        output:
            confidence="results/models/detection/{dataset}/{mode}/{method}/confidence.json",
        log:
            "logs/measure_detector/{dataset}/{mode}/{method}.log",
        benchmark:
            "logs/benchmarks/measure_detector/{dataset}/{mode}/{method}.tsv"
        conda:
            ENVIRONMENT
        threads: 1
        resources:
            mem=growing("4GB"),
            runtime=growing("1h"),
        params:
            settings=lookup("detection", within=config),
        script:
            "../scripts/measure_detector.py"


rule locate_atoms:
    """Find the atoms of the test images, and compare them with the true ones."""
    input:
        pairs="results/datasets/{dataset}/{mode}/test.zarr",
        weights="results/models/detection/{dataset}/{mode}/{method}/weights.safetensors",
        confidence="results/models/detection/{dataset}/{mode}/{method}/confidence.json",
        code=code("locate_atoms"),
    output:
        images="results/localisation/{dataset}/{mode}/{method}.csv",
        species="results/localisation/{dataset}/{mode}/{method}.species.csv",
    log:
        "logs/locate_atoms/{dataset}/{mode}/{method}.log",
    benchmark:
        "logs/benchmarks/locate_atoms/{dataset}/{mode}/{method}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem=growing("4GB"),
        runtime=growing("1h"),
    params:
        settings=lookup("detection", within=config),
        provenance=PROVENANCE,
    script:
        "../scripts/locate_atoms.py"


rule detect_atoms:
    """Find the atoms of a real image with the SFIN of its mode."""
    input:
        image=real_image,
        weights="results/models/detection/sfin/{mode}/sfin/weights.safetensors",
        confidence="results/models/detection/sfin/{mode}/sfin/confidence.json",
    output:
        atoms="results/atoms/{mode}/{image}.csv",
        picture=report(
            "results/atoms/{mode}/{image}.png",
            caption="../report/atoms.rst",
            category="Real images",
            labels={"mode": "{mode}", "image": "{image}", "shown": "atoms"},
        ),
    log:
        "logs/detect_atoms/{mode}/{image}.log",
    benchmark:
        "logs/benchmarks/detect_atoms/{mode}/{image}.tsv"
    conda:
        ENVIRONMENT
    threads: 2
    resources:
        mem=growing("8GB"),
        runtime=growing("30m"),
    params:
        code=code_digest("detect_atoms"),
        settings=lookup("detection", within=config),
        pixel_size=pixel_size,
        provenance=PROVENANCE,
    script:
        "../scripts/detect_atoms.py"


rule detected_atoms:
    """The atoms of all real images."""
    input:
        DETECTED_ATOMS,
    localrule: True
