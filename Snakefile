from snakemake.utils import min_version

min_version("9.25")


configfile: "config/config.yaml"


report: "workflow/report/workflow.rst"


# One GPU at a time on this machine, as many as the cluster grants.
resource_scopes:
    gpu="local",


include: "workflow/rules/cluster.smk"
include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/structure_files.smk"
include: "workflow/rules/methods.smk"
include: "workflow/rules/known_images.smk"
include: "workflow/rules/detection.smk"
include: "workflow/rules/lattices.smk"
include: "workflow/rules/theory.smk"
include: "workflow/rules/movies.smk"


rule all:
    """The paper's tables and figures, and all real images enhanced."""
    default_target: True
    input:
        "results/tables/table1.csv",
        "results/tables/table2.csv",
        "results/tables/table3.csv",
        "results/tables/table4.csv",
        "results/figures/figure2.png",
        "results/figures/figure3.png",
        "results/figures/figure4.png",
        "results/figures/figure5.png",
        "results/figures/figure6.png",
        "results/figures/figure8.png",
        COMPARISON,
        "results/calibration/closure.csv",
        CALIBRATION_PICTURES,
        DATASET_PICTURES,
        collect(
            "results/figures/learning/enhancement/sfin/{mode}.png",
            mode=config["modes"],
        ),
        collect(
            "results/datasets/sfin/{mode}/{split}.md",
            mode=config["modes"],
            split=["train", "test"],
        ),
        ENHANCED_IMAGES,
        DETECTED_ATOMS,
        LATTICES,
        "results/tables/lattices.csv" if LATTICES else [],
        THEORY,
        MOVIE_TABLE,
    localrule: True


include: "workflow/rules/images.smk"
include: "workflow/rules/calibration.smk"
include: "workflow/rules/closure.smk"
include: "workflow/rules/structures.smk"
include: "workflow/rules/synthesis.smk"
include: "workflow/rules/temimagenet.smk"
include: "workflow/rules/gan.smk"
include: "workflow/rules/cards.smk"
include: "workflow/rules/realism.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/evaluation.smk"
include: "workflow/rules/enhancement.smk"
include: "workflow/rules/detection_results.smk"
include: "workflow/rules/finders.smk"
include: "workflow/rules/inventions.smk"
include: "workflow/rules/superresolution.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/comparison.smk"
include: "workflow/rules/rivals.smk"
include: "workflow/rules/extended.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/networks.smk"
