"""The paper's table 5: SFIN beside what it is without its parts."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sfin import __version__
from sfin.errors import InputError
from sfin.names import METHOD_NAMES
from sfin.networks.build import load_network
from sfin.networks.cost import multiply_accumulates, parameter_count
from sfin.table_formats import Cell, Grid, write_grid
from sfin.tables import caption as comparison_caption
from sfin.tables import comparison_table, score_grid

YES, NO = "✓", "✗"
# Spatial domain, frequency domain, interaction: as the paper's columns.
PARTS = {
    "sfin_spatial": (YES, NO, NO),
    "sfin_spatial_matched": (YES, NO, NO),
    "sfin_no_interaction": (YES, YES, NO),
    "sfin": (YES, YES, YES),
}
COLUMNS = ("Spatial", "Frequency", "Interaction", "Parameters", "GMAC")
# Pixels; the size for which publications count operations.
COUNTED = 256


def ablation_table(
    evaluations: Sequence[Path], weights: Sequence[Path], paper_values: Path
) -> pd.DataFrame:
    """Average evaluations of the ablations, and count what each network costs.

    Parameters
    ----------
    evaluations
        As for `sfin.tables.comparison_table`; of SFIN and its ablations.
    weights
        Weights of the same networks, in the same order.
    paper_values
        CSV of the numbers that the paper prints.

    Returns
    -------
    DataFrame
        That of `comparison_table`; and `parameters`, trainable ones, `gmac`, 10⁹
        multiply-accumulate operations for an image of 256 × 256 pixels, and
        `training`, the settings it was trained with.

    Raises
    ------
    InputError
        If a network is no ablation of SFIN, or the weights are those of others.
    """
    table = comparison_table(evaluations, paper_values, "Table 5")
    costs = []
    for path in weights:
        network, metadata = load_network(Path(path))
        costs.append(
            {name: metadata[name] for name in ("dataset", "mode", "method")}
            | {
                "parameters": parameter_count(network),
                "gmac": multiply_accumulates(network, COUNTED, COUNTED) / 1e9,
                "training": str(metadata["training"]),
            }
        )
    for method in table["method"]:
        if method not in PARTS:
            raise InputError(
                f"Table 5 compares SFIN with its own parts, and {method} is none: "
                f"choose from {', '.join(PARTS)}."
            )
    keys = ["dataset", "mode", "method"]
    merged = table.merge(pd.DataFrame(costs), how="left", on=keys)
    if merged["parameters"].isna().any():
        lacking = merged.loc[merged["parameters"].isna(), "method"].iloc[0]
        raise InputError(f"Table 5 lacks the weights of {lacking}: give them too.")
    return merged


def caption(table: pd.DataFrame) -> str:
    """Say what Table 5 shows, and whether its networks were trained alike.

    Parameters
    ----------
    table
        Made by `ablation_table`.
    """
    alike = (
        "All were trained alike."
        if table["training"].nunique() == 1
        else "They were not all trained with the same settings."
    )
    return (
        f"{comparison_caption(table, 'Table 5', __version__)} {alike} GMAC: 10⁹ "
        f"multiply-accumulate operations of the convolutions for {COUNTED} × "
        f"{COUNTED} pixels. The paper's rows differ in capacity; the matched one, "
        "which the paper lacks, has SFIN's depth and as many channels as give it "
        "about SFIN's parameters."
    )


def write_ablation(table: pd.DataFrame, base_path: str | Path, text: str) -> None:
    """Write Table 5 as ``.csv``, ``.md``, ``.tex`` and ``.html``.

    Parameters
    ----------
    table
        Made by `ablation_table`.
    base_path
        Path without suffix.
    text
        Caption.
    """
    scores = score_grid(table)
    networks = {}
    for method, group in table.groupby("method"):
        # The same network in every mode.
        parameters, gmac = group[["parameters", "gmac"]].iloc[0]
        texts = (*PARTS[str(method)], f"{parameters:,.0f}", f"{gmac:.2f}")
        networks[METHOD_NAMES[str(method)]] = tuple(map(Cell, texts))
    grid = Grid(
        scores.corner,
        (("Network", COLUMNS), *scores.groups),
        tuple((name, networks[name] + cells) for name, cells in scores.rows),
    )
    write_grid(table, grid, base_path, text)
