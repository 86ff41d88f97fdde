rule calibration_closure:
    """Inject known noise and calibrate it: the error of both estimators."""
    input:
        code=code("calibration_closure"),
    output:
        summary="results/calibration/closure.csv",
        points="results/calibration/closure_points.csv",
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
        mem="2GB",
        runtime="1h",
    params:
        grid=lookup("closure", within=config),
        calibration=lookup("calibration", within=config),
        noise=lookup("synthesis/settings/noise", within=config),
        seed=config["seed"],
        scale=config["scale"],
    script:
        "../scripts/calibration_closure.py"
