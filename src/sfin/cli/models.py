"""`sfin models`: the trained networks that lie here."""

import typer

from sfin.cli.console import complain, make_table, note, show_table
from sfin.errors import InputError
from sfin.model_files import SHIPPED, TRAINED, find_models


def models() -> None:
    """List the networks trained or installed here, for --model.

    It looks into results/models/ of the current folder, and at what comes with sfin.
    Scores are means over synthetic test images, where the workflow has evaluated the
    same network; compare them only at the same scale, mode and task.
    """
    table = make_table(
        "Name", "Scale", "Seed", "Network", "PSNR", "SSIM", right=["PSNR", "SSIM"]
    )
    errors, distrusted = [], False
    for model in find_models():
        if isinstance(model, InputError):
            errors.append(model)
            continue
        known = model.metadata
        sizes = ", ".join(f"{k} {v}" for k, v in known.get("network", {}).items())
        shape = f"{known['method']}: {sizes}; images of {known.get('image_size')} px"
        scores = ["–", "–"]
        if model.score is not None:
            scores = [f"{model.score[0]:.2f} dB", f"{model.score[1]:.3f}"]
        distrusted |= bool(known.get("noise_warnings"))
        table.add_row(
            model.name,
            known["scale"] + ("*" if known.get("noise_warnings") else ""),
            str(known["seed"]),
            shape,
            *scores,
        )
    if table.row_count:
        show_table(table)
    else:
        note(
            f"No network is found in {TRAINED}/ or {SHIPPED}/: train some with "
            "`make run`."
        )
    if distrusted:
        note("* Trained with noise that the calibration warned of.")
    for error in errors:
        complain(str(error))
    if errors:
        raise typer.Exit(1)
