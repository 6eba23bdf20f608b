"""`sextant benchmarks`: measurements are checked row by row, kept with their provenance, and count at once."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]

HEADER = (
    "row_id,model_id,gpu_type,gpu_count,tensor_parallel,quantization,engine,load_kind,isl,osl,concurrency,"
    "ttft_mean_ms,tpot_mean_ms"
)
SLOW = "mine-1,meta-llama/Llama-3.1-8B-Instruct,NVIDIA-L4-24GB,1,1,fp8,vllm,closed_concurrency,1024,256,8,600,60"
ASKED = ("--model", "meta-llama/Llama-3.1-8B-Instruct", "--gpu", "L4", "--quantization", "fp8", "--concurrency", "8")


@pytest.fixture
def run(sextant: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.setenv("SEXTANT_HOME", str(tmp_path / "home"))
    return sextant


def table(folder: Path, *rows: str, header: str = HEADER) -> str:
    path = folder / "lab.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return str(path)


def test_an_added_point_is_measured_evidence_in_the_next_prediction(run: Run, tmp_path: Path) -> None:
    before = json.loads(run("predict", *ASKED, "--json")[1])
    code, out, err = run("benchmarks", "add", table(tmp_path, SLOW), "--note", "rack 3", "--json")
    assert (code, err) == (0, "")
    (entry,) = json.loads(out)["imports"]
    assert (entry["rows"], entry["whose"], entry["file"], entry["note"]) == (1, "own", "lab.csv", "rack 3")
    after = json.loads(run("predict", *ASKED, "--json")[1])
    assert before["evidence"]["kind"] == "modelled"
    assert after["evidence"]["kind"] == "measured"
    assert after["evidence"]["neighbours"][0]["source"] == "your measurements: lab.csv"
    assert after["tpot_ms"]["mean"] == pytest.approx(60, rel=0.05)
    assert abs(after["tpot_ms"]["mean"] - 60) < abs(before["tpot_ms"]["mean"] - 60)
    width = [each["interval_80"]["tpot_ms"][1] / each["interval_80"]["tpot_ms"][0] for each in (before, after)]
    assert width[1] < width[0]


def test_added_points_count_in_plans_until_they_are_removed(run: Run, tmp_path: Path) -> None:
    spec = tmp_path / "intent.json"
    spec.write_text(
        json.dumps(
            {
                "task_type": "chatbot",
                "expected_qps": 1,
                "target_ttft_p90_ms": 5000,
                "target_tpot_p90_ms": 500,
                "target_e2e_latency_p90_ms": 200000,
                "preferred_models": ["meta-llama/Llama-3.1-8B-Instruct"],
                "gpu_types": ["NVIDIA-L4-24GB"],
                "quantization": ["fp8"],
                "tensor_parallel": 1,
            }
        )
    )
    asked = ("plan", "--spec", str(spec), "--json")
    before = json.loads(run(*asked)[1])
    run("benchmarks", "add", table(tmp_path, SLOW))
    after = json.loads(run(*asked)[1])
    first, then = (each["options"][0]["predicted"] for each in (before, after))
    assert then["tpot_ms"]["mean"] > first["tpot_ms"]["mean"]
    sources = {near["source"] for near in then["evidence"]["neighbours"]}
    assert "your measurements: lab.csv" in sources
    (entry,) = json.loads(run("benchmarks", "list", "--json")[1])["imports"]
    assert run("benchmarks", "remove", entry["import_id"])[0] == 0
    assert json.loads(run(*asked)[1]) == before


def test_a_batch_of_predictions_leans_on_added_points(run: Run, tmp_path: Path) -> None:
    path = table(tmp_path, SLOW)
    assert run("benchmarks", "add", path)[0] == 0
    target = tmp_path / "out.csv"
    assert run("predict", "--batch", path, "--out", str(target))[0] == 0
    assert target.read_text().splitlines()[1].endswith(("measured", "interpolated"))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("NVIDIA-L4-24GB", "NVIDIA-L44"), "accelerator"),
        (("meta-llama/Llama-3.1-8B-Instruct", "acme/unheard-of"), "model"),
        ((",600,60", ",abc,60"), "ttft_mean_ms"),
        ((",600,60", ",-5,60"), "ttft_mean_ms must be above 0"),
        ((",600,60", ",nan,60"), "ttft_mean_ms must be above 0"),
        ((",600,60", ",,"), "nothing was measured"),
        (("closed_concurrency", "sometimes"), "load_kind sometimes"),
        ((",8,600", ",,600"), "needs concurrency"),
        (("L4-24GB,1,1", "L4-24GB,3,2"), "no multiple"),
        ((",1024,256", ",,256"), "isl blank"),
        ((",600,60", ",600,60,7"), "more cells than columns"),
    ],
)
def test_every_fault_is_one_line_and_nothing_is_added(
    run: Run, tmp_path: Path, change: tuple[str, str], says: str
) -> None:
    bad = SLOW.replace(*change).replace("mine-1", "mine-2")
    code, out, err = run("benchmarks", "add", table(tmp_path, SLOW, bad))
    assert (code, out) == (2, "")
    assert "line 3: " in err
    assert "line 2: " not in err
    assert says in err
    assert json.loads(run("benchmarks", "list", "--json")[1])["imports"] == []


def test_unknown_and_missing_columns_are_named(run: Run, tmp_path: Path) -> None:
    assert "surprise" in run("benchmarks", "add", table(tmp_path, SLOW + ",1", header=HEADER + ",surprise"))[2]
    assert "gpu_type" in run("benchmarks", "add", table(tmp_path, "a,1", header="model_id,isl"))[2]
    assert run("benchmarks", "add", table(tmp_path))[0] == 2
    assert run("benchmarks", "add", str(tmp_path / "none.csv"))[0] == 2


def test_a_file_is_added_once_and_only_by_somebody_known(run: Run, tmp_path: Path) -> None:
    path = table(tmp_path, SLOW)
    assert run("benchmarks", "add", path, "--whose", "nobody")[0] == 2
    assert run("benchmarks", "add", path, "--whose", "vendor")[0] == 0
    code, _, err = run("benchmarks", "add", path)
    assert code == 2
    assert "added before" in err
    assert run("benchmarks", "remove", "12345678")[0] == 2


def test_a_value_in_the_wrong_unit_is_remarked(run: Run, tmp_path: Path) -> None:
    out = run("benchmarks", "add", table(tmp_path, SLOW.replace(",600,60", ",0.6,60")))[1]
    assert "ttft_ms is ×" in out


def test_a_broken_cache_is_computed_again(run: Run, tmp_path: Path) -> None:
    run("benchmarks", "add", table(tmp_path, SLOW))
    first = json.loads(run("predict", *ASKED, "--json")[1])
    (tmp_path / "home" / "benchmarks" / "residual.npz").write_bytes(b"not arrays")
    assert json.loads(run("predict", *ASKED, "--json")[1]) == first
