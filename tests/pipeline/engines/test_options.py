"""Options of Beam: what is taken, and where they put the workers."""

import pytest

from duologue_pipeline.engines.options import beam_options, check_options, engine_of
from duologue_pipeline.errors import UsageError


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--runner=DataflowRuner"],
            "--runner DataflowRuner: Apache Beam has no such runner; did you mean DataflowRunner? Known here are",
        ),
        (["--runner=Dask"], "--runner Dask: Apache Beam has no such runner. Known here are FnApiRunner, "),
        (
            ["--runner=no.such.Runner"],
            "--runner no.such.Runner: Apache Beam cannot make this runner (No module named 'no'",
        ),
        (
            ["--direct_num_wokers=2"],
            "--direct_num_wokers: Apache Beam has no such option (did you mean --direct_num_workers?); after -- stand",
        ),
        (
            ["--direct_num_workers=two"],
            "argument --direct_num_workers: invalid int value: 'two' (an option of Apache Beam)",
        ),
        (
            ["--dry_run"],
            "argument --dry_run: expected one argument (an option of Apache Beam); give it a value, as --OPTION=VALUE",
        ),
    ],
)
def test_what_beam_does_not_have_is_refused(arguments: list[str], message: str) -> None:
    with pytest.raises(UsageError) as raised:
        beam_options(arguments)
    assert str(raised.value).startswith(message)


DATAFLOW = ["--runner=DataflowRunner", "--project=p", "--region=r", "--temp_location=gs://bucket/t"]
PORTABLE = ["--runner=PortableRunner"]
EXTERNAL = ["--environment_type=EXTERNAL", "--environment_config=localhost:50000"]


@pytest.mark.parametrize(
    ("arguments", "name", "elsewhere", "containers", "image"),
    [
        ([], "FnApiRunner", False, False, None),
        (["--runner=fnapirunner"], "FnApiRunner", False, False, None),
        (["--runner=Direct"], "DirectRunner", False, False, None),
        (["--runner=PrismRunner"], "PrismRunner", False, False, None),
        (DATAFLOW, "DataflowRunner", True, True, None),
        ([*DATAFLOW, "--sdk_container_image=eu.pkg/x"], "DataflowRunner", True, True, "eu.pkg/x"),
        ([*PORTABLE, "--job_endpoint=embed", "--environment_type=LOOPBACK"], "PortableRunner", False, False, None),
        ([*PORTABLE, "--job_endpoint=localhost:1"], "PortableRunner", True, True, None),
        ([*PORTABLE, "--environment_config=img:1"], "PortableRunner", True, True, "img:1"),
        ([*PORTABLE, "--environment_type=beam:env:docker:v1"], "PortableRunner", True, True, None),
        ([*PORTABLE, "--environment_option=docker_container_image=img:2"], "PortableRunner", True, True, "img:2"),
        ([*PORTABLE, "--job_endpoint=localhost:1", *EXTERNAL], "PortableRunner", False, False, None),
        ([*PORTABLE, "--job_endpoint=cluster:8099", *EXTERNAL], "PortableRunner", True, False, None),
        (
            [*PORTABLE, "--job_endpoint=[::1]:1", "--environment_type=EXTERNAL", "--environment_config=pool:50000"],
            "PortableRunner",
            True,
            False,
            None,
        ),
        (["--runner=FlinkRunner"], "FlinkRunner", False, False, None),
        (["--runner=FlinkRunner", "--flink_master=cluster:8081"], "FlinkRunner", True, True, None),
        (["--runner=FlinkRunner", "--flink_master=cluster:8081", *EXTERNAL], "FlinkRunner", True, False, None),
        (["--runner=SparkRunner"], "SparkRunner", False, False, None),
        (["--runner=SparkRunner", "--spark_master_url=spark://cluster:7077"], "SparkRunner", True, True, None),
    ],
)
def test_workers_are_here_or_elsewhere(
    arguments: list[str], name: str, elsewhere: bool, containers: bool, image: str | None
) -> None:
    engine = engine_of(beam_options(arguments))
    assert (engine.name, engine.elsewhere, engine.containers, engine.image) == (name, elsewhere, containers, image)


@pytest.mark.parametrize("option", ["--no_wait_until_finish", "--dry_run=True", "--template_location=gs://bucket/t"])
def test_what_another_runner_would_pass_over_is_refused(option: str) -> None:
    with pytest.raises(UsageError) as raised:
        check_options(engine_of(beam_options([option])))
    name = option.partition("=")[0]
    assert str(raised.value) == f"{name}: only DataflowRunner does that, and this run is for FnApiRunner; leave it out"


def test_options_that_do_not_go_together_are_refused_before_a_pipeline_is_made() -> None:
    engine = engine_of(beam_options(["--runner=PortableRunner", *EXTERNAL, "--environment_option=process_command=x"]))
    with pytest.raises(UsageError, match=r"process_command is not compatible .*\(options of Apache Beam, after --\)$"):
        check_options(engine)
