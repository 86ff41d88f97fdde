"""Table 1 with the best rivals we can make: both truths, and what it costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sfin.errors import InputError
from sfin.evaluation import ORIGIN
from sfin.extended_evaluation import TRUTHS
from sfin.files import write_whole
from sfin.names import METHOD_NAMES, group_name
from sfin.rivals import RIVALS
from sfin.table_formats import NONE, Cell, Grid, write_grid

SCORES = tuple(f"{metric}_{truth}" for truth in TRUTHS for metric in ("psnr", "ssim"))
# Rivals first, in their order, then networks.
NAMES = {name: METHOD_NAMES.get(name, name) for name in RIVALS} | METHOD_NAMES
NAMES |= {"bm3d": "BM3D", "tk_r_em": "tk_r_em (pretrained)"}
# Among the rivals, networks that others trained.
PRETRAINED = ("tk_r_em",)
HEADINGS = {
    "psnr_clean": "PSNR",
    "ssim_clean": "SSIM",
    "psnr_noiseless": "PSNR, with background",
    "ssim_noiseless": "SSIM, with background",
}


@dataclass(frozen=True)
class Margin:
    """By how much our best network leads the best rival; negative where it does not.

    Attributes
    ----------
    dataset, mode
        What both were scored on, against the clean images.
    network, rival
        Names for readers.
    kind
        What the rival is the best of: ``filter`` or ``network of others``.
    decibel
        Difference of the mean PSNR.
    """

    dataset: str
    mode: str
    network: str
    rival: str
    kind: str
    decibel: float


def extended_table(evaluations: Sequence[Path]) -> pd.DataFrame:
    """Average extended evaluations over their images.

    Parameters
    ----------
    evaluations
        Files of scores by `sfin.extended_evaluation`.

    Returns
    -------
    DataFrame
        One row per method, background (``kept`` or ``removed``), dataset and mode:
        where it comes from, its settings, the number of images, and mean and
        standard deviation of PSNR (dB) and SSIM against both truths.

    Raises
    ------
    InputError
        If a file is no extended evaluation, or if the methods did not see the same
        number of test images.
    """
    scores = _read(evaluations, ["settings", *SCORES]).fillna({"settings": ""})
    keys = [*ORIGIN, "background", "settings"]
    groups = scores.groupby(keys, sort=False)
    table = groups.size().rename("images").reset_index()
    for name in SCORES:
        table[name] = groups[name].mean().to_numpy()
        table[f"{name}_standard_deviation"] = groups[name].std().to_numpy()
    for (dataset, mode), group in table.groupby(["dataset", "mode"]):
        if group["images"].nunique() > 1 or group["seed"].nunique() > 1:
            raise InputError(
                f"table1_extended compares methods on {dataset} {mode} that saw "
                "different test images; evaluate all of them again."
            )
    order = list(NAMES)
    ranks = pd.DataFrame(
        {
            "dataset": table["dataset"],
            # Modes stay in the order they were given in.
            "mode": pd.factorize(table["mode"])[0],
            "method": [
                order.index(name) if name in order else len(order)
                for name in table["method"]
            ],
            "background": table["background"],
        }
    )
    sequence = ranks.sort_values([*ranks.columns]).index
    return table.loc[sequence].reset_index(drop=True)


def processor_times(timings: Sequence[Path]) -> pd.DataFrame:
    """Average processor times over their images.

    Parameters
    ----------
    timings
        Files of times by `sfin.extended_evaluation`.

    Returns
    -------
    DataFrame
        `cpu_seconds` per image on one thread, by dataset, mode, method and
        background.
    """
    times = _read(timings, ["cpu_seconds"])
    keys = ["dataset", "mode", "method", "background"]
    return times.groupby(keys, sort=False)["cpu_seconds"].mean().reset_index()


def margins(table: pd.DataFrame) -> list[Margin]:
    """Compare our best network with the best rivals, by PSNR against clean images.

    Parameters
    ----------
    table
        Made by `extended_table`.

    Returns
    -------
    list of Margin
        For each dataset and mode one of filters and one of pretrained networks of
        others, where there are such and a network of ours.
    """
    found = []
    for (dataset, mode), group in table.groupby(["dataset", "mode"], sort=False):
        ours = group[group["method"].str.startswith("sfin")]
        rivals = group[group["method"].isin(RIVALS)]
        others = rivals["method"].isin(PRETRAINED)
        kinds = {"filter": rivals[~others], "network of others": rivals[others]}
        for kind, candidates in kinds.items():
            if ours.empty or candidates.empty:
                continue
            best = ours.iloc[int(ours["psnr_clean"].argmax())]
            other = candidates.iloc[int(candidates["psnr_clean"].argmax())]
            decibel = float(best["psnr_clean"] - other["psnr_clean"])
            names = _name(best), _name(other)
            found.append(Margin(str(dataset), str(mode), *names, kind, decibel))
    return found


def caption(table: pd.DataFrame, version: str, left_out: Sequence[str] = ()) -> str:
    """Say what the table shows, and whether our network won.

    Parameters
    ----------
    table
        Made by `extended_table`.
    version
        Version of this package.
    left_out
        Sentences on methods that are missing.
    """
    groups = table.drop_duplicates(["dataset", "mode"])
    data = "; ".join(
        f"{group_name(str(group.dataset), str(group.mode))}: {group.images} test "
        f"images, scale {group.scale}, seed {group.seed}"
        for group in groups.itertuples()
    )
    verdicts = "".join(
        f" {group_name(margin.dataset, margin.mode)}: {margin.network} is "
        f"{abs(margin.decibel):.2f} dB {'above' if margin.decibel > 0 else 'BELOW'} "
        f"{margin.rival}, the best {margin.kind}."
        for margin in margins(table)
    )
    missing = "".join(f" {sentence}." for sentence in left_out)
    return (
        "Table 1, extended by the best rivals. Mean over the test images of PSNR (dB) "
        "and SSIM, clipped and truncated to 8 bits, against two truths: the clean "
        "image, as in Table 1, and, headed with background, the noisy image before it "
        "got its noise. Networks remove the background and stretch the contrast, as "
        "they were trained to, so they are low there, and filters, which keep it, are "
        "low against the clean image: compare filters + top-hat with networks, and "
        "filters with each other. + top-hat: background removed by a top-hat of a "
        "disk sized by the image, then stretched to 0–255 by two percentiles. "
        "Settings of filters and top-hat are the best on training pairs. CPU s: "
        "processor seconds per image on one thread, measured here."
        f"{verdicts} {data}; sfin {version}.{missing}"
    )


def write_table(
    table: pd.DataFrame, times: pd.DataFrame, base_path: str | Path, text: str
) -> None:
    """Write ``.csv``, ``.md``, ``.tex``, ``.html``, and the times as ``.timing.csv``.

    The ``.csv`` holds no times, so that the same config and seed give the same
    bytes; the three for readers show them.

    Parameters
    ----------
    table
        Made by `extended_table`.
    times
        Made by `processor_times`.
    base_path
        Path without suffix.
    text
        Caption.
    """
    content = times.to_csv(index=False, lineterminator="\n")
    write_whole(f"{base_path}.timing.csv", content)
    write_grid(table, _grid(table, times), base_path, text)


def _grid(table: pd.DataFrame, times: pd.DataFrame) -> Grid:
    groups = list(table.groupby(["dataset", "mode"], sort=False))
    keys = ["dataset", "mode", "method", "background"]
    seconds = times.set_index(keys)["cpu_seconds"]
    rows = []
    for _, named in table.drop_duplicates(["method", "background"]).iterrows():
        cells: list[Cell] = []
        for (dataset, mode), group in groups:
            same = (group["method"] == named["method"]) & (
                group["background"] == named["background"]
            )
            row = group[same]
            for name in SCORES:
                cells.append(_score(row, group, name))
            place = (dataset, mode, named["method"], named["background"])
            time = seconds.get(place)
            cells.append(Cell(NONE if time is None else _seconds(time)))
        rows.append((_name(named), tuple(cells)))
    columns = (*(HEADINGS[name] for name in SCORES), "CPU s")
    names = [group_name(*map(str, group)) for group, _ in groups]
    return Grid("Method", tuple((name, columns) for name in names), tuple(rows))


def _score(row: pd.DataFrame, group: pd.DataFrame, name: str) -> Cell:
    if row.empty:
        return Cell(NONE)
    value = float(row[name].iloc[0])
    digits = 2 if name.startswith("psnr") else 4
    text = f"{value:.{digits}f}".replace("inf", "∞")
    return Cell(text, best=value == group[name].max())


def _seconds(value: float) -> str:
    return f"{value:.2g}" if value >= 0.0005 else "0"


def _name(row: pd.Series) -> str:
    name = NAMES.get(row["method"], str(row["method"]))
    return f"{name} + top-hat" if row["background"] == "removed" else name


def _read(paths: Sequence[Path], columns: list[str]) -> pd.DataFrame:
    if not paths:
        raise InputError("table1_extended has no evaluation to show; give one.")
    tables = []
    for path in paths:
        try:
            table = pd.read_csv(path)
            tables.append(table[[*ORIGIN, "background", "image", *columns]])
        except (FileNotFoundError, KeyError, ValueError) as error:
            raise InputError(
                f"{path} is no extended evaluation by this version of sfin; make it "
                "again with `snakemake table1_extended`."
            ) from error
    return pd.concat(tables, ignore_index=True)
