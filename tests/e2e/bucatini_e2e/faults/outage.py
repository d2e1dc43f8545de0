"""The registry goes away while a topic is being read and while one is being written."""

from .. import plugins, shapes
from ..failure import Failure, expect_equal
from ..file_sink import AVRO_CONVERTER, Bystander, FileSink
from ..registry_client import RegistryClient
from ..servers.connect import Connect
from ..servers.registry_proxy import Fault
from ..servers.stack import Stack
from ..steps import step
from .failing import ERROR, expect_failed, expect_position

_CAUSE = r"registry"
_ELSEWHERE = "/elsewhere"
_OLD = (1, "bucatini")
_NEW = (2, "rigatoni", 45)


def check(stack: Stack, worker: Connect) -> None:
    bystander = Bystander(stack, worker)
    bystander.create()
    with step("registry down: sinks FAILED, offsets kept, worker lives; registry back: every row arrives"):
        _check_reading(stack, worker, bystander)
    with step("registry down: source FAILED; registry back: every line arrives"):
        _check_writing(stack, worker, bystander)
    worker.client.delete(bystander.name)


def check_answers(stack: Stack, worker: Connect) -> None:
    """A registry that answers, but not as it should: none of it may lose a row or hold the worker up."""
    outages = {
        "503": Fault.answer(503),
        "500": Fault.answer(500),
        "stall": Fault.stall(10),
        "429": Fault.throttle(1),
        "huge": Fault.huge(64),
    }
    refusals = {"401": Fault.answer(401)}
    # Confluent's converter takes these for the record's fault; ours may, so that they are tried without tolerance.
    nonsense = {
        "html": Fault.html(),
        # By another name this machine is another host.
        "redirect": Fault.redirect(f"http://localhost:{stack.proxy.port}{_ELSEWHERE}"),
    }
    for kind, fault in (outages | refusals | nonsense).items():
        with step(f"registry answers {kind}: task FAILED, then every row arrives"):
            topic = f"registry-{kind}-{worker.version}"
            _write(stack, topic)
            # Under `all` an exception would skip the record; an outage must not.
            sink = FileSink(stack, worker, topic, "native", "none" if kind in nonsense else "all")
            stack.proxy.forget_requests()
            with stack.proxy.failing(fault):
                sink.create()
                if kind in nonsense:
                    worker.client.wait_until_failed(sink.name)
                    expect_position(sink, 0)
                else:
                    expect_failed(stack, worker, sink, 0, _CAUSE)
                requests = stack.proxy.requests()
            if kind in outages and not 2 <= len(requests) <= 10:
                raise Failure(f"with retries a registry that answers {kind} should be asked a few times: {requests}")
            if any(request.path.startswith(_ELSEWHERE) and request.authorized for request in requests):
                raise Failure(f"the credentials followed a redirect to another host: {requests}")
            worker.client.restart_failed_task(sink.name)
            sink.wait_for_rows([shapes.line(*_OLD), shapes.line(*_NEW)])
            worker.client.delete(sink.name)


def _check_reading(stack: Stack, worker: Connect, bystander: Bystander) -> None:
    topic = f"registry-down-{worker.version}"
    registry = RegistryClient(stack.proxy)
    old_id = registry.register(f"{topic}-value", shapes.SCHEMA)
    new_id = registry.register(f"{topic}-value", shapes.SCHEMA_WITH_LENGTH)
    stack.probe.create_topic(topic)
    stack.probe.write_raw(topic, (None, shapes.encode(old_id, *_OLD)))
    sinks = [
        FileSink(stack, worker, topic, engine, tolerance) for engine in plugins.ENGINES for tolerance in ("none", "all")
    ]
    for sink in sinks:
        sink.create()
    for sink in sinks:
        sink.wait_for_rows([shapes.line(*_OLD)])
    stack.proxy.take_down()
    try:
        # The first record's schema is known to the converters by now; the second one's is not.
        stack.probe.write_raw(topic, (None, shapes.encode(new_id, *_NEW)))
        for sink in sinks:
            expect_failed(stack, worker, sink, 1, _CAUSE)
        bystander.check()
    finally:
        stack.proxy.bring_up()
    for sink in sinks:
        worker.client.restart_failed_task(sink.name)
    for sink in sinks:
        sink.wait_for_rows([shapes.line(*_OLD), shapes.line(*_NEW)])
        worker.client.delete(sink.name)


def _check_writing(stack: Stack, worker: Connect, bystander: Bystander) -> None:
    topic = f"registry-down-source-{worker.version}"
    lines = ["bucatini", "rigatoni", "orecchiette"]
    source = stack.workspace.make_folder("lines") / f"{topic}.txt"
    source.write_text("".join(f"{line}\n" for line in lines))
    stack.proxy.take_down()
    try:
        worker.client.create(_source_config(stack, topic, str(source)))
        trace = worker.client.wait_until_failed(topic)
        if ERROR not in trace or "registry" not in trace.lower():
            raise Failure(f"the trace of {topic} names neither our Error nor the registry:\n{trace}")
        if written := stack.probe.count(topic):
            raise Failure(f"{written} records were written to {topic} without a registry")
        bystander.check()
    finally:
        stack.proxy.bring_up()
    worker.client.restart_failed_task(topic)
    stack.probe.wait_for_count(topic, len(lines))
    found = [record["value"]["avro"] for record in stack.probe.read_avro(topic)]
    expect_equal(f"the lines on {topic}", [f'"{line}"' for line in lines], found)
    worker.client.delete(topic)


def _source_config(stack: Stack, topic: str, file: str) -> dict[str, str]:
    return {
        "name": topic,
        "connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector",
        "topic": topic,
        "file": file,
        "errors.tolerance": "all",
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": AVRO_CONVERTER,
        "value.converter.engine": "native",
        "value.converter.schema.registry.url": stack.proxy.url,
        "value.converter.basic.auth.credentials.source": "USER_INFO",
        "value.converter.basic.auth.user.info": stack.proxy.user_info,
        "value.converter.max.retries": "2",
        "value.converter.retries.wait.ms": "100",
        "value.converter.retries.budget.ms": "15000",
    }


def _write(stack: Stack, topic: str) -> None:
    registry = RegistryClient(stack.proxy)
    stack.probe.create_topic(topic)
    old_id = registry.register(f"{topic}-value", shapes.SCHEMA)
    new_id = registry.register(f"{topic}-value", shapes.SCHEMA_WITH_LENGTH)
    stack.probe.write_raw(topic, (None, shapes.encode(old_id, *_OLD)), (None, shapes.encode(new_id, *_NEW)))
