rule inject_noise:
    """Inject noise of known parameters and calibrate it with both estimators."""
    input:
        paper_values="resources/paper_values.csv",
        code=code("inject_noise"),
    output:
        points="results/calibration/injected.csv",
    log:
        "logs/inject_noise.log",
    benchmark:
        "logs/benchmarks/inject_noise.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem=growing("2GB"),
        runtime=growing("1h"),
    params:
        grid=lookup("closure/grid", within=config),
        calibration=lookup("calibration", within=config),
        noise=lookup("synthesis/settings/noise", within=config),
        seed=config["seed"],
    script:
        "../scripts/inject_noise.py"


rule remeasure_noise:
    """Imitate the noise of each real image and calibrate the imitation."""
    input:
        calibrations=[
            f"results/calibration/{mode}/{image}.json"
            for mode in config["modes"]
            for image in IMAGES[mode]
        ],
        structures=collect(
            "results/structures/{structure}.zarr", structure=config["structures"]
        ),
        code=code("remeasure_noise"),
    output:
        images="results/calibration/remeasured.csv",
    log:
        "logs/remeasure_noise.log",
    benchmark:
        "logs/benchmarks/remeasure_noise.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem=growing("2GB"),
        runtime=growing("1h"),
    params:
        number=lookup("closure/remeasured", within=config),
        settings=lookup("synthesis/settings", within=config),
        seed=config["seed"],
    script:
        "../scripts/remeasure_noise.py"


rule calibration_closure:
    """The error of the calibration: noise that is known comes back."""
    input:
        points="results/calibration/injected.csv",
        images="results/calibration/remeasured.csv",
        code=code("calibration_closure"),
    output:
        summary=report(
            "results/calibration/closure.csv",
            caption="../report/closure.rst",
            category="Calibration",
            labels={"image": "closure (table)", "mode": "both"},
        ),
        png=report(
            "results/calibration/closure.png",
            caption="../report/closure.rst",
            category="Calibration",
            labels={"image": "closure", "mode": "both"},
        ),
        pdf="results/calibration/closure.pdf",
    log:
        "logs/calibration_closure.log",
    benchmark:
        "logs/benchmarks/calibration_closure.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem=growing("1GB"),
        runtime=growing("10m"),
    params:
        seed=config["seed"],
        scale=config["scale"],
    script:
        "../scripts/calibration_closure.py"
