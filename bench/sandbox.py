"""How quick the sandbox is, as ratios to yardsticks measured alternately in the same run.

Run by `make bench`: start to first answer against the bare imports; one application against a bare Starlette route,
over one connection and over new ones; pages and filters of ten thousand applications against smaller tenants.
"""

from __future__ import annotations

import http.client
import json
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from provision.sandbox import folder as folders
from provision.sandbox.authority import certificates
from provision.sandbox.server import serve
from provision.sandbox.store import Store

STARTS, ROUNDS, LIST_ROUNDS = 21, 15, 5
START_BUDGET, RATE_BUDGET, LINEAR_BUDGET = 3.0, 0.3, 2.0
FLOOR = "import uvicorn, starlette"
LISTS = (
    ("all applications, page by page", "/v1.0/applications?$top=999", 100),
    ("one page", "/v1.0/applications?$top=100", 1),
    ("filtered by tag", "/v1.0/applications?$filter=tags/any(t:t%20eq%20'few')", 100),
)
BARE = """
import sys, uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
async def answer(request):
    return JSONResponse({"id": request.path_params["id"]})
app = Starlette(routes=[Route("/v1.0/applications/{id}", answer)])
uvicorn.run(app, port=int(sys.argv[1]), ssl_certfile=sys.argv[2], ssl_keyfile=sys.argv[2], http="h11",
    loop="asyncio", log_level="error", access_log=False)
"""


def main() -> int:
    """Print every ratio; 1 when one is out of its budget."""
    subprocess.run(
        [sys.executable, "-m", "compileall", "-q", str(Path(folders.__file__).parent.parent)],
        check=False,
    )
    with tempfile.TemporaryDirectory() as place:
        workplace = Path(place)
        good = [
            start(workplace / "start"),
            *rates(workplace / "rate"),
            *lists(workplace / "list"),
        ]
    return 0 if all(good) else 1


def start(workplace: Path) -> bool:
    """From the command to the first answer, when the sandbox has been used before."""
    workplace.mkdir()
    port = free_port()
    first_answer(workplace, port)
    floor, ours = [], []
    for _ in range(STARTS):
        floor.append(seconds(lambda: subprocess.run([sys.executable, "-c", FLOOR], check=True)))
        ours.append(first_answer(workplace, port))
    ratio = statistics.median(ours) / statistics.median(floor)
    return told("start to first answer", ratio, f"x `{FLOOR}`", most=START_BUDGET)


def first_answer(workplace: Path, port: int) -> float:
    """Start the server, ask until it answers, end it."""
    command = [
        sys.executable,
        "-m",
        "provision",
        "sandbox",
        "serve",
        "--quiet",
        "--port",
        str(port),
    ]
    began = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=workplace, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    trusted = ssl.create_default_context()
    trusted.check_hostname, trusted.verify_mode = False, ssl.CERT_NONE
    try:
        while not answers(port, trusted):
            time.sleep(0.005)
        return time.perf_counter() - began
    finally:
        process.terminate()
        process.wait()


def answers(port: int, trusted: ssl.SSLContext) -> bool:
    """Whether somebody answers at this port."""
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=trusted, timeout=10)
    try:
        connection.request("GET", "/metadata/endpoints")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def rates(workplace: Path) -> Iterator[bool]:
    """GET of one application, over one connection and over a new one for each request."""
    workplace.mkdir()
    with command(workplace) as facts, bare(Path(facts["caBundle"]).parent) as port:
        trusted = ssl.create_default_context(cafile=facts["caBundle"])
        ours = int(facts["url"].rpartition(":")[2])
        headers = {"Authorization": f"Bearer {token(facts, trusted)}"}
        path = f"/v1.0/applications(appId='{facts['clientId']}')"
        body = fetched(ours, path, headers, trusted)
        path = f"/v1.0/applications/{json.loads(body)['id']}"
        for many, name, count in (
            (True, "one connection", 200),
            (False, "new TLS connections", 40),
        ):
            floor, mine = [], []
            for _ in range(ROUNDS):
                floor.append(rate(port, path, {}, trusted, many=many, count=count))
                mine.append(rate(ours, path, headers, trusted, many=many, count=count))
            ratio = statistics.median(mine) / statistics.median(floor)
            what = f"GET of an application, {name}"
            yield told(what, ratio, "x the rate of a bare Starlette route", least=RATE_BUDGET)


def fetched(port: int, path: str, headers: dict[str, str], trusted: ssl.SSLContext) -> bytes:
    """One answer's body."""
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=trusted)
    connection.request("GET", path, headers=headers)
    body = connection.getresponse().read()
    connection.close()
    return body


