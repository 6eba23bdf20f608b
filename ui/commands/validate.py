"""`sextant validate`: load-test a deployment or any compatible endpoint, and say whether it keeps its promises."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from knowledge.records import Deployment, Records
    from tools.loadtest import LoadPlan, LoadReport
    from ui.load_options import LoadOptions

NOT_MET = 3


def validate(
    what: Annotated[
        str, typer.Argument(help="Id of a deployment or address of an endpoint; the newest deployment.")
    ] = "",
    *,
    model: Annotated[str | None, typer.Option(help="Model to ask for; the first that the endpoint serves.")] = None,
    rate: Annotated[float | None, typer.Option(help="Requests per second; the planned peak, else 1.")] = None,
    duration: Annotated[float, typer.Option(help="Seconds of load; longer when too few requests would be due.")] = 60.0,
    warmup: Annotated[float | None, typer.Option(help="Seconds not counted; a tenth of the run.")] = None,
    pattern: Annotated[str | None, typer.Option(help="steady, poisson, bursty or trace.")] = None,
    cv: Annotated[float | None, typer.Option(help="Burstiness: coefficient of variation of the gaps.")] = None,
    trace: Annotated[Path | None, typer.Option(help="File with one arrival time in seconds per line.")] = None,
    sweep: Annotated[str, typer.Option(help="Rates one after the other, such as 1,2,4,8.")] = "",
    isl: Annotated[float | None, typer.Option(help="Mean prompt length in tokens.")] = None,
    osl: Annotated[float | None, typer.Option(help="Mean answer length in tokens.")] = None,
    prefix_share: Annotated[float | None, typer.Option(help="Share of each prompt that others have too.")] = None,
    slo: Annotated[
        list[str] | None, typer.Option(help="Objective: ttft_p90=200, e2e_p99=3000, error_rate=1, …")
    ] = None,
    time_factor: Annotated[float | None, typer.Option(help="Time factor of a simulator given by address.")] = None,
    max_requests: Annotated[int | None, typer.Option(help="Never send more than this.")] = None,
    timeout: Annotated[float | None, typer.Option(help="Seconds after which an answer is given up.")] = None,
    seed: Annotated[int | None, typer.Option(help="Makes arrivals and lengths repeatable.")] = None,
    completions: Annotated[bool, typer.Option(help="Use /v1/completions instead of chat.")] = False,
    saturate: Annotated[bool, typer.Option(help="Search for the highest rate that holds.")] = False,
    allow_host: Annotated[list[str] | None, typer.Option(help="A host that you may load.")] = None,
    api_key_file: Annotated[Path | None, typer.Option(help="File that holds the endpoint's API key.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write an HTML report here.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Drive an open-loop load, measure from the moment each request was due, and compare with the objectives.

    Exit code 0: every objective was met; 3: not met, or inconclusive.
    """
    from knowledge.errors import StateUnusable
    from knowledge.files import check_place
    from knowledge.snapshot import load
    from tools.loadtest.page import write_page
    from ui.load_options import LoadOptions
    from ui.output import print_json
    from ui.records import own_records
    from ui.rendering.deployments import show_report, show_saturation

    options = LoadOptions(
        model=model,
        rate_rps=rate,
        duration_s=duration,
        warmup_s=warmup,
        pattern=pattern,
        cv=cv,
        trace=trace,
        sweep=sweep,
        isl=isl,
        osl=osl,
        prefix_share=prefix_share,
        slos=tuple(slo or ()),
        time_factor=time_factor,
        max_requests=max_requests,
        timeout_s=timeout,
        seed=seed,
        completions=completions,
        allowed_hosts=tuple(allow_host or ()),
        api_key_file=api_key_file,
    )
    records = own_records()
    snapshot = load().version
    deployment = None if "://" in what else _deployment(records, what)
    if saturate:
        found = _saturation(deployment, what, options)
        if json:
            print_json({"saturation": found.to_json()}, snapshot=snapshot)
        else:
            show_saturation(found)
        return
    if report is not None:
        check_place(report, field="report")
    result = _measured(deployment, what, options)
    if report is not None:
        write_page(result, report)
    try:
        _keep(records, result, deployment, snapshot)
    except StateUnusable:
        show_report(result)  # else the whole run would be lost with the disk
        raise
    if json:
        known = deployment and records.deployments.get(deployment.deployment_id).to_json()
        print_json({"deployment": known, **result.to_json()}, snapshot=snapshot)
    else:
        show_report(result)
    if result.verdict != "met":
        raise typer.Exit(NOT_MET)


def _deployment(records: "Records", named: str) -> "Deployment":
    """The deployment of that name, or the one that changed last among those that run."""
    from knowledge.errors import Conflict

    if named:
        return records.deployments.get(named)
    running = [entry for entry in records.deployments.all() if entry.replicas]
    if not running:
        raise Conflict("no deployment runs", "start one with sextant deploy, or name an address of your own")
    return running[0]


def _measured(deployment: "Deployment | None", url: str, options: "LoadOptions") -> "LoadReport":
    """Load a deployment, or an endpoint by its address."""
    from tools.deploy.verification import measure
    from tools.loadtest import validate as run
    from ui.interruption import interruptible
    from ui.rendering.deployments import load_progress

    with load_progress("load test") as on_progress:
        if deployment:
            plan, running = options.of_deployment(deployment), deployment
            return interruptible(lambda stop: measure(running, plan=plan, on_progress=on_progress, stop=stop))
        plan = options.of_endpoint(url)
        hosts, key = options.allowed_hosts, options.api_key()
        return interruptible(
            lambda stop: run(url, plan, allowed_hosts=hosts, api_key=key, on_progress=on_progress, stop=stop)
        )


def _keep(records: "Records", report: "LoadReport", deployment: "Deployment | None", snapshot: str) -> None:
    from tools.deploy.verification import keep, outcome
    from ui.person import person

    if deployment:
        keep(report, deployment, records, who=person())
    else:
        records.outcomes.add(outcome(report, snapshot=snapshot))


def _saturation(deployment: "Deployment | None", url: str, options: "LoadOptions") -> Any:
    from tools.loadtest import validate as run
    from tools.loadtest.saturation import saturation
    from ui.interruption import interruptible
    from ui.rendering.deployments import load_progress

    plan = options.of_deployment(deployment) if deployment else options.of_endpoint(url)
    endpoints = deployment.endpoints if deployment else (url,)
    with load_progress("saturation") as on_progress:

        async def measure(step: "LoadPlan") -> "LoadReport":
            return await run(
                endpoints,
                step,
                own=deployment.endpoints if deployment else (),
                allowed_hosts=options.allowed_hosts,
                api_key=options.api_key(),
                on_progress=on_progress,
            )

        return interruptible(lambda _: saturation(plan, measure))
