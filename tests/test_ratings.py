"""Ratings kept with their outcome, and papers that only their owner gets."""

from dataclasses import replace
from pathlib import Path

import pytest

from knowledge.errors import BadInput, NotFound
from knowledge.records import Outcome, Records
from knowledge.records.exchange import read_outcomes, write_outcomes


def outcome() -> Outcome:
    return Outcome(
        outcome_id="o-1", deployment_id="d-1", endpoint="http://127.0.0.1:8100", model_id="m", gpu_type="L4",
        tensor_parallel=1, quantization="bf16", engine="vllm-simulator", time_factor=1.0, snapshot="s",
        measured_at="2026-11-21T12:00:00Z", duration_s=60.0, request_rate_rps=1.0, isl_mean=None, osl_mean=None,
        requests=100, errors=0, output_tok_s=10.0, verdict="met", measures=(), slos=(), report={},
    )  # fmt: skip


def test_a_person_has_one_rating_per_outcome_and_it_travels_with_the_export(tmp_path: Path) -> None:
    records = Records(tmp_path / "one")
    records.outcomes.add(outcome())
    records.ratings.put("o-1", who="ann", stars=2)
    records.ratings.put("o-1", who="ann", stars=4, comment=" cheaper than I thought ")
    records.ratings.put("o-1", who="bob", stars=1)
    (kept,) = records.outcomes.all()
    assert [(each.who, each.stars, each.comment) for each in kept.ratings] == [
        ("ann", 4, "cheaper than I thought"),
        ("bob", 1, ""),
    ]
    write_outcomes(records.outcomes.all(), tmp_path / "outcomes.jsonl")
    other = Records(tmp_path / "two")
    (read,) = read_outcomes(tmp_path / "outcomes.jsonl")
    assert other.outcomes.add(read)
    assert other.outcomes.all() == records.outcomes.all()


def test_an_export_without_ratings_is_still_an_outcome() -> None:
    values = outcome().to_json()
    del values["ratings"]
    assert Outcome.from_json(values) == replace(outcome(), ratings=())


def test_a_rating_is_one_to_five(tmp_path: Path) -> None:
    records = Records(tmp_path)
    records.outcomes.add(outcome())
    for stars in (0, 6):
        with pytest.raises(BadInput, match="1 to 5"):
            records.ratings.put("o-1", who="ann", stars=stars)
    with pytest.raises(BadInput, match="comment"):
        records.ratings.put("o-1", who="ann", stars=3, comment="x" * 1001)


def test_a_paper_is_there_for_its_owner_only_and_goes_with_its_conversation(tmp_path: Path) -> None:
    papers = Records(tmp_path).papers
    paper = papers.put(owner="ann", thread="t", name="bill.html", media_type="text/html", text="<p>")
    assert papers.get(paper.paper_id, owner="ann") == paper
    with pytest.raises(NotFound):
        papers.get(paper.paper_id, owner="bob")
    assert papers.forget("t") == 1
    with pytest.raises(NotFound):
        papers.get(paper.paper_id, owner="ann")