@contextmanager
def command(workplace: Path) -> Iterator[dict[str, str]]:
    """`provision sandbox serve` in a process of its own, as other programs start it; its settings."""
    settings = workplace / "settings.json"
    given = ["--port", "0", "--quiet", "--settings", str(settings), "--profile", "strong"]
    process = subprocess.Popen(
        [sys.executable, "-m", "provision", "sandbox", "serve", *given, "--throttle", "0"],
        cwd=workplace,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not settings.exists():
            time.sleep(0.02)
        facts: dict[str, str] = json.loads(settings.read_text(encoding="utf-8"))
        yield facts
    finally:
        process.terminate()
        process.wait()


def rate(
    port: int,
    path: str,
    headers: dict[str, str],
    trusted: ssl.SSLContext,
    *,
    many: bool,
    count: int,
) -> float:
    """Answers a second; `many` requests use one connection."""

    def ask() -> None:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, answer.status

    connection = http.client.HTTPSConnection("127.0.0.1", port, context=trusted)
    ask()
    began = time.perf_counter()
    for _ in range(count):
        if not many:
            connection.close()
            connection = http.client.HTTPSConnection("127.0.0.1", port, context=trusted)
        ask()
    took = time.perf_counter() - began
    connection.close()
    return count / took


def lists(folder: Path) -> Iterator[bool]:
    """The cost per object returned must not grow with what is in the tenant."""
    with serve(folder, profile="strong", throttle=0) as server:
        trusted = ssl.create_default_context(cafile=str(server.ca_bundle))
        headers = {}
        for name, count in (("small", 1_000), ("large", 10_000)):
            facts = {"url": server.url, **server.operator(name)}
            headers[name] = {"Authorization": f"Bearer {token(facts, trusted)}"}
            fill(server.store, name, count)
        port = int(server.url.rpartition(":")[2])
        for what, path, pages in LISTS:
            took: dict[str, list[float]] = {"small": [], "large": []}
            for _ in range(LIST_ROUNDS):
                for name, times in took.items():
                    times.append(cost(port, path, headers[name], trusted, pages=pages))
            ratio = statistics.median(took["large"]) / statistics.median(took["small"])
            what = f"{what}, of 10 000 against of 1 000"
            yield told(what, ratio, "x the cost per object returned", most=LINEAR_BUDGET)


def cost(
    port: int, path: str, headers: dict[str, str], trusted: ssl.SSLContext, *, pages: int
) -> float:
    """Seconds per object returned; at most so many pages are fetched."""
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=trusted)
    connection.connect()
    began, found, address = time.perf_counter(), 0, path
    while address and pages:
        connection.request("GET", address, headers=headers)
        body: dict[str, Any] = json.loads(connection.getresponse().read())
        found += len(body["value"])
        address = body.get("@odata.nextLink", "").removeprefix(f"https://127.0.0.1:{port}")
        pages -= 1
    took = time.perf_counter() - began
    connection.close()
    return took / found


def fill(store: Store, name: str, count: int) -> None:
    """Put applications into the tenant; a hundred of them bear the tag `few`."""
    from provision.sandbox.directory import shape

    tenant = store.tenant(name)
    assert tenant is not None
    with store.writing():
        for number in range(count):
            application = {
                **shape.blank(shape.APPLICATIONS),
                "id": tenant.new_guid(),
                "appId": tenant.new_guid(),
                "displayName": f"app {number}",
                "tags": ["few"] if number % (count // 100) == 0 else ["many"],
                "_owners": [],
            }
            tenant.put("applications", application, lag="none")


def token(facts: dict[str, str], trusted: ssl.SSLContext) -> str:
    """A token of the operator."""
    port = int(facts["url"].rpartition(":")[2])
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=trusted)
    form = {
        "grant_type": "client_credentials",
        "client_id": facts["clientId"],
        "client_secret": facts["clientSecret"],
        "scope": "https://graph.microsoft.com/.default",
    }
    connection.request("POST", f"/{facts['tenantId']}/oauth2/v2.0/token", urlencode(form))
    answer: dict[str, str] = json.loads(connection.getresponse().read())
    connection.close()
    return answer["access_token"]


@contextmanager
def bare(folder: Path) -> Iterator[int]:
    """A Starlette application with one route, served in the same way."""
    port = free_port()
    chain = str(certificates(folder).chain_and_key)
    process = subprocess.Popen([sys.executable, "-c", BARE, str(port), chain])
    trusted = ssl.create_default_context()
    trusted.check_hostname, trusted.verify_mode = False, ssl.CERT_NONE
    try:
        while not reachable(port):
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait()


def reachable(port: int) -> bool:
    """Whether somebody listens at this port."""
    import socket

    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def free_port() -> int:
    """A port that nobody listens at."""
    import socket

    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


def seconds(work: Callable[[], object]) -> float:
    """The wall time of some work."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def told(
    what: str, ratio: float, unit: str, *, most: float | None = None, least: float | None = None
) -> bool:
    """Print one ratio and whether it is within its budget."""
    budget = f"at most {most}" if most is not None else f"at least {least}"
    good = (most is None or ratio <= most) and (least is None or ratio >= least)
    print(f"{'ok ' if good else 'BAD'} {what}: {ratio:.2f} {unit} (budget: {budget})", flush=True)
    return good


if __name__ == "__main__":
    sys.exit(main())
