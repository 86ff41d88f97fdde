"""Say how well Gaussian columns describe what was rendered."""

from collections import Counter
from collections.abc import Mapping
from statistics import median

from sfin.columns import LEAST_R_SQUARED, ProjectedColumns
from sfin.parameters import MODES, Mode
from sfin.structures import Structure


def fit_summary(columns: ProjectedColumns) -> str:
    """Say how much the columns explain, and warn where that is little."""
    shares = ", ".join(f"{mode} {columns.r_squared[mode]:.3f}" for mode in MODES)
    summary = (
        f"{columns.structure}: {len(columns.species)} columns explain {shares} of "
        "the variance (R²)"
    )
    for mode in columns.poor_modes:
        summary += (
            f"\nWARNING: {columns.structure} in {mode} is not a sum of Gaussians (R² "
            f"below {LEAST_R_SQUARED:.2f}): synthetic images of it are not faithful."
        )
    return summary


def quality_table(
    table: Mapping[str, ProjectedColumns], structures: Mapping[str, Structure]
) -> str:
    """Tabulate R² of all structures as Markdown.

    Parameters
    ----------
    table
        Columns by name of the structure.
    structures
        What was rendered, by name: zone axis and reference stand there.
    """
    lines = [
        "| structure | axis of the file's cell | columns of one cell "
        "| R² HAADF | R² BF | reference |",
        "|---|---|---|---|---|---|",
    ]
    for name, columns in table.items():
        structure = structures[name]
        axis = "".join(map(str, structure.zone_axis))
        counts = Counter(columns.species).items()
        species = ", ".join(f"{count} {kind}" for kind, count in counts)
        shares = " | ".join(_share(columns, mode) for mode in MODES)
        lines.append(
            f"| {name} | [{axis}] | {species} | {shares} | {structure.reference} |"
        )
    values = {
        mode: [columns.r_squared[mode] for columns in table.values()] for mode in MODES
    }
    for label, statistic in (("least", min), ("median", median)):
        shares = " | ".join(f"{statistic(values[mode]):.3f}" for mode in MODES)
        lines.append(f"| **{label}** | | | {shares} | |")
    return "\n".join(lines) + "\n"


def _share(columns: ProjectedColumns, mode: Mode) -> str:
    flag = " (not a sum of Gaussians)" if mode in columns.poor_modes else ""
    return f"{columns.r_squared[mode]:.3f}{flag}"
