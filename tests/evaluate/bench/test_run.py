from dataclasses import asdict, replace

import pytest
import torch

from lgtsm.cli import bench as cli_bench
from lgtsm.errors import OptionError
from lgtsm.evaluate.bench.cases import PAIRWISE, PRESETS, BenchCase
from lgtsm.evaluate.bench.pairs import PairContest
from lgtsm.evaluate.bench.results import BenchResult, format_table
from lgtsm.evaluate.bench.run import run_bench
from lgtsm.models.neighbour_spec import DfpnSpec, GuidedSpec
from lgtsm.models.spec import FAMILIES, PAINTERS, ChnSpec

CPU = torch.device("cpu")
TINY = (
    BenchCase(height=32, width=48, base_width=4, num_frames=5, chunk=2, hole_ratio=0.08),
    BenchCase(
        height=32, width=48, base_width=4, num_frames=3, chunk=4, family="refine", target=2.0
    ),
    BenchCase(height=32, width=48, base_width=4, num_frames=3, family="tsm"),
    BenchCase(height=32, width=48, base_width=4, num_frames=3, family="gated3d_skips"),
    BenchCase(height=32, width=48, base_width=2, num_frames=3, family="combcn", hole_ratio=0.08),
    BenchCase(height=32, width=48, num_frames=1, chunk=1, family="cpn", hole_ratio=0.08),
)


@pytest.fixture(scope="module")
def result():
    return run_bench(TINY, device=CPU, rounds=1)


def test_every_figure_is_present(result):
    assert [row.case for row in result.cases] == list(TINY)
    for row in result.cases:
        figures = asdict(row)
        del figures["case"]
        assert all(value is None or value > 0 for value in figures.values())
        assert row.published_frames == min(8, row.case.num_frames)
    assert result.machine.torch_version == torch.__version__
    assert result.machine.num_threads == torch.get_num_threads()
    assert result.machine.dtype == "float32"
    assert result.machine.peak_macs_per_second > 0


def test_json_round_trip(result):
    assert BenchResult.from_json(result.to_json()) == result


def test_table_has_one_row_per_case(result):
    lines = format_table(result).splitlines()
    assert len(lines) == 2 + len(TINY)
    for line, case in zip(lines[2:], TINY, strict=True):
        assert line.startswith(case.name)
    assert len({len(line) for line in lines[1:]}) == 1


def test_progress_counts_cases():
    seen = []
    run_bench(
        TINY[:1], device=CPU, rounds=1, progress=lambda done, total, _: seen.append((done, total))
    )
    assert seen == [(0, 1), (1, 1)]


def test_unknown_preset_is_named():
    with pytest.raises(OptionError, match="nonsense"):
        run_bench("nonsense", device=CPU)


@pytest.mark.parametrize(
    "wrong",
    [{"height": 30}, {"hole_ratio": 0}, {"chunk": 0}, {"num_frames": 0}, {"family": "none"}],
)
def test_case_outside_its_range_is_refused(wrong):
    with pytest.raises(OptionError):
        replace(TINY[0], **wrong)


def test_networks_that_read_references_have_rows_in_families():
    rows = [case for case in PRESETS["families"] if case.family in PAIRWISE]
    assert [case.family for case in rows] == ["dfpn", "cpn", "guided", "chn"]
    assert {case.network.family for case in rows} == set(PAIRWISE)


@pytest.mark.slow
def test_a_painted_and_a_carried_frame_are_counted():
    small = {
        "chn": replace(PAINTERS["chn"], trunk=ChnSpec(num_blocks=1)),
        "guided": GuidedSpec(num_blocks=1, num_cross=1, side=2, fourier=False),
        "dfpn": DfpnSpec(width=2, side=32),
    }
    for family, spec in small.items():
        case = BenchCase(height=32, width=32, family=family, num_frames=2, hole_ratio=0.1)
        with pytest.MonkeyPatch.context() as patch, torch.inference_mode():
            patch.setattr(BenchCase, "network", spec)
            contest = PairContest(case, CPU)
            assert contest.macs > 10**5
            assert min(contest.stream(), contest.published()) > 0


def test_targets_carry_the_promised_ratios():
    assert [case.target for case in PRESETS["targets"]] == [2.0, 1.7, 3.2, 4.8]
    assert all(len(set(cases)) == len(cases) for cases in PRESETS.values())


def test_every_published_family_has_its_cases():
    families = {case.family for case in PRESETS["families"]}
    assert families == {*FAMILIES, *PAIRWISE} - {"refine", "lgtsm_causal"}


def test_command_line_offers_every_preset():
    assert set(cli_bench._PRESETS) == {*PRESETS, *cli_bench._WITHOUT_PUBLISHED}


def test_hole_is_centred_with_the_requested_ratio():
    case = BenchCase(height=180, width=320, hole_ratio=0.08)
    hole = case.hole
    assert hole.area / (180 * 320) == pytest.approx(0.08, rel=0.02)
    assert abs(hole.top + hole.bottom - 180) <= 1
    assert abs(hole.left + hole.right - 320) <= 1
    dense = BenchCase(height=180, width=320).hole
    assert (dense.top, dense.left, dense.bottom, dense.right) == (0, 0, 180, 320)
