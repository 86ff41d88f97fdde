import copy
import re
import shlex

import pytest
import yaml
from samples import ROOT, merged

from sfin.calibration_settings import CalibrationSettings
from sfin.errors import InputError
from sfin.filters import FilterSettings, filter_settings
from sfin.noise import NoiseSettings
from sfin.settings import check_scale, check_settings, mark_scale
from sfin.synthesis import SynthesisSettings

SCHEMA = ROOT / "config/schema.yaml"
CONFIG = yaml.safe_load((ROOT / "config/config.yaml").read_text())


@pytest.mark.parametrize("scale", ["config", "test", "paper", "fast"])
def test_shipped_settings_follow_the_schema(scale):
    overlay = yaml.safe_load((ROOT / f"config/{scale}.yaml").read_text())
    check_settings(merged(CONFIG, overlay), SCHEMA)


def objects(schema, path=()):
    """Find every object that the schema describes."""
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield path, schema
        for key, value in schema.items():
            yield from objects(value, (*path, key))


def test_no_object_of_the_schema_takes_unknown_settings():
    found = list(objects(yaml.safe_load(SCHEMA.read_text())))
    assert len(found) > 15
    for path, schema in found:
        # Names that users choose have a pattern instead.
        named = "pattern" in schema.get("propertyNames", {})
        assert named or schema.get("additionalProperties") is False, path
        assert "default" not in schema, path


@pytest.mark.parametrize(
    ("place", "key", "value", "sentence"),
    [
        ((), "scael", "test", "no setting 'scael'; did you mean 'scale'"),
        (("training",), "epoch", 3, "'epoch' in training; did you mean 'epochs'"),
        (("training",), "epochs", 0, "training.epochs"),
        (("synthesis", "settings", "noise"), "background_range", [1], "too short"),
        (("synthesis", "number"), "train", "many", "synthesis.number.train"),
        (("networks", "sfin", "network"), "channels", 7, "channels"),
        ((), "modes", ["tem"], "'tem' is not one of"),
        (("calibration",), "patch_size", None, "patch_size"),
    ],
)
def test_wrong_settings_are_refused_in_one_sentence(place, key, value, sentence):
    settings = copy.deepcopy(CONFIG)
    section = settings
    for name in place:
        section = section[name]
    section[key] = value
    with pytest.raises(InputError) as refusal:
        check_settings(settings, SCHEMA)
    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_truth_of_the_command_line_that_is_a_text_is_told():
    settings = copy.deepcopy(CONFIG)
    settings["comparison_trainings"] = "true"
    with pytest.raises(InputError, match=r"comparison_trainings .* write True there"):
        check_settings(settings, SCHEMA)


def test_number_that_yaml_takes_for_a_text_is_told():
    settings = copy.deepcopy(CONFIG)
    settings["training"]["learning_rate"] = "1e-3"
    with pytest.raises(InputError, match=r"takes 1e-3 for a text; .* like 1\.0e-3"):
        check_settings(settings, SCHEMA)


def test_method_that_must_be_there_is_named():
    settings = copy.deepcopy(CONFIG)
    settings["methods"] = ["noisy"]
    with pytest.raises(InputError, match="'sfin' must be among them"):
        check_settings(settings, SCHEMA)


def test_nobody_has_to_read_a_pattern():
    settings = copy.deepcopy(CONFIG)
    settings["synthesis"]["cluster"]["memory"] = "much"
    with pytest.raises(
        InputError, match=r"Such as 2GB or 500MB.*'much' is not"
    ) as refusal:
        check_settings(settings, SCHEMA)
    assert "[0-9]" not in str(refusal.value)


def test_missing_setting_is_named():
    settings = copy.deepcopy(CONFIG)
    del settings["calibration"]["blur_sigma"]
    with pytest.raises(InputError, match="'blur_sigma' is missing in calibration"):
        check_settings(settings, SCHEMA)


def test_settings_of_the_library_are_those_of_the_config():
    assert CalibrationSettings(**CONFIG["calibration"]) == CalibrationSettings()
    assert filter_settings(CONFIG["filters"]) == FilterSettings()
    synthesis = SynthesisSettings.from_dict(CONFIG["synthesis"]["settings"])
    assert vars(synthesis.noise) == {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in vars(NoiseSettings()).items()
    }


def test_results_hold_one_scale(tmp_path):
    check_scale(tmp_path / "results", "paper")
    mark_scale(tmp_path / "results", "paper")
    check_scale(tmp_path / "results", "paper")
    with pytest.raises(InputError, match="holds results of scale paper, which a run"):
        check_scale(tmp_path / "results", "test")


def test_command_that_keeps_results_of_another_scale_can_be_pasted(tmp_path):
    results = tmp_path / "results"
    mark_scale(results, "laptop with shipped networks of scale hour")
    with pytest.raises(InputError) as caught:
        check_scale(results, "laptop")
    (command,) = re.findall(r"\((mv .*?)\)", str(caught.value))
    _, source, target = shlex.split(command)
    assert source == str(results)
    assert target == f"{results}-laptop-with-shipped-networks-of-scale-hour"


@pytest.mark.parametrize("method", sorted(CONFIG["networks"]))
def test_every_network_is_trained_as_in_the_paper_at_its_scale(method):
    # What `config.yaml` says beside one network is laid under `paper.yaml`.
    paper = yaml.safe_load((ROOT / "config/paper.yaml").read_text())
    settings = merged(CONFIG, paper)
    training = settings["training"] | settings["networks"][method]["training"]
    expected = {
        "epochs": 500,
        "batch_size": 8,
        "crop_size": None,
        "learning_rate": 2e-4,
        "schedule": "multi_step",
        "milestones": [250, 400, 450, 475],
        "decay": 0.5,
        "betas": [0.9, 0.999],
        "flips": False,
        "fresh_noise": False,
        "ema_decay": 0,
    }
    assert {name: training[name] for name in expected} == expected
